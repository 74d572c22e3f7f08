"""From the outbox to channels: at least once, whatever is killed, slow or down."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection

from monitoring.alerts import delivery
from monitoring.alerts.built_in import deliveries
from monitoring.alerts.channel_acts import put_aside, send_again
from monitoring.alerts.delivery import (
    Deliverer,
    claim,
    deliver,
    due_channels,
    send,
)
from monitoring.alerts.message import Message, MessageKind, Severity
from monitoring.alerts.models import Alert, AlertTelling, Notification
from monitoring.channels.base import ChannelError
from tests.monitoring.alerts.effects import BEGIN, Clock, FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db
DISK = condition("disk")
LEAK = condition("leak", Severity.CRITICAL)


@pytest.fixture
def slack() -> FakeChannel:
    return FakeChannel()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _channels(slack: FakeChannel) -> Iterator[None]:
    with only_channels(slack=slack):
        yield


def fire(clock: Clock) -> Notification:
    """Have one alert in a message that is due."""
    look_at(clock.at(0), DISK)
    look_at(clock.at(30), DISK)
    return Notification.objects.get()


class TestSending:
    def test_a_message_is_sent_once_and_marked(self, slack: FakeChannel, clock: Clock) -> None:
        row = fire(clock)
        assert deliver("slack", "me", clock) == 1
        assert deliver("slack", "me", clock) == 0
        (message,) = slack.taken
        assert (message.key, message.kind, message.title) == (row.key, "firing", "disk is wrong")
        row.refresh_from_db()
        assert (row.state, row.attempts, row.answer, row.ended_at) == ("sent", 1, "Taken.", clock())
        assert Alert.objects.get().steps.last().what == "sent"  # type: ignore[union-attr]

    def test_it_is_sent_outside_of_any_transaction_of_ours(
        self, slack: FakeChannel, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fire(clock)
        depth = len(connection.savepoint_ids)
        seen: list[int] = []
        taken = slack.send

        def send_here(message: Message) -> str:
            seen.append(len(connection.savepoint_ids))
            return taken(message)

        monkeypatch.setattr(slack, "send", send_here)
        deliver("slack", "me", clock)
        assert seen == [depth]

    def test_what_is_refused_for_now_is_sent_again_later_and_later(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        row = fire(clock)
        slack.is_down = True
        pauses = []
        for _ in range(8):
            assert deliver("slack", "me", clock) == 1
            row.refresh_from_db()
            assert (row.state, row.answer) == ("pending", "Connection refused.")
            pauses.append((row.next_at - clock()).total_seconds())
            clock.now = row.next_at
        assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
        slack.is_down = False
        deliver("slack", "me", clock)
        assert [each.key for each in slack.taken] == [row.key]

    def test_the_receiver_may_ask_for_more_patience(self, slack: FakeChannel, clock: Clock) -> None:
        row = fire(clock)
        slack.fails = [ChannelError("Too many.", retry_after_seconds=77)]
        deliver("slack", "me", clock)
        row.refresh_from_db()
        assert row.next_at == clock() + timedelta(seconds=77)

    def test_what_is_refused_for_good_is_a_dead_letter_that_is_told(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        row = fire(clock)
        slack.fails = [ChannelError("No such channel.", permanent=True)]
        deliver("slack", "me", clock)
        row.refresh_from_db()
        assert (row.state, row.answer) == ("dead", "No such channel.")
        (found,) = deliveries(clock())
        assert (found.rule, dict(found.labels)) == ("dead_letters", {"channel": "slack"})

    def test_a_dead_letter_can_be_sent_again_or_put_aside(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        fire(clock)
        slack.fails = [ChannelError("No.", permanent=True), ChannelError("No.", permanent=True)]
        deliver("slack", "me", clock)
        assert send_again("slack", "me", clock()) == 1
        deliver("slack", "me", clock)
        assert put_aside("slack", "me", clock()) == 1
        assert list(deliveries(clock())) == []
        assert send_again("slack", "me", clock()) == 1
        deliver("slack", "me", clock)
        assert len(slack.taken) == 1

    def test_what_is_not_taken_for_a_day_is_given_up(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        row = fire(clock)
        slack.is_down = True
        clock.at(24 * 3600 + 30)
        deliver("slack", "me", clock)
        row.refresh_from_db()
        assert row.state == "dead"

    def test_a_channel_that_breaks_in_any_way_is_tried_again_and_its_text_is_kept_nowhere(
        self, slack: FakeChannel, clock: Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        row = fire(clock)
        slack.fails = [RuntimeError("token=secret")]
        deliver("slack", "me", clock)
        row.refresh_from_db()
        assert row.state == "pending"
        assert row.answer.startswith("RuntimeError at effects.py:")
        assert "secret" not in caplog.text

    def test_a_channel_that_was_switched_off_meanwhile_is_told_as_such(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        row = fire(clock)
        slack.is_on = False
        deliver("slack", "me", clock)
        row.refresh_from_db()
        assert (row.state, row.why) == ("suppressed", "switched_off")

    def test_a_channel_that_is_gone_is_told_as_such(self, clock: Clock) -> None:
        row = fire(clock)
        with only_channels():
            deliver("slack", "me", clock)
        row.refresh_from_db()
        assert row.why == "switched_off"

    def test_a_message_that_is_never_taken_does_not_keep_others_from_it(
        self, slack: FakeChannel, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        poison = fire(clock)
        look_at(clock.at(335), DISK, condition("queue"))
        look_at(clock.at(400), DISK, condition("queue"))
        taken = slack.send

        def send_one(message: Message) -> str:
            if message.key == poison.key:
                raise ChannelError("Never.")
            return taken(message)

        monkeypatch.setattr(slack, "send", send_one)
        deliver("slack", "me", clock)
        clock.at(406)
        deliver("slack", "me", clock)
        assert len(slack.taken) == 1


class TestKilled:
    def test_between_the_commit_and_the_send(self, slack: FakeChannel, clock: Clock) -> None:
        row = fire(clock)
        assert claim("slack", "killed", clock()) is not None
        assert deliver("slack", "other", clock) == 0
        clock.at(30 + 180)
        deliver("slack", "other", clock)
        assert [each.key for each in slack.taken] == [row.key]

    def test_between_the_send_and_the_mark(
        self, slack: FakeChannel, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = fire(clock)

        def killed(*_: object) -> None:
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(delivery, "mark", killed)
            with pytest.raises(SystemExit):
                deliver("slack", "killed", clock)
        clock.at(30 + 180)
        deliver("slack", "other", clock)
        assert [each.key for each in slack.taken] == [row.key, row.key]
        row.refresh_from_db()
        assert row.state == "sent"

    def test_of_two_that_send_one_wins(self, clock: Clock) -> None:
        fire(clock)
        assert claim("slack", "one", clock()) is not None
        assert claim("slack", "two", clock()) is None

    def test_who_took_too_long_does_not_mark_what_another_has_taken(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        row = fire(clock)
        slow = claim("slack", "slow", clock())
        assert slow is not None
        attempt = send(slow)
        clock.at(30 + 180)
        assert claim("slack", "quick", clock()) is not None
        delivery.mark(slow, attempt, clock())
        row.refresh_from_db()
        assert (row.state, row.claimed_by) == ("pending", "quick")


class TestOutage:
    def test_the_backlog_comes_as_one_digest_and_critical_messages_one_by_one(
        self, slack: FakeChannel, clock: Clock
    ) -> None:
        slack.is_down = True
        wrong = []
        for minute in range(10):
            severity = Severity.CRITICAL if minute in (2, 6) else Severity.HIGH
            wrong.append(condition(f"r{minute}", severity, at_once=True))
            look_at(clock.at(60 * minute), *wrong)
            deliver("slack", "me", clock)
        assert Notification.objects.filter(state="pending").count() == 10
        (failing,) = deliveries(clock())
        assert failing.rule == "channel_failing"
        slack.is_down = False
        for seconds in range(660, 1000, 10):
            clock.at(seconds)
            deliver("slack", "me", clock)
        assert slack.kinds.count("digest") == 1
        assert [each.severity for each in slack.taken[:2]] == ["critical"] * 2
        told = {line.rule for message in slack.taken for line in message.alerts}
        assert told == {f"r{minute}" for minute in range(10)}
        assert not Notification.objects.filter(state="pending").exists()
        assert list(deliveries(clock())) == []
        sent = [row for row in Notification.objects.all() if row.state == "sent"]
        assert len(sent) == len(slack.taken)

    def test_what_is_in_the_digest_is_accounted_for(self, slack: FakeChannel, clock: Clock) -> None:
        slack.is_down = True
        wrong = []
        for minute in range(4):
            wrong.append(condition(f"r{minute}", at_once=True))
            look_at(clock.at(60 * minute), *wrong)
        slack.is_down = False
        clock.at(900)
        deliver("slack", "me", clock)
        digest = Notification.objects.get(kind=MessageKind.DIGEST)
        assert digest.state == "sent"
        assert "4 messages" not in digest.body["title"]
        rows = Notification.objects.filter(why="backlog")
        assert {row.digest_id for row in rows} == {digest.pk}
        for telling in AlertTelling.objects.all():
            carrier = telling.notification
            assert carrier is not None
            assert (carrier.digest or carrier).state == "sent"
        assert "sent" in Alert.objects.get(rule="r3").steps.values_list("what", flat=True)


@pytest.mark.django_db(transaction=True)
class TestThreads:
    def test_a_slow_channel_delays_no_other(
        self, slack: FakeChannel, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        released, done = threading.Event(), threading.Event()
        began: list[str] = []

        def run(name: str, *_: object) -> int:
            began.append(name)
            if name == "slack":
                released.wait(30)
            else:
                done.set()
            return 0

        monkeypatch.setattr(delivery, "deliver", run)
        monkeypatch.setattr(delivery, "due_channels", lambda now: ["slack", "log"])
        deliverer = Deliverer("me", clock)
        deliverer.look()
        assert done.wait(30)
        deliverer.look()
        released.set()
        deliverer.wait()
        # one thread for a channel, however often it is looked at
        assert began.count("slack") == 1

    def test_a_failure_around_a_channel_ends_nothing(
        self, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object) -> int:
            raise OSError("secret")

        monkeypatch.setattr(delivery, "deliver", fail)
        monkeypatch.setattr(delivery, "due_channels", lambda now: ["slack"])
        deliverer = Deliverer("me", clock)
        deliverer.look()
        deliverer.wait()
        assert "delivery_failed" in caplog.text
        assert "secret" not in caplog.text


def test_a_channel_is_due_when_it_has_something_to_send(clock: Clock) -> None:
    fire(clock)
    assert due_channels(BEGIN) == []
    assert due_channels(clock()) == ["slack"]
