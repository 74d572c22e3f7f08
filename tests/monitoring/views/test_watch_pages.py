"""Overview, health and trends: who may look, what they show, and what they must not do."""

from __future__ import annotations

import csv
import html
import io
import json
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.choices import VersionKind
from config.models import ConfigVersion
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from monitoring import heartbeats
from monitoring.choices import Verdict
from monitoring.models import HealthReport, Heartbeat
from tests.factories import make_job, make_user
from tests.monitoring.measured import make_report, make_rollups, make_samples
from trimming.policy import Wish, publish
from trimming.profiles import mirror_built_in_profiles
from trimming.routing_choices import Mode, Origin

pytestmark = pytest.mark.django_db
PAGES = ("/", "/health/", "/trends/")
DATA = ("/overview/data/", "/health/data/", "/trends/data/")
ROLES = (VIEWER, OPERATOR, APPROVER, ADMINISTRATOR)
# session, user, permissions (own and by group), three for the strip, one for the rollout, one for
# the role, and: samples, five for marks (policies, versions, rollouts, alerts fired and resolved),
# the report, the workers' signs, captures with jobs and their runs, the active rollout, three for
# firing alerts
OVERVIEW_QUERIES = 24
# as above: checks of a day, five for marks, the report and what fires, reports with the alerts that
# they raised, and their count
HEALTH_QUERIES = 21
# as above: two periods, five for marks, two for forecasts
TRENDS_QUERIES = 19


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


def client_of(role: str = OPERATOR) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def shown(response: Any) -> str:
    """Return what a person reads of a page, with single spaces."""
    assert response.status_code == 200
    text = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(text).split())


def figure_in(response: Any, name: str) -> Any:
    """Return the figure of that name that a page holds."""
    pattern = rf'<script id="figure-{name}" type="application/json">(.*?)</script>'
    found = re.search(pattern, response.content.decode(), re.S)
    assert found is not None, name
    return json.loads(found[1])


@pytest.fixture
def measured() -> datetime:
    """An hour of samples, two days of minutes, a report; workers that give signs."""
    now = timezone.now()
    heartbeats.beat(heartbeats.WORKERS)
    heartbeats.beat(heartbeats.MONITOR)
    make_samples(now - timedelta(seconds=1), 720)
    minute = now.replace(second=0, microsecond=0)
    make_rollups(minute, 2 * 1440, 60)
    make_rollups(minute - timedelta(minutes=minute.minute % 5), 2 * 288, 300)
    make_report(now - timedelta(seconds=20), Verdict.WARN, 0.79)
    return now


class TestWhoMay:
    @pytest.mark.parametrize("address", [*PAGES, *DATA])
    def test_without_a_login_one_is_asked_for(self, client: Client, address: str) -> None:
        answer = client.get(address)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/sign-in/")

    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize("address", PAGES)
    def test_every_role_may_look(self, role: str, address: str) -> None:
        assert client_of(role).get(address).status_code == 200

    @pytest.mark.parametrize("address", [*PAGES, *DATA])
    def test_nobody_else_may(self, address: str) -> None:
        client = Client()
        client.force_login(User.objects.create_user("somebody"))
        assert client.get(address).status_code == 403

    @pytest.mark.parametrize(
        ("role", "may"),
        [(VIEWER, False), (OPERATOR, True), (APPROVER, True), (ADMINISTRATOR, True)],
    )
    def test_who_may_have_the_health_checked(self, role: str, may: bool) -> None:
        assert ("Check now" in shown(client_of(role).get("/health/"))) is may

    def test_a_viewer_cannot_have_it_checked(self) -> None:
        assert client_of(VIEWER).post("/health/check/").status_code == 403
        assert client_of(OPERATOR).get("/health/check/").status_code == 405


class TestStrictness:
    @pytest.mark.parametrize("address", PAGES)
    def test_scripts_are_files_and_only_the_chart_library_may_write_styles(
        self, measured: datetime, address: str
    ) -> None:
        answer = client_of().get(address)
        text = answer.content.decode()
        policy = answer["Content-Security-Policy"]
        assert "script-src 'self';" in f"{policy};"
        assert "style-src 'self' 'unsafe-inline';" in f"{policy};"
        assert "img-src 'self' data: blob:;" in f"{policy};"
        assert "unsafe-eval" not in policy
        for attributes in re.findall(r"<script\b([^>]*)>", text):
            assert "src=" in attributes or 'type="application/json"' in attributes
        assert "<style" not in text
        assert not re.search(r'\sstyle="', text)
        assert not re.search(r"\son\w+=\"", text)
        assert "vendor/plotly.min.js" in text

    def test_other_pages_stay_strict_and_load_no_charts(self) -> None:
        answer = client_of().get("/captures/")
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert "plotly" not in answer.content.decode()

    def test_names_of_people_stay_text_in_figures(self, measured: datetime) -> None:
        publish(Wish(Mode.SCANNING), origin=Origin.OPERATOR, reason="</script><b>bold</b>")
        text = client_of().get("/").content.decode()
        assert "<b>bold" not in text


def strip_in(response: Any) -> str:
    """Return the strip on top of a page."""
    text: str = response.content.decode()
    return text[text.index("data-strip") : text.index("</header>")]


class TestStrip:
    def test_the_verdict_leads_to_its_evidence(self) -> None:
        strip = strip_in(client_of(VIEWER).get("/captures/"))
        assert 'href="/health/"' in strip
        assert 'href="#i-unknown"' in strip
        assert "Not known" in strip

    def test_who_may_not_see_the_evidence_is_told_the_verdict_all_the_same(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("somebody", is_staff=True))
        strip = strip_in(client.get("/admin/"))
        assert "/health/" not in strip
        assert "Not known" in strip


class TestOverview:
    def test_a_fresh_system_says_what_to_do(self) -> None:
        text = shown(client_of().get("/"))
        assert "Not known" in text
        assert "The health was never checked." in text
        assert "No captures yet" in text
        assert "Upload a capture" in text

    @pytest.mark.parametrize(("role", "leads_to"), [(OPERATOR, "/captures/"), (VIEWER, "/health/")])
    def test_before_the_first_check_it_leads_to_what_there_is(
        self, role: str, leads_to: str
    ) -> None:
        page = client_of(role).get("/").content.decode()
        button = re.search(r'<div class="press"><a class="btn primary" href="([^"]*)"', page)
        assert button is not None
        assert button[1] == leads_to

    def test_it_says_the_verdict_with_its_reason(self, measured: datetime) -> None:
        text = shown(client_of().get("/"))
        assert "Warn , health 0.79" in text or "Warn, health 0.79" in text
        assert "CPU is at 74 %, the warning is at 70 %." in text

    def test_while_nothing_is_known_of_the_workers_the_health_is_not_told(
        self, measured: datetime
    ) -> None:
        Heartbeat.objects.all().delete()
        text = shown(client_of().get("/"))
        assert "Nothing was heard of the workers for a while." in text
        assert "health 0.79" not in text

    def test_a_report_that_is_too_old_says_nothing(self) -> None:
        make_report(timezone.now() - timedelta(minutes=3, seconds=5))
        text = shown(client_of().get("/"))
        assert "Not known" in text
        assert "too old to go by" in text

    def test_tiles_and_charts_hold_the_last_hour(self, measured: datetime) -> None:
        answer = client_of().get("/")
        text = shown(answer)
        assert "target below 100 ms" in text
        assert re.search(r"\d+ of 2,1\d\d", text)
        throughput = figure_in(answer, "throughput")
        assert [line["role"] for line in throughput["lines"]] == ["control", "treatment"]
        assert throughput["unit"] == "MB/s"
        assert throughput["lines"][0]["values"][100] == pytest.approx(6.6, abs=1)
        latency = figure_in(answer, "latency")
        assert latency["is_log"]
        assert latency["levels"] == [{"value": 100.0, "label": "target 100 ms", "role": "target"}]
        low, high = (latency["lines"][0][key][100] for key in ("low", "values"))
        assert low == pytest.approx(3.0, rel=0.02)
        assert high == pytest.approx(3.0, rel=0.02) or high > low

    def test_people_see_their_own_captures_only(self) -> None:
        operator, other = make_user(OPERATOR), make_user(OPERATOR)
        make_job(operator, name="mine.pcap")
        make_job(other, name="theirs.pcap")
        client = Client()
        client.force_login(operator)
        text = shown(client.get("/"))
        assert "mine.pcap" in text
        assert "theirs.pcap" not in text

    def test_who_may_roll_back_finds_the_way(self) -> None:
        assert "Emergency rollback" in shown(client_of(OPERATOR).get("/"))
        assert "Emergency rollback" not in shown(client_of(VIEWER).get("/"))

    def test_an_open_page_gets_the_same_parts_anew(self, measured: datetime) -> None:
        answer = client_of().get("/overview/data/").json()
        assert set(answer["charts"]) == {"throughput", "latency"}
        assert set(answer["parts"]) == {
            "banner",
            "panels",
            "tiles",
            "dimensions",
            "firing",
            "jobs",
            "changes",
        }
        assert "0.79" in answer["parts"]["banner"]

    def test_the_number_of_queries_does_not_depend_on_what_is_there(
        self, measured: datetime
    ) -> None:
        client, owner = client_of(ADMINISTRATOR), make_user(OPERATOR)
        for number in range(9):
            make_job(owner, name=f"{number}.pcap")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get("/")
        assert len(queries) == OVERVIEW_QUERIES


class TestHealth:
    def test_each_dimension_shows_its_evidence(self, measured: datetime) -> None:
        text = shown(client_of().get("/health/"))
        for word in ("Strategy selection", "Performance", "Error rate", "Resources", "Business"):
            assert word in text
        assert "CPU of the machine" in text
        assert "180" in text

    def test_without_a_check_the_page_says_so(self) -> None:
        text = shown(client_of().get("/health/"))
        assert "The health was never checked." in text
        assert "No check yet" in text

    def test_the_history_has_pages_and_a_score_over_time(self) -> None:
        now = timezone.now()
        for number in range(30):
            make_report(now - timedelta(minutes=number), score=0.9)
        client = client_of()
        answer = client.get("/health/?page=2")
        assert "26\N{EN DASH}30 of 30" in shown(answer)
        assert "30 checks in the last 24 hours: 30 ok." in shown(answer)
        score = figure_in(answer, "score")["lines"][0]["values"]
        assert {each for each in score if each is not None} == {0.9}
        assert score[0] is None
        data = client.get("/health/data/").json()
        assert set(data["parts"]) == {"evidence", "verdicts"}

    def test_checking_now_shows_what_came_of_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        check = pytest.importorskip("monitoring.health.check")
        asked: list[Any] = []

        def check_now(now: datetime, asked_by: User) -> HealthReport:
            asked.append(asked_by)
            return make_report(now)

        monkeypatch.setattr(check, "check_now", check_now)
        client = client_of(APPROVER)
        text = shown(client.post("/health/check/", follow=True))
        assert "Checked: Ok." in text
        assert len(asked) == 1

    def test_a_check_that_fails_leaves_the_last_verdict(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        check = pytest.importorskip("monitoring.health.check")

        def check_now(now: datetime, asked_by: User) -> HealthReport:
            raise OSError("no disk")

        monkeypatch.setattr(check, "check_now", check_now)
        text = shown(client_of().post("/health/check/", follow=True))
        assert "could not be checked" in text

    def test_the_number_of_queries(self, measured: datetime) -> None:
        client = client_of(ADMINISTRATOR)
        with CaptureQueriesContext(connection) as queries:
            client.get("/health/")
        assert len(queries) == HEALTH_QUERIES


def make_two_months(now: datetime) -> None:
    """Make rollups of hours and of four hours for the two months before ``now``."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    make_rollups(hour, 60 * 24, 3600)
    make_rollups(hour.replace(hour=hour.hour - hour.hour % 4), 60 * 6, 4 * 3600)


class TestTrends:
    def test_a_fresh_system_says_what_to_do(self) -> None:
        text = shown(client_of().get("/trends/"))
        assert "Nothing was measured in this time" in text
        assert "too few hours are known yet" in text

    @pytest.mark.parametrize(("period", "size"), [("24h", 288), ("7d", 168), ("30d", 180)])
    def test_each_period_has_its_steps(self, measured: datetime, period: str, size: int) -> None:
        make_two_months(measured)
        answer = client_of().get(f"/trends/?period={period}")
        chart = figure_in(answer, "throughput")
        assert chart["size"] == size
        assert [line["role"] for line in chart["lines"]] == [
            *("before-control", "before-treatment"),
            *("control", "treatment"),
        ]
        assert sum(each is not None for each in chart["lines"][2]["values"]) >= size - 1
        assert sum(each is not None for each in chart["lines"][0]["values"]) >= size - 1

    @pytest.mark.parametrize("query", ["period=24h", "period=7d&metric=messages"])
    def test_an_open_page_gets_the_figures_that_it_shows_anew(
        self, measured: datetime, query: str
    ) -> None:
        make_two_months(measured)
        client = client_of()
        page = client.get(f"/trends/?{query}")
        assert f'data-service-address="/trends/data/?{query}"' in html.unescape(
            page.content.decode()
        )
        answer = client.get(f"/trends/data/?{query}").json()
        shown_charts = re.findall(r'data-chart="(\w+)"', page.content.decode())
        assert list(answer["charts"]) == shown_charts
        assert answer["charts"]["cpu"].keys() == figure_in(page, "cpu").keys()
        assert set(answer["parts"]) == {"nothing", "comparison", "forecast", "changes"}

    @pytest.mark.parametrize(("period", "seconds"), [("24h", 30), ("7d", 360), ("30d", 1440)])
    def test_it_is_asked_for_ten_times_a_step(self, period: str, seconds: int) -> None:
        text = client_of().get(f"/trends/?period={period}").content.decode()
        assert f'data-service-seconds="{seconds}"' in text

    def test_a_period_that_does_not_exist_is_the_default(self, measured: datetime) -> None:
        assert figure_in(client_of().get("/trends/?period=9y"), "cpu")["size"] == 288

    def test_any_other_metric_can_be_chosen(self, measured: datetime) -> None:
        answer = client_of().get("/trends/?metric=monitor_open_files")
        assert "Files that the monitor holds open" in shown(answer)
        values = figure_in(answer, "chosen")["lines"][1]["values"]
        assert 40 in values
        by_arm = figure_in(client_of().get("/trends/?metric=messages"), "chosen")
        assert by_arm["unit"] == "messages/min"
        assert "figure-chosen" not in client_of().get("/trends/?metric=no").content.decode()

    def test_the_csv_has_every_metric_and_no_formula(self, measured: datetime) -> None:
        publish(Wish(Mode.SCANNING), origin=Origin.OPERATOR, reason="=HYPERLINK(1)")
        answer = client_of().get("/trends/?period=24h&format=csv")
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer["Content-Disposition"]
        rows = list(csv.reader(io.StringIO(answer.content.decode())))
        assert rows[0][0] == "time_utc"
        assert "message_ms:control p95 [ms]" in rows[0]
        assert "monitor_open_files [files]" in rows[0]
        assert any("=HYPERLINK(1)" in row[-1] for row in rows)
        for cell in (cell for row in rows for cell in row):
            assert not cell.startswith(("=", "+", "@", "\t", "\r"))

    def test_the_number_of_queries(self, measured: datetime) -> None:
        client = client_of(ADMINISTRATOR)
        with CaptureQueriesContext(connection) as queries:
            client.get("/trends/")
        assert len(queries) == TRENDS_QUERIES

    def test_a_month_is_read_quickly(self, measured: datetime) -> None:
        make_two_months(measured)
        client = client_of()
        client.get("/trends/?period=30d")
        began = time.perf_counter()
        client.get("/trends/?period=30d")
        # generous: the machine may be busy
        assert time.perf_counter() - began < 3


def test_of_many_changes_the_newest_stand_open_and_the_others_are_folded() -> None:
    now = timezone.now()
    for number in range(1, 13):
        ConfigVersion.objects.create(
            number=number,
            at=now - timedelta(minutes=60 - number),
            kind=VersionKind.CONSOLE,
            author_name="anna",
            reason=f"reason {number}.",
            changes=[{"section": "trimming", "key": "max_attempts", "before": 3, "after": 4}],
        )
    text = client_of(ADMINISTRATOR).get("/health/").content.decode()
    open_ones, folded = text.split("2 earlier changes</summary>")
    assert "reason 12." in open_ones
    assert "reason 1." in folded
    assert "reason 12." not in folded
