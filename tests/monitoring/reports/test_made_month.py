"""Every figure of a report is what the raw rows say, recomputed here without code of reports.

The month is March 2026 in Berlin: it begins and ends within days of UTC, and a day has 23 hours.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from monitoring.alerts.models import Alert
from monitoring.models import HealthReport, MetricRollup
from monitoring.reports.choices import ReportKind
from monitoring.reports.making import make
from monitoring.reports.models import Report
from monitoring.reports.periods import starting
from tests.monitoring.reports.month import make_month, make_work
from trimming.models import Shadow, TrimRun

# each test reads what the fixture has made once, and makes nothing
pytestmark = pytest.mark.django_db
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 2, 28, 23, tzinfo=UTC)
END = datetime(2026, 3, 31, 22, tzinfo=UTC)
FAILED = ("failed", "unverified", "late")


@pytest.fixture(scope="module")
def report(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Report]:
    """A report of the month, with work before and behind it; the rows are there for all tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        make_month(BEGIN, END)
        make_work(BEGIN - timedelta(days=20), BEGIN, 50, seed=8)
        make_work(END, END + timedelta(days=3), 30, seed=9)
        period = starting(ReportKind.MONTH, date(2026, 3, 1), BERLIN)
        yield make(period, END + timedelta(hours=5))
        transaction.set_rollback(True)


def runs(begin: datetime = BEGIN, end: datetime = END) -> list[dict[str, Any]]:
    """Return the raw rows of a time, with the digest of their captures."""
    rows = TrimRun.objects.values(
        *("strategy", "outcome", "finished_at", "input_bytes", "masked_bytes", "messages"),
        *("duration_ms", "job__failed_on", "job__capture__sha256", "job__capture_id"),
    )
    return [row for row in rows if begin <= row["finished_at"] < end]


def part(report: Report, name: str) -> Mapping[str, Any]:
    found: list[Mapping[str, Any]] = [each for each in report.data if each["name"] == name]
    [only] = found
    return only


def figure(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    [figure] = [each for each in found["figures"] if each["name"] == name]
    value: Mapping[str, Any] = figure
    return value


def table(found: Mapping[str, Any], title: str) -> list[list[Any]]:
    """Return the values of the rows of a table."""
    [table] = [each for each in found["tables"] if each["title"] == title]
    return [[value["value"] for value in row] for row in table["rows"]]


def of(rows: Iterable[Mapping[str, Any]], *outcomes: str) -> list[Mapping[str, Any]]:
    return [row for row in rows if row["outcome"] in outcomes]


def total(rows: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(row[name] for row in rows)


def test_the_report_is_of_the_whole_month(report: Report) -> None:
    assert (report.begin, report.end, report.until) == (BEGIN, END, END)
    assert report.is_whole
    assert all(each["is_known"] for each in report.data)


def test_sums_are_those_of_the_rows_of_this_month_and_of_the_one_before(report: Report) -> None:
    found = part(report, "traffic")
    done, failed = of(runs(), "done"), of(runs(), *FAILED)
    earlier = runs(datetime(2026, 1, 31, 23, tzinfo=UTC), BEGIN)
    assert len(earlier) == 50
    for name, value, before in (
        ("Runs with a result", len(done), len(of(earlier, "done"))),
        ("Failed runs", len(failed), len(of(earlier, *FAILED))),
        *(
            (title, total(done, key), total(of(earlier, "done"), key))
            for title, key in (
                ("Bytes of captures", "input_bytes"),
                ("Bytes masked", "masked_bytes"),
                ("HTTP messages", "messages"),
            )
        ),
    ):
        shown = figure(found, name)
        assert (shown["value"]["value"], shown["before"]["value"]) == (value, before), name
    seconds = (END - BEGIN).total_seconds()
    assert figure(found, "Throughput")["value"]["value"] == pytest.approx(
        total(done, "input_bytes") / seconds
    )
    fallbacks = [row for row in done if row["job__failed_on"] and row["strategy"] == "legacy"]
    for name, count in (
        ("Served by legacy after a failure", len(fallbacks)),
        ("Outputs that failed verification", len(of(runs(), "unverified"))),
        ("Captures that cannot be used", len(of(runs(), "refused"))),
        ("Runs that a fault around them ended", len(of(runs(), "broken"))),
    ):
        assert figure(found, name)["value"]["value"] == count > 0, name


def test_days_are_those_of_the_clock_on_the_wall(report: Report) -> None:
    rows = table(part(report, "traffic"), "Day by day")
    sums: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in runs():
        day = sums[row["finished_at"].astimezone(BERLIN).date()]
        day[0] += row["outcome"] == "done"
        day[1] += row["outcome"] in FAILED
        day[2] += row["input_bytes"] if row["outcome"] == "done" else 0
    assert [row[1:] for row in rows] == [sums[date(2026, 3, 1 + n)] for n in range(31)]
    days = [datetime.fromisoformat(row[0]).astimezone(BERLIN) for row in rows]
    assert [each.date() for each in days] == [date(2026, 3, 1 + n) for n in range(31)]


def test_the_chart_holds_all_bytes_of_each_arm_and_a_gap_where_nothing_was_measured(
    report: Report,
) -> None:
    [chart] = part(report, "traffic")["charts"]
    shown = chart["figure"]
    assert (shown["start"], shown["size"], shown["step"]) == (BEGIN.isoformat(), 62, 12 * 3600)
    factor = {"MB/s": 1e6, "kB/s": 1e3, "B/s": 1}[shown["unit"]]
    for line, strategy in zip(shown["lines"], ("legacy", "scanning"), strict=True):
        mine = [row for row in of(runs(), "done") if row["strategy"] == strategy]
        for number, value in enumerate(line["values"]):
            begin = BEGIN + timedelta(hours=12 * number)
            end = min(begin + timedelta(hours=12), END)
            mine_now = [row for row in mine if begin <= row["finished_at"] < end]
            rate = total(mine_now, "input_bytes") / (end - begin).total_seconds()
            if value is None:
                assert rate == 0
            else:
                assert value * factor == pytest.approx(rate, rel=1e-3, abs=1e-9)


def test_arms_are_compared_by_distinct_captures_and_exact_times(report: Report) -> None:
    [shown] = part(report, "arms")["tables"]
    rows = {row[0]["value"]: row[1:] for row in shown["rows"]}
    for place, strategy in enumerate(("legacy", "scanning")):
        mine = [row for row in runs() if row["strategy"] == strategy]
        judged = of(mine, "done", *FAILED)
        whole = {row["job__capture__sha256"] for row in judged}
        failed = {row["job__capture__sha256"] for row in of(judged, *FAILED)}
        assert rows["Captures"][place]["value"] == len(whole)
        share = rows["Captures that failed"][place]
        assert share["value"] == pytest.approx(100 * len(failed) / len(whole))
        assert share["low"] < share["value"] < share["high"]
        times = sorted(row["duration_ms"] / max(1, row["messages"]) for row in of(mine, "done"))
        for name, q in (
            ("Time for one message, median", 0.5),
            ("Time for one message, 95 %", 0.95),
        ):
            value = rows[name][place]
            assert value["value"] == pytest.approx(
                times[math.floor(q * (len(times) - 1))], rel=0.0101
            )
            assert value["low"] < value["value"]
            assert value["high"] is None or value["high"] > value["value"]
        assert rows["Bytes of captures"][place]["value"] == total(of(mine, "done"), "input_bytes")


def test_intervals_are_where_the_likelihood_of_the_counts_is_high_enough(report: Report) -> None:
    [shown] = part(report, "arms")["tables"]
    rows = {row[0]["value"]: row[1:] for row in shown["rows"]}
    mine = [row for row in runs() if row["strategy"] == "scanning"]
    n = len({row["job__capture__sha256"] for row in of(mine, "done", *FAILED)})
    k = len({row["job__capture__sha256"] for row in of(mine, *FAILED)})

    def evidence(rate: float) -> float:
        """Return the mixture over Beta(1/2, 1/2) against a rate, as a logarithm."""
        beta = math.lgamma(k + 0.5) + math.lgamma(n - k + 0.5) - math.lgamma(n + 1)
        return beta - math.log(math.pi) - k * math.log(rate) - (n - k) * math.log(1 - rate)

    share = rows["Captures that failed"][1]
    for edge in (share["low"], share["high"]):
        assert evidence(edge / 100) == pytest.approx(math.log(20), abs=1e-6)


def test_comparisons_count_the_first_of_each_capture(report: Report) -> None:
    first: dict[str, Shadow] = {}
    for shadow in Shadow.objects.order_by("finished_at"):
        is_answer = shadow.outcome in ("matched", "mismatched")
        if is_answer and shadow.finished_at and BEGIN <= shadow.finished_at < END:
            first.setdefault(shadow.digest, shadow)
    found = part(report, "arms")
    differing = sum(each.outcome == "mismatched" for each in first.values())
    ratios = [(each.treatment_ms or 0) / (each.control_ms or 1) for each in first.values()]
    assert figure(found, "Captures compared")["value"]["value"] == len(first)
    assert figure(found, "Captures that differ")["value"]["value"] == pytest.approx(
        100 * differing / len(first)
    )
    leaks = sum(each.leak == "confirmed" for each in first.values())
    assert figure(found, "Confirmed leaks")["value"]["value"] == leaks
    ratio = figure(found, "Time of scanning to legacy, median")["value"]
    assert ratio["value"] == pytest.approx(median(ratios))
    assert ratio["low"] < ratio["value"] < ratio["high"]


def test_health_is_in_shares_of_checks_with_the_bad_stretch(report: Report) -> None:
    found = part(report, "health")
    rows = list(HealthReport.objects.filter(at__gte=BEGIN, at__lt=END))
    counts = Counter(row.verdict for row in rows)
    # one should be made each minute: what was not checked is not taken for well
    expected = (END - BEGIN) / timedelta(minutes=1)
    for name, count in (
        *((name, counts[name.lower()]) for name in ("Ok", "Fail", "Warn")),
        ("Not checked", expected - len(rows)),
    ):
        assert figure(found, name)["value"]["value"] == pytest.approx(100 * count / expected)
    assert figure(found, "Lowest score")["value"]["value"] == 0.2
    bad = [row for row in rows if row.verdict == "fail"]
    # a check counts for three minutes when the next one does not come: each stands alone
    stretches = table(found, "What was not well, the worst first")
    assert len(stretches) == 10
    assert {row[0] for row in stretches} <= {row.at.isoformat() for row in bad}
    assert {row[2] for row in stretches} == {180.0}
    assert table(found, "Checks in which a dimension was not well") == [
        ["Resources", len(bad), 0, 0]
    ]


def test_alerts_and_response_times_are_those_of_the_rows(report: Report) -> None:
    found = part(report, "alerts")
    rows = list(Alert.objects.all())
    assert figure(found, "Fired")["value"]["value"] == len(rows) == 20
    for severity, fired, acknowledged, resolved in table(found, "Response times"):
        mine = [row for row in rows if row.severity == severity]
        waits = [
            (row.acknowledged_at - row.fired_at).total_seconds()
            for row in mine
            if row.acknowledged_at and row.fired_at
        ]
        lengths = [
            (row.resolved_at - row.fired_at).total_seconds()
            for row in mine
            if row.resolved_at and row.fired_at
        ]
        assert (fired, acknowledged, resolved) == (len(mine), median(waits), median(lengths))


def test_changes_are_there_with_who_and_why(report: Report) -> None:
    [row] = table(part(report, "configuration"), "Versions, newest first")
    assert row[2:] == ["operator-2", "more patience for the queue", 1]
    policies = table(part(report, "routing"), "Policies, newest first")
    assert [row[3] for row in policies] == ["a rollback", "an operator"]
    assert "1 of them by a rollback" in part(report, "routing")["said"]


def test_the_slowest_and_the_failed_are_the_right_ones_and_bear_no_names(report: Report) -> None:
    found = part(report, "captures")
    slowest = sorted(of(runs(), "done"), key=lambda row: -row["duration_ms"])[:10]
    assert [row[0] for row in table(found, "The slowest runs")] == [
        str(row["job__capture_id"]) for row in slowest
    ]
    failed = sorted(of(runs(), *FAILED), key=lambda row: row["finished_at"], reverse=True)
    assert [row[0] for row in table(found, "Failed runs, newest first")] == [
        str(row["job__capture_id"]) for row in failed[:10]
    ]
    [shown] = [each for each in found["tables"] if each["title"].startswith("Failed")]
    assert shown["left_out"] == len(failed) - 10
    assert "edge-fra" not in str(report.data)


def test_a_limit_is_forecast_by_the_median_slope_of_all_pairs(report: Report) -> None:
    found = part(report, "capacity")
    rows = table(found, "When each limit would be met, if it goes on so")
    days = MetricRollup.objects.filter(resolution_seconds=86_400, at__lt=END).order_by("at")
    points = [
        (row.at.timestamp() / 86_400, row.values["disk_percent"][1] / row.values["disk_percent"][0])
        for row in days
    ]
    slopes = [
        (y2 - y1) / (x2 - x1)
        for number, (x1, y1) in enumerate(points)
        for x2, y2 in points[number + 1 :]
    ]
    disk = [row for row in rows if row[0] == "Disk"]
    assert disk[0][2] == pytest.approx(median(slopes))
    middle = median(x for x, _ in points), median(y for _, y in points)
    level = middle[1] + median(slopes) * (END.timestamp() / 86_400 - middle[0])
    assert disk[0][1] == pytest.approx(level)
    warned = END + timedelta(days=(80 - level) / median(slopes))
    assert datetime.fromisoformat(disk[0][4]) == pytest.approx(warned, abs=timedelta(seconds=1))


def test_the_share_of_time_that_was_measured_lacks_the_gap(report: Report) -> None:
    hours = (END - BEGIN) / timedelta(hours=1)
    assert report.measured_share == pytest.approx((hours - 6) / hours)
