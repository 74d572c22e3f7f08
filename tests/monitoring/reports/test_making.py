"""Reports by the clock and on demand: each time once, what was missed, what is not known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from monitoring import tasks
from monitoring.models import MetricRollup
from monitoring.reports import making
from monitoring.reports.choices import MailState, ReportKind
from monitoring.reports.making import (
    expired,
    known_since,
    make,
    make_due,
    make_now,
    missing,
    prune,
)
from monitoring.reports.models import Report
from monitoring.reports.parts import Part
from monitoring.reports.periods import starting
from monitoring.reports.sections import Sections, Span, sections
from tests.monitoring.reports.month import make_checks, make_measures, make_work

pytestmark = pytest.mark.django_db
UTC_ZONE = ZoneInfo("UTC")
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
MORNING = timedelta(hours=6, minutes=5)
Settings = Callable[..., None]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give a function that sets settings of reports."""

    def given(**values: Any) -> None:
        for key, value in values.items():
            monkeypatch.setenv(f"PKTMASK_REPORTS__{key.upper()}", str(value))

    return given


@pytest.fixture(autouse=True)
def _settings(given: Settings) -> None:
    given(weekly="false", monthly="false")


def days() -> list[date]:
    return sorted(row.begin.date() for row in Report.objects.filter(kind="day"))


def test_a_service_that_has_left_no_trace_gets_no_report() -> None:
    assert known_since() is None
    assert make_due(MONDAY + 5 * DAY) == []


def test_a_report_is_made_at_its_hour_and_once() -> None:
    make_measures(MONDAY, MONDAY + DAY)
    assert make_due(MONDAY + DAY + MORNING - timedelta(seconds=1)) == []
    for _ in range(3):
        make_due(MONDAY + DAY + MORNING)
    assert days() == [MONDAY.date()]


def test_what_lies_before_the_first_trace_is_not_reported() -> None:
    make_work(MONDAY + timedelta(hours=9), MONDAY + timedelta(hours=10), 5)
    make_due(MONDAY + 2 * DAY + MORNING)
    assert days() == [MONDAY.date(), (MONDAY + DAY).date()]


def test_a_day_that_was_missed_is_made_up_for_with_its_own_figures() -> None:
    make_measures(MONDAY, MONDAY + 4 * DAY)
    make_work(MONDAY, MONDAY + 4 * DAY, 80)
    make_due(MONDAY + DAY + MORNING)
    in_time = Report.objects.get()
    # nothing runs for two days
    made = make_due(MONDAY + 4 * DAY + MORNING)
    assert [row.begin for row in made] == [MONDAY + n * DAY for n in (1, 2, 3)]
    again = make(starting(ReportKind.DAY, MONDAY.date(), UTC_ZONE), MONDAY + 9 * DAY)
    assert again.pk == in_time.pk
    assert again.made_at == in_time.made_at
    missed = made[0]
    Report.objects.filter(pk=missed.pk).delete()
    period = starting(ReportKind.DAY, date(2026, 3, 3), UTC_ZONE)
    # what would have been made in time says the same, but for the time of making
    assert make(period, MONDAY + 2 * DAY + MORNING).data == missed.data


def test_what_ended_too_long_ago_is_not_made_up_for(given: Settings) -> None:
    given(catch_up_days=2)
    make_measures(MONDAY, MONDAY + DAY)
    make_due(MONDAY + 10 * DAY + MORNING)
    assert days() == [date(2026, 3, 10), date(2026, 3, 11)]


def test_all_kinds_are_made_where_they_are_switched_on(given: Settings) -> None:
    given(weekly="true", monthly="true", daily="false")
    make_measures(MONDAY, MONDAY + DAY)
    made = make_due(datetime(2026, 4, 1, 7, tzinfo=UTC))
    assert [row.kind for row in made] == ["week"] * 4 + ["month"]


def test_the_days_on_which_the_clock_is_changed_are_made_with_their_true_length(
    given: Settings,
) -> None:
    given(zone="Europe/Berlin")
    berlin = ZoneInfo("Europe/Berlin")
    for begin, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        Report.objects.all().delete()
        MetricRollup.objects.all().delete()
        start = starting(ReportKind.DAY, begin, berlin).begin
        make_measures(start - DAY, start + 3 * DAY)
        make_due(start + timedelta(hours=hours) + MORNING)
        report = Report.objects.order_by("-end")[0]
        assert report.begin == start
        assert report.end - report.begin == timedelta(hours=hours)
        assert report.measured_share == 1
        assert days()[-1] == start.date()


def test_a_time_without_data_says_so_and_shows_no_figure() -> None:
    make_measures(MONDAY, MONDAY + DAY)
    make_due(MONDAY + 2 * DAY + MORNING)
    report = Report.objects.get(begin=MONDAY + DAY)
    assert report.measured_share == 0
    known = {part["name"]: part["is_known"] for part in report.data}
    for name in ("traffic", "arms", "health", "alerts", "captures", "capacity"):
        assert known[name] is False, name
    for part in report.data:
        if not part["is_known"]:
            assert (part["figures"], part["charts"]) == ([], [])
    assert "nothing is known of it" in report.data[0]["said"]


def test_a_quiet_time_that_was_measured_is_known_to_be_quiet() -> None:
    make_measures(MONDAY, MONDAY + DAY)
    make_checks(MONDAY, MONDAY + DAY, timedelta(minutes=1), MONDAY + 2 * DAY)
    [report] = make_due(MONDAY + DAY + MORNING)
    said = {part["name"]: part["said"] for part in report.data if part["is_known"]}
    assert said["traffic"].startswith("No capture ended in this time. It was measured for 100 %")
    assert said["alerts"] == "No alert fired."
    assert "100 % ok" in said["health"]
    assert "arms" not in said


def test_a_day_that_was_measured_in_part_says_for_how_much(given: Settings) -> None:
    make_measures(MONDAY, MONDAY + DAY, (MONDAY, MONDAY + 0.25 * DAY))
    make_work(MONDAY + 0.5 * DAY, MONDAY + DAY, 40)
    [report] = make_due(MONDAY + DAY + MORNING)
    assert report.is_measured_in_part
    traffic = report.data[0]
    assert "It was measured for 75.0 % of the time." in traffic["said"]
    values = traffic["charts"][0]["figure"]["lines"][0]["values"]
    assert values[:6] == [None] * 6
    assert values[6:12] == [0] * 6


def test_a_report_of_the_time_so_far_is_replaced_when_its_time_is_over() -> None:
    make_measures(MONDAY, MONDAY + DAY)
    make_work(MONDAY, MONDAY + DAY, 40)
    noon = MONDAY + 0.5 * DAY
    first = make_now(ReportKind.DAY, noon, "operator-2")
    assert (first.is_whole, first.until, first.made_by) == (False, noon, "operator-2")
    later = make_now(ReportKind.DAY, noon + 0.25 * DAY, "operator-3")
    assert (later.pk, later.made_by) == (first.pk, "operator-3")
    [whole] = make_due(MONDAY + DAY + MORNING)
    assert (whole.pk, whole.is_whole, whole.made_by) == (first.pk, True, "")
    assert whole.data[0]["figures"] != later.data[0]["figures"]


def test_an_unfinished_report_is_not_compared_with_a_whole_time() -> None:
    make_work(MONDAY - DAY, MONDAY, 10)
    make_work(MONDAY, MONDAY + 0.5 * DAY, 10, seed=2)
    report = make_now(ReportKind.DAY, MONDAY + 0.5 * DAY, "operator-2")
    assert {figure["before"] for figure in report.data[0]["figures"]} == {None}


def test_a_report_that_was_just_begun_can_be_made() -> None:
    assert make_now(ReportKind.DAY, MONDAY, "operator-2").measured_share == 0


def test_of_two_that_make_the_same_report_the_second_one_changes_nothing() -> None:
    make_measures(MONDAY, MONDAY + DAY)
    period = starting(ReportKind.DAY, MONDAY.date(), UTC_ZONE)
    first = make(period, MONDAY + DAY + MORNING)
    second = make(period, MONDAY + DAY + 2 * MORNING)
    assert Report.objects.get().made_at == first.made_at == second.made_at


def test_a_source_that_fails_costs_its_own_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Sections()

    @mine.register("broken", "Broken", 1)
    def broken(span: Span) -> list[Part]:
        raise RuntimeError("payload that must not be told")

    @mine.register("sound", "Sound", 2)
    def sound(span: Span) -> list[Part]:
        return [Part("sound", "Sound", "All is said.")]

    monkeypatch.setattr(making, "sections", mine)
    report = make_now(ReportKind.DAY, MONDAY + MORNING, "operator-2")
    assert [(part["name"], part["is_known"]) for part in report.data] == [
        ("broken", False),
        ("sound", True),
    ]
    assert "payload" not in str(report.data)


def test_a_report_that_cannot_be_made_leaves_the_others_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_measures(MONDAY, MONDAY + DAY)
    whole = making.make

    def fails_once(period: Any, now: datetime, made_by: str = "") -> Report:
        if period.first == MONDAY.date():
            raise OSError("the disk is full")
        return whole(period, now, made_by)

    with monkeypatch.context() as patch:
        patch.setattr(making, "make", fails_once)
        make_due(MONDAY + 2 * DAY + MORNING)
    assert days() == [(MONDAY + DAY).date()]
    assert [each.first for each in missing(MONDAY + 2 * DAY + MORNING)] == [MONDAY.date()]
    make_due(MONDAY + 2 * DAY + MORNING)
    assert len(days()) == 2


def test_only_news_is_mailed(given: Settings) -> None:
    given(receivers="one@example.org")
    make_measures(MONDAY, MONDAY + DAY)
    made = make_due(MONDAY + 10 * DAY + MORNING)
    waiting = [row.begin for row in made if row.mail_state == MailState.WAITING]
    assert len(made) == 10
    assert waiting == [MONDAY + n * DAY for n in range(3, 10)]
    assert make_now(ReportKind.DAY, MONDAY + 11 * DAY, "me").mail_state == MailState.NONE


def test_reports_are_removed_when_they_were_kept_long_enough_and_not_made_again(
    given: Settings,
) -> None:
    given(keep_days=32, catch_up_days=31)
    make_measures(MONDAY, MONDAY + DAY)
    make_due(MONDAY + DAY + MORNING)
    now = MONDAY + 33 * DAY + MORNING
    assert expired(now).count() == prune(now) == 1
    assert MONDAY.date() not in [each.first for each in missing(now)]


def test_what_is_scheduled_makes_and_mails() -> None:
    tasks.make_reports()
    assert Report.objects.count() == 0


def test_the_parts_of_all_apps_stand_in_their_order() -> None:
    report = make_now(ReportKind.DAY, MONDAY + MORNING, "operator-2")
    names = [part["name"] for part in report.data]
    wanted = [
        *("traffic", "arms", "health", "alerts", "capacity", "captures", "rollout"),
        *("configuration", "routing", "rollback_drills"),
    ]
    assert [name for name in names if name in wanted] == wanted
    assert sections.parts(Span(starting(ReportKind.DAY, MONDAY.date(), UTC_ZONE), MONDAY + DAY))
