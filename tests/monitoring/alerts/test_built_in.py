"""The rules that are built in: when each fires, how badly, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from monitoring.alerts.built_in import (
    breakers,
    deliveries,
    health,
    machine,
    machines,
    odd_captures,
    samples,
    workers,
)
from monitoring.alerts.inbox import Unknown, inbox
from monitoring.alerts.links import message_to_send, notification_of
from monitoring.alerts.live import newest
from monitoring.alerts.message import MessageKind
from monitoring.alerts.models import Alert, Notification
from monitoring.alerts.registered import delivering, looking
from monitoring.alerts.values import Condition
from monitoring.choices import Dimension, Verdict
from monitoring.heartbeats import MONITOR, WORKERS
from monitoring.models import HealthReport, Heartbeat, LiveUpdate
from tests.factories import make_job, make_user
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition
from tests.monitoring.measured import finding, make_report, make_rollups, make_samples
from trimming.choices import Blame, RunOutcome
from trimming.models import Breaker, TrimRun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels(log=FakeChannel()):
        yield


def conditions(found: Any) -> list[tuple[str, str, str]]:
    """Return rule, severity and sentence of conditions."""
    return [
        (each.rule, each.severity.value, each.sentence)
        for each in found
        if isinstance(each, Condition)
    ]


def unknown(found: Any) -> set[str]:
    """Return the rules of which nothing is known."""
    return {rule for each in found if isinstance(each, Unknown) for rule in each.rules}


class TestHealth:
    @pytest.mark.parametrize(
        ("dimension", "verdict", "severity"),
        [
            (Dimension.RESOURCES, Verdict.WARN, "medium"),
            (Dimension.RESOURCES, Verdict.FAIL, "high"),
            (Dimension.ERROR_RATE, Verdict.FAIL, "critical"),
            (Dimension.BUSINESS, Verdict.FAIL, "critical"),
            (Dimension.BUSINESS, Verdict.WARN, "medium"),
        ],
    )
    def test_a_dimension_that_warns_or_fails_fires(
        self, dimension: Dimension, verdict: Verdict, severity: str
    ) -> None:
        report = make_report(timezone.now())
        dimensions = [
            finding(each, verdict if each is dimension else Verdict.OK, 0.9) for each in Dimension
        ]
        HealthReport.objects.filter(pk=report.pk).update(dimensions=dimensions)
        (found,) = conditions(health(timezone.now()))
        assert found[:2] == (f"health_{dimension.value}", severity)
        assert str(dimension.label) in found[2]

    def test_what_is_unknown_neither_fires_nor_resolves(self) -> None:
        make_report(timezone.now(), Verdict.UNKNOWN)
        found = list(health(timezone.now()))
        assert (conditions(found), unknown(found)) == ([], {"health_resources"})

    def test_without_a_fresh_report_nothing_is_known(self) -> None:
        assert len(unknown(health(timezone.now()))) == 5
        make_report(timezone.now() - timedelta(minutes=4), Verdict.FAIL)
        found = list(health(timezone.now()))
        assert (conditions(found), len(unknown(found))) == ([], 5)


class TestSamples:
    def test_one_that_is_too_old_says_how_old(self) -> None:
        now = timezone.now()
        assert list(samples(now)) == []
        make_samples(now - timedelta(seconds=30), 1)
        assert list(samples(now)) == []
        (found,) = conditions(samples(now + timedelta(seconds=15)))
        assert found == (
            *("samples_stale", "high"),
            "The newest sample is 45.0 s old; nothing is known after 30.0 s.",
        )


class TestWorkers:
    def beat(self, asked_seconds: float) -> None:
        now = timezone.now()
        Heartbeat.objects.create(name=MONITOR, at=now)
        asked = now - timedelta(seconds=asked_seconds)
        Heartbeat.objects.create(name=WORKERS, asked_at=asked, at=asked - timedelta(seconds=5))

    def test_that_owe_a_sign_fire(self) -> None:
        self.beat(60)
        (found,) = conditions(workers(timezone.now()))
        assert found[:2] == ("workers_stopped", "high")

    def test_that_have_just_been_asked_do_not(self) -> None:
        self.beat(1)
        assert list(workers(timezone.now())) == []

    def test_of_one_machine_that_owe_a_sign_are_told_apart(self) -> None:
        now = timezone.now()
        asked = now - timedelta(seconds=60)
        Heartbeat.objects.create(name=MONITOR, at=now)
        Heartbeat.objects.create(name=f"{WORKERS}@one", asked_at=now, at=now)
        Heartbeat.objects.create(
            name=f"{WORKERS}@two", asked_at=asked, at=asked - timedelta(seconds=5)
        )
        assert list(workers(now)) == []
        (found,) = conditions(machines(now))
        assert found == (
            *("machine_silent", "medium"),
            "The workers of two owe a sign of life; those of other machines work.",
        )

    def test_of_all_machines_are_told_once(self) -> None:
        self.beat(60)
        assert list(machines(timezone.now())) == []

    def test_without_a_monitor_that_asks_nothing_is_known(self) -> None:
        assert unknown(workers(timezone.now())) == {"workers_stopped"}


class TestMachine:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, []),
            (
                {"disk_percent": 81.25},
                [("disk", "medium", "81.2 % of the disk are in use; the limit is 80 %.")],
            ),
            (
                {"disk_percent": 96.0},
                [("disk", "high", "96 % of the disk are in use; the limit is 95 %.")],
            ),
            (
                {"oldest_waiting_seconds": 180.0},
                [
                    (
                        *("queue_age", "medium"),
                        "The oldest capture waits for 3 min 0 s; the limit is 2 min 0 s.",
                    )
                ],
            ),
        ],
    )
    def test_the_newest_sample_is_held_against_the_thresholds(
        self, values: dict[str, Any], expected: list[tuple[str, str, str]]
    ) -> None:
        make_samples(timezone.now(), 1, **values)
        assert conditions(machine(timezone.now())) == expected

    def test_without_a_fresh_sample_nothing_is_known(self) -> None:
        make_samples(timezone.now() - timedelta(minutes=5), 1, disk_percent=99.0)
        found = list(machine(timezone.now()))
        assert (conditions(found), unknown(found)) == ([], {"disk", "queue_age"})


def test_a_breaker_that_is_not_closed_fires_for_its_strategy() -> None:
    Breaker.objects.create(strategy="legacy")
    Breaker.objects.create(strategy="scanning", state="open")
    (found,) = breakers(timezone.now())
    assert dict(found.labels) == {"strategy": "scanning"}
    assert found.sentence.startswith("The breaker of scanning is open")


def test_many_captures_that_are_refused_whoever_makes_the_output_are_told_of() -> None:
    owner, now = make_user(), timezone.now()
    for number in range(10):
        assert list(odd_captures(now)) == []
        job = make_job(owner)
        for attempt, strategy in enumerate(("scanning", "legacy")):
            TrimRun.objects.create(
                job=job,
                attempt=attempt,
                strategy=strategy,
                worker="w",
                outcome=RunOutcome.UNVERIFIED,
                blame=Blame.CAPTURE if number or attempt else Blame.UNDECIDED,
                started_at=now,
                finished_at=now,
                input_bytes=1,
            )
    (found,) = odd_captures(now)
    assert found.sentence.startswith("10 captures were refused within an hour")
    assert list(odd_captures(now + timedelta(hours=2))) == []


def test_sources_that_find_nothing_wrong_say_nothing() -> None:
    assert list(deliveries(timezone.now())) == []


def test_a_fresh_service_has_no_alert() -> None:
    found = inbox.found(timezone.now())
    assert found.conditions == ()


def test_the_strands_of_the_monitor_look_and_deliver() -> None:
    names = [step.name for step in (*looking(), *delivering())]
    assert names == ["look_at_alerts", "old_alerts", "deliver_alerts"]
    for step in looking():
        assert step.wait_seconds() > 0
        step.run()
    assert not Alert.objects.exists()


class TestLive:
    def test_nothing_is_told_before_anything_happened(self) -> None:
        assert newest() is None

    @pytest.mark.django_db(transaction=True)
    def test_a_change_is_told_with_the_number_of_what_wants_a_person(self) -> None:
        look_at(timezone.now(), condition("disk"))
        (row,) = LiveUpdate.objects.filter(topic="service:alerts")
        assert row.body["key"] == "alerts"
        assert row.body["figures"]["firing"] == 1
        before = row.body["figures"]["step"]
        look_at(timezone.now() + timedelta(seconds=1))
        last = LiveUpdate.objects.filter(topic="service:alerts").latest("pk")
        assert last.body["figures"]["firing"] == 0
        assert last.body["figures"]["step"] > before


class TestMessage:
    def sent(self, **changes: Any) -> Notification:
        now = timezone.now()
        disk = condition("disk", metric="disk_percent", limit=80.0, runbook="disk", **changes)
        look_at(now - timedelta(seconds=40), disk)
        look_at(now - timedelta(seconds=5), disk)
        return Notification.objects.get()

    def test_without_an_address_of_the_console_it_has_no_links(self) -> None:
        message = message_to_send(self.sent())
        assert (message.acknowledge, message.console, message.runbook) == ("", "", "")
        assert message.alerts[0].address == ""

    def test_with_one_it_has_links_that_are_kept_nowhere(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "monitoring.alerts.links.public_url", lambda: "https://pktmask.example.org"
        )
        row = self.sent()
        message = message_to_send(row)
        start = "https://pktmask.example.org/alerts/"
        assert message.console == start
        assert message.runbook == f"{start}runbook/#disk"
        assert message.alerts[0].address == f"{start}{Alert.objects.get().pk}/"
        token = message.acknowledge.removeprefix(f"{start}acknowledge/").rstrip("/")
        assert notification_of(token) == row.pk
        row.refresh_from_db()
        assert token not in str(row.body)

    def test_what_is_over_has_nothing_to_acknowledge(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("monitoring.alerts.links.public_url", lambda: "https://a.example")
        row = self.sent()
        row.kind = MessageKind.RESOLVED.value
        message = message_to_send(row)
        assert message.acknowledge == ""
        assert message.picture is None

    def test_the_metric_is_drawn_as_far_as_it_was_measured(self) -> None:
        row = self.sent()
        assert message_to_send(row).picture is None
        make_rollups(timezone.now().replace(second=0, microsecond=0), 60, 60)
        picture = message_to_send(row).picture
        assert picture is not None
        assert (picture.title, picture.unit, picture.limit) == ("Disk in use", "%", 80.0)
        assert 50 < len(picture.points) <= 60

    def test_a_metric_that_is_gone_has_no_picture(self) -> None:
        row = self.sent()
        row.body["metric"] = "nothing"
        assert message_to_send(row).picture is None
