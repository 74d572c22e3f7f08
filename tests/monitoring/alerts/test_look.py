"""A look as rows: the same as in memory, in one transaction, with few queries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from monitoring.alerts import look as looking
from monitoring.alerts.acts import acknowledge
from monitoring.alerts.inbox import Inbox, Rule, Unknown
from monitoring.alerts.look import Memory, take_in
from monitoring.alerts.message import Severity
from monitoring.alerts.models import (
    Alert,
    AlertStep,
    AlertTelling,
    Notification,
    Silence,
)
from monitoring.alerts.plan_in_force import plan_in_force
from monitoring.alerts.store import load, prune
from monitoring.alerts.values import Condition, Found
from monitoring.channels.base import channels
from tests.monitoring.alerts.effects import BEGIN, Clock, FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db
DISK = condition("disk", Severity.HIGH, unit="%", value=91.0, limit=80.0, label="root")


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels(log=FakeChannel(), slack=FakeChannel()):
        yield


def test_alert_steps_tellings_and_messages_are_rows() -> None:
    clock = Clock()
    look_at(clock.at(0), DISK)
    look_at(clock.at(30), DISK)
    alert = Alert.objects.get()
    assert (alert.state, alert.severity, alert.labels) == ("firing", "high", {"name": "root"})
    assert alert.told == ["log", "slack"]
    assert [each.what for each in alert.steps.all()] == ["fired", "routed", "queued", "queued"]
    rows = list(Notification.objects.order_by("channel"))
    assert [(each.channel, each.state, each.attempts) for each in rows] == [
        ("log", "pending", 0),
        ("slack", "pending", 0),
    ]
    assert rows[0].body["alerts"][0]["sentence"] == "91 %, the limit is 80 %."
    tellings = AlertTelling.objects.order_by("channel")
    assert [each.notification for each in tellings] == rows


def test_what_was_resolved_has_its_time_and_is_told() -> None:
    clock = Clock()
    for seconds in (0, 30):
        look_at(clock.at(seconds), DISK)
    for seconds in (60, 400):
        look_at(clock.at(seconds))
    alert = Alert.objects.get()
    assert (alert.state, alert.resolved_at) == ("resolved", BEGIN + timedelta(seconds=60))
    assert Notification.objects.filter(kind="resolved").count() == 2


def test_a_look_that_fails_while_it_writes_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    look_at(clock.at(0), DISK)
    before = AlertStep.objects.count()

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(AlertStep.objects, "bulk_create", fail)
    with pytest.raises(OSError, match="disk full"):
        look_at(clock.at(30), DISK)
    assert not Notification.objects.exists()
    assert AlertStep.objects.count() == before


def test_a_look_that_is_made_again_gives_the_same_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    look_at(clock.at(0), DISK)
    made: list[list[str]] = []
    for fails in (True, False):

        def save(*found: Any, fails: bool = fails) -> None:
            made.append([each.key for each in found[1].notifications])
            if fails:
                raise OSError("killed")

        monkeypatch.setattr(looking, "save", save)
        if fails:
            with pytest.raises(OSError, match="killed"):
                look_at(clock.at(30), DISK)
        else:
            look_at(clock.at(31), DISK)
    assert made[0] == made[1] != []


def test_a_silence_is_a_row_and_its_reminder_is_noted() -> None:
    clock = Clock()
    Silence.objects.create(
        matchers={"rule": "di*"},
        owner="ada",
        reason="night batch",
        begins=BEGIN,
        ends=BEGIN + timedelta(hours=1),
        made_at=BEGIN,
    )
    look_at(clock.at(0), DISK)
    look_at(clock.at(30), DISK)
    assert not Notification.objects.exists()
    assert Alert.objects.get().muted.startswith("silence ")
    look_at(clock.at(2700), DISK)
    (row,) = Notification.objects.filter(kind="reminder")
    assert "ends at 2026-03-02 13:00 UTC" in row.body["title"]
    assert "ada" in row.body["summary"]
    assert "rule=di*" in row.body["summary"]
    assert Silence.objects.get().reminded


def test_a_hundred_alerts_more_take_a_few_statements_more() -> None:
    clock = Clock()
    few = [condition(label=str(number)) for number in range(3)]
    many = [condition("queue", label=str(number)) for number in range(100)]
    look_at(clock.at(0), *few)
    with CaptureQueriesContext(connection) as of_few:
        look_at(clock.at(30), *few)
    look_at(clock.at(400), *few, *many)
    with CaptureQueriesContext(connection) as of_many:
        look_at(clock.at(430), *few, *many)
    assert len(of_many) <= len(of_few) + 10


def test_a_look_that_remembers_the_last_one_reads_nothing_and_gives_the_same() -> None:
    clock, memory = Clock(), Memory()
    for seconds in (0, 30):
        take_in(Found((DISK,)), clock.at(seconds), "test", memory)
    with CaptureQueriesContext(connection) as queries:
        take_in(Found((DISK,)), clock.at(31), "test", memory)
    read = [each["sql"] for each in queries if "alertclock" not in each["sql"]]
    assert [each for each in read if each.startswith("SELECT")] == []
    rows = load(plan_in_force(looking.enabled_channels()), clock())
    assert (memory.state.alerts, memory.state.tellings) == (rows.alerts, rows.tellings)
    assert set(memory.state.sent) == set(rows.sent)


def test_what_somebody_else_changed_is_read_anew() -> None:
    clock, memory = Clock(), Memory()
    for seconds in (0, 30):
        take_in(Found((DISK,)), clock.at(seconds), "test", memory)
    acknowledge([Alert.objects.get().pk], "ada", clock())
    take_in(Found((DISK,)), clock.at(40), "test", memory)
    (facts,) = memory.state.alerts.values()
    assert facts.acknowledged_at == BEGIN + timedelta(seconds=30)
    look_at(clock.at(50))
    take_in(Found(()), clock.at(60), "test", memory)
    (facts,) = memory.state.alerts.values()
    assert facts.state == "resolved"


def test_a_look_that_failed_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, memory = Clock(), Memory()
    take_in(Found((DISK,)), clock.at(0), "test", memory)

    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(AlertStep.objects, "bulk_create", fail)
        with pytest.raises(OSError, match="disk full"):
            take_in(Found((DISK,)), clock.at(30), "test", memory)
    take_in(Found((DISK,)), clock.at(31), "test", memory)
    assert Notification.objects.count() == 2


def test_a_quiet_look_takes_few_queries_and_writes_its_time_only() -> None:
    clock = Clock()
    look_at(clock.at(0), DISK)
    look_at(clock.at(30), DISK)
    with CaptureQueriesContext(connection) as queries:
        look_at(clock.at(31), DISK)
    written = [each["sql"] for each in queries if each["sql"].startswith(("INSERT", "UPDATE"))]
    assert len(written) == 1
    assert "alertclock" in written[0]


def test_a_channel_that_cannot_say_whether_it_is_on_is_not_used() -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    channels.register("email", broken)
    assert looking.enabled_channels() == {"log", "slack"}


def test_what_is_old_is_removed_and_what_fires_stays() -> None:
    clock = Clock()
    look_at(clock.at(0), DISK, condition("old"), condition("brief", hold_seconds=60))
    look_at(clock.at(30), DISK, condition("old"))
    look_at(clock.at(60), DISK)
    prune(BEGIN + timedelta(days=2), keep_days=90)
    assert set(Alert.objects.values_list("rule", flat=True)) == {"disk", "old"}
    Notification.objects.update(state="sent")
    prune(BEGIN + timedelta(days=91), keep_days=90)
    assert list(Alert.objects.values_list("rule", flat=True)) == ["disk"]
    assert not Notification.objects.exists()


class TestInbox:
    def test_a_source_that_fails_is_told_and_its_alerts_stay(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(now: object) -> list[Condition]:
            raise RuntimeError("secret")

        inbox = Inbox()
        inbox.register("broken", fail, Rule("a", "A"))
        inbox.register("good", lambda now: [condition("b"), Unknown("c")], Rule("b", "B"))
        found = inbox.found(BEGIN)
        assert [each.rule for each in found.conditions] == ["source_failing", "b"]
        assert not found.judges("a")
        assert not found.judges("c")
        assert found.judges("b")
        assert "secret" not in caplog.text
        assert "RuntimeError" in caplog.text

    def test_a_rule_may_be_named_by_a_pattern(self) -> None:
        def fail(now: object) -> list[Condition]:
            raise RuntimeError

        inbox = Inbox()
        inbox.register("own", fail, Rule("own_*", "A"))
        assert not inbox.found(BEGIN).judges("own_7")
        only = Found(only=frozenset({"own_*"}))
        assert only.judges("own_7")
        assert not only.judges("disk")

    def test_a_title_that_is_too_long_is_cut(self) -> None:
        found = Rule("a", "A").holds(Severity.LOW, "Wrong.", title="x" * 300)
        look_at(BEGIN, found)
        assert Alert.objects.get().title == "x" * 200


def test_what_somebody_changed_meanwhile_is_seen_by_the_next_look() -> None:
    memory = Memory()
    take_in(Found((DISK,)), BEGIN, "monitor", memory)
    alert = Alert.objects.get()
    acknowledge([alert.pk], "ann", BEGIN)
    take_in(Found((DISK,)), BEGIN + timedelta(seconds=60), "monitor", memory)
    assert memory.state.alerts[alert.pk].acknowledged_at == BEGIN
    assert not Notification.objects.exists()
