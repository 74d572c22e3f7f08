"""The dead-man's switch: a monitor that looks no longer is told by another process."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from monitoring.alerts import dead_man
from monitoring.alerts.dead_man import StandIn, watching
from monitoring.alerts.delivery import Deliverer, deliver, due_channels
from monitoring.alerts.models import Alert, AlertClock, Notification
from tests.monitoring.alerts.effects import BEGIN, Clock, FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db


class AtOnce(Deliverer):
    """Sends in the thread that looks."""

    def look(self) -> None:
        """Send what is due."""
        for name in due_channels(self._clock()):
            deliver(name, self._owner, self._clock)


@pytest.fixture
def log_channel() -> FakeChannel:
    return FakeChannel()


@pytest.fixture(autouse=True)
def _channels(log_channel: FakeChannel) -> Iterator[None]:
    with only_channels(log=log_channel):
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


def stand_in(name: str, clock: Clock) -> StandIn:
    return StandIn(name, BEGIN, AtOnce(name, clock))


def test_it_is_told_within_a_minute_after_the_last_look(
    log_channel: FakeChannel, clock: Clock
) -> None:
    look_at(clock.at(5))
    watch = stand_in("web", clock)
    stood = [seconds for seconds in range(10, 61, 10) if watch.look(clock.at(seconds))]
    assert stood == [30, 40, 50, 60]
    (message,) = log_channel.taken
    assert message.severity == "critical"
    assert message.alerts[0].rule == "monitor_silent"
    assert message.alerts[0].sentence == "It last looked 25.0 s ago; the limit is 20.0 s."


def test_a_monitor_that_looks_is_left_alone(clock: Clock) -> None:
    watch = stand_in("web", clock)
    for seconds in range(0, 100, 10):
        look_at(clock.at(seconds))
        assert not watch.look(clock.at(seconds + 9))
    assert not Alert.objects.exists()


def test_a_monitor_that_has_just_been_started_has_its_time(clock: Clock) -> None:
    look_at(BEGIN - timedelta(hours=8))
    watch = stand_in("supervisor", clock)
    assert not watch.look(clock.at(20))
    assert watch.look(clock.at(21))


def test_a_monitor_that_never_looked_is_told_too(clock: Clock) -> None:
    assert stand_in("supervisor", clock).look(clock.at(30))
    assert Alert.objects.get().rule == "monitor_silent"


def test_only_one_of_many_stands_in_and_another_follows_it(clock: Clock) -> None:
    look_at(clock.at(0))
    first, second = stand_in("one", clock), stand_in("two", clock)
    assert first.look(clock.at(30))
    assert not second.look(clock.at(35))
    assert not second.look(clock.at(59))
    assert second.look(clock.at(61))
    assert Alert.objects.count() == 1


def test_it_sends_what_waits_and_leaves_other_alerts_as_they_are(
    log_channel: FakeChannel, clock: Clock
) -> None:
    look_at(clock.at(0), condition("disk"))
    stand_in("web", clock).look(clock.at(31))
    assert {each.alerts[0].rule for each in log_channel.taken} == {"disk", "monitor_silent"}
    assert Alert.objects.get(rule="disk").state == "firing"


def test_the_monitor_that_is_back_resolves_it_and_has_its_place_again(clock: Clock) -> None:
    look_at(clock.at(0))
    watch = stand_in("web", clock)
    watch.look(clock.at(30))
    look_at(clock.at(40))
    assert Alert.objects.get().state == "resolved"
    assert AlertClock.objects.get().stands_in == ""
    look_at(clock.at(46))
    assert Notification.objects.filter(kind="resolved").count() == 1
    assert not watch.look(clock.at(50))


def test_a_web_process_watches_for_as_long_as_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    class Fake:
        def stop(self) -> None:
            done.append("stop")

    def begin() -> Fake:
        done.append("begin")
        return Fake()

    async def app(scope: Mapping[str, Any], receive: object, send: object) -> None:
        done.append("served")
        raise OSError("gone")

    monkeypatch.setattr(dead_man, "begin_to_watch", begin)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(watching(app)({}, None, None))  # type: ignore[arg-type]  # nobody calls
    assert done == ["begin", "served", "stop"]


def test_a_database_that_fails_ends_no_watch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    watch = stand_in("web", clock)
    looks: list[object] = []

    def look(now: object) -> bool:
        looks.append(now)
        if len(looks) == 2:
            watch.stop()
        raise OSError("secret")

    monkeypatch.setattr(dead_man, "LOOK_SECONDS", 0)
    monkeypatch.setattr(watch, "look", look)
    watch._run()
    assert len(looks) == 2
    assert "dead_man_failed" in caplog.text
    assert "secret" not in caplog.text
