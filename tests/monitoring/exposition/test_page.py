"""The page for Prometheus says what is stored, in names that do not change."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone, translation
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from monitoring.alerts.message import Severity
from monitoring.alerts.models import Alert, Notification, NotificationState
from monitoring.alerts.values import AlertState
from monitoring.choices import Verdict
from monitoring.exposition.collectors import Collectors
from monitoring.exposition.page import page_at
from monitoring.exposition.totals import forget
from monitoring.metrics.registry import Kind, Metric, Window, registry
from monitoring.metrics.sampler import measure
from monitoring.models import Heartbeat, MetricSample
from tests.monitoring.exposition.scraped import page, value
from tests.monitoring.measured import make_report, make_samples
from trimming.models import Breaker
from trimming.policy import newest_policy
from trimming.routing_choices import BreakerState, Mode

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUERIES = 20


@pytest.fixture(autouse=True)
def _no_days() -> Iterator[None]:
    forget()
    yield
    forget()


def one_of(name: str, label: str, found: Any, **labels: str) -> set[str]:
    """Return for which values of ``label`` it is 1."""
    return {
        dict(key[1])[label]
        for key, number in found.items()
        if key[0] == name and number == 1 and labels.items() <= dict(key[1]).items()
    }


# --- what was measured ----------------------------------------------------------------------------


def test_a_fresh_service_tells_what_is_so_and_guesses_nothing() -> None:
    found = page(NOW)
    assert value(found, "pktmask_samples_total") == 0
    assert value(found, "pktmask_last_sample_timestamp_seconds") is None
    assert value(found, "pktmask_cpu_ratio") is None
    assert one_of("pktmask_health_verdict", "verdict", found) == {"unknown"}
    assert one_of("pktmask_rollout_state", "state", found) == {"none"}
    assert {key for key, number in found.items() if "collector_up" in key[0] and number != 1} == (
        set()
    )


def test_gauges_are_those_of_the_newest_sample_and_counters_of_all() -> None:
    make_samples(NOW, 10)
    found = page(NOW)
    assert value(found, "pktmask_memory_ratio") == pytest.approx(0.61)
    assert value(found, "pktmask_runs_succeeded_total", arm="control") == 30
    assert value(found, "pktmask_message_seconds_count", arm="treatment") == 30
    assert value(found, "pktmask_message_seconds_bucket", arm="treatment", le="0.1") == 30
    assert value(found, "pktmask_message_seconds_bucket", arm="treatment", le="+Inf") == 30
    assert value(found, "pktmask_last_sample_timestamp_seconds") == NOW.timestamp()


def test_a_sample_that_is_too_old_gives_no_gauge_and_its_counts_stay() -> None:
    make_samples(NOW, 10)
    found = page(NOW + timedelta(seconds=31))
    assert value(found, "pktmask_memory_ratio") is None
    assert value(found, "pktmask_runs_succeeded_total", arm="control") == 30


def test_a_metric_of_a_plug_in_is_told_without_another_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "_metrics", dict(registry.metrics))
    monkeypatch.setattr(registry, "_sources", list(registry.sources))

    def kettle(window: Window) -> dict[str, float]:
        return {"kettle_ms": 1500.0, "kettle_boilings": 2}

    registry.register(
        kettle,
        Metric("kettle_ms", "ms", Kind.GAUGE, "time to boil"),
        Metric("kettle_boilings", "boilings", Kind.COUNTER, "times that it boiled"),
    )
    measured = measure(Window(NOW - timedelta(seconds=5), NOW))
    values = {key: measured[key] for key in ("kettle_ms", "kettle_boilings")}
    MetricSample.objects.create(at=NOW, covers_seconds=5, late_ms=0, values=values)
    found = page(NOW)
    assert value(found, "pktmask_kettle_seconds") == 1.5
    assert value(found, "pktmask_kettle_boilings_total") == 2


def test_a_name_that_not_every_system_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="is no name of a metric"):
        registry.register(lambda window: {}, Metric("Ke-ttle", "", Kind.GAUGE, "what it is"))


# --- what is judged -------------------------------------------------------------------------------


def test_each_dimension_has_its_verdict() -> None:
    make_report(NOW, Verdict.WARN, score=0.79)
    found = page(NOW)
    assert value(found, "pktmask_health_score") == 0.79
    assert one_of("pktmask_health_verdict", "verdict", found, dimension="whole") == {"warn"}
    assert one_of("pktmask_health_verdict", "verdict", found, dimension="resources") == {"warn"}
    assert one_of("pktmask_health_verdict", "verdict", found, dimension="business") == {"ok"}


def test_a_report_that_is_too_old_is_unknown_and_never_healthy() -> None:
    make_report(NOW)
    found = page(NOW + timedelta(minutes=4))
    assert one_of("pktmask_health_verdict", "verdict", found) == {"unknown"}
    assert value(found, "pktmask_health_score") is None
    assert value(found, "pktmask_health_checked_timestamp_seconds") == NOW.timestamp()


def alert(key: str, severity: Severity, **values: Any) -> None:
    given = {"state": AlertState.FIRING, "rule": "disk", "title": "t", "sentence": "s"}
    Alert.objects.create(
        key=key, fingerprint=key, severity=severity, since=NOW, seen_at=NOW, **{**given, **values}
    )


def test_alerts_that_fire_are_counted_by_severity() -> None:
    alert("a", Severity.HIGH)
    alert("b", Severity.HIGH, acknowledged_at=NOW)
    alert("c", Severity.CRITICAL, is_dry=True)
    alert("d", Severity.LOW, state=AlertState.RESOLVED)
    found = page(NOW)
    firing = [value(found, "pktmask_alerts_firing", severity=each.value) for each in Severity]
    assert firing == [0, 0, 2, 0]
    assert value(found, "pktmask_alerts_unacknowledged", severity="high") == 1


def test_messages_are_counted_by_channel() -> None:
    def message(key: str, state: NotificationState, why: str = "") -> None:
        Notification.objects.create(
            key=key,
            channel="slack",
            kind="firing",
            severity="high",
            at=NOW,
            body={},
            state=state,
            why=why,
            next_at=NOW,
            ended_at=NOW,
        )

    message("a", NotificationState.PENDING)
    message("b", NotificationState.DEAD)
    message("c", NotificationState.DEAD, why="put_aside")
    found = page(NOW)
    assert value(found, "pktmask_notifications_pending", channel="slack") == 1
    assert value(found, "pktmask_notifications_dead", channel="slack") == 1
    assert value(found, "pktmask_notifications_dead", channel="email") == 0


# --- how things stand -----------------------------------------------------------------------------


def test_the_policy_in_force_the_breakers_and_the_parts_are_told() -> None:
    newest_policy()
    Breaker.objects.create(strategy="scanning", state=BreakerState.OPEN)
    Heartbeat.objects.create(name="workers", started_at=NOW)
    found = page(NOW)
    assert one_of("pktmask_policy_mode", "mode", found) == {Mode.LEGACY.value}
    assert value(found, "pktmask_rollback_stands") == 0
    assert one_of("pktmask_breaker_state", "state", found, strategy="scanning") == {"open"}
    assert value(found, "pktmask_part_start_timestamp_seconds", part="workers") == NOW.timestamp()
    assert value(found, "pktmask_part_sign_timestamp_seconds", part="workers") is None


def test_the_version_of_the_service_is_told() -> None:
    (labels,) = [dict(key[1]) for key in page(NOW) if key[0] == "pktmask_build_info"]
    assert set(labels) == {"version", "python_version", "environment"}
    assert labels["version"] == settings.VERSION


# --- collectors -----------------------------------------------------------------------------------


def test_a_collector_that_fails_is_told_and_keeps_nothing_from_the_others() -> None:
    mine = Collectors()

    @mine.register("broken")
    def broken(now: datetime) -> Iterator[Family]:
        raise RuntimeError("a text that may quote anything")
        yield

    @mine.register("good")
    def good(now: datetime) -> Iterator[Family]:
        yield GaugeMetricFamily("pktmask_good", "It is there.", value=1)

    @mine.register("again")
    def again(now: datetime) -> Iterator[Family]:
        yield GaugeMetricFamily("pktmask_good", "It is there.", value=2)

    found = page(NOW, mine)
    assert value(found, "pktmask_good") == 1
    assert value(found, "pktmask_collector_up", collector="broken") == 0
    assert value(found, "pktmask_collector_up", collector="good") == 1


def test_a_name_of_a_collector_is_taken_once() -> None:
    mine = Collectors()
    mine.register("one")(lambda now: ())
    with pytest.raises(ValueError, match="already"):
        mine.register("one")(lambda now: ())


def test_the_page_takes_a_fixed_number_of_queries(django_assert_num_queries: Any) -> None:
    make_samples(NOW, 10)
    make_report(NOW)
    page(NOW)
    with django_assert_num_queries(QUERIES):
        page(NOW)
    make_samples(NOW + timedelta(hours=1), 300)
    with django_assert_num_queries(QUERIES):
        page(NOW + timedelta(hours=1))


# --- the format -----------------------------------------------------------------------------------


def test_a_reader_gets_the_format_that_it_asks_for() -> None:
    plain, plain_type = page_at(NOW, "")
    openmetrics, open_type = page_at(NOW, "application/openmetrics-text;version=1.0.0")
    assert plain_type.startswith("text/plain")
    assert open_type.startswith("application/openmetrics-text")
    assert openmetrics.endswith(b"# EOF\n")
    assert not plain.endswith(b"# EOF\n")


def test_the_page_is_the_same_in_every_language() -> None:
    make_samples(NOW, 3)
    with translation.override("de"):
        found, _ = page_at(NOW, "")
    assert found == page_at(NOW, "")[0]


def test_promtool_finds_nothing_wrong() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: the system's package prometheus has it")
    now = timezone.now()
    make_samples(now, 10)
    make_report(now)
    Breaker.objects.create(strategy="scanning", state=BreakerState.OPEN)
    content, _ = page_at(now, "")
    done = subprocess.run(
        [promtool, "check", "metrics"], input=content, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
