"""The monitor loop, driven by a clock of the test."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_q.models import Task

from monitoring.lease import Turn
from monitoring.loop import (
    BEHIND_TICK_SECONDS,
    Loop,
    Step,
    fast_steps,
    in_turn,
    prune_failed_tasks,
    prune_live_updates,
    run_step,
    seconds_to_tick,
    steps,
)
from monitoring.models import Heartbeat, LiveUpdate, MetricSample

# each step gives old connections back
pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "payload that must not be logged"


class Time:
    """A clock that only sleeping moves; ``end`` is called once ``seconds`` are over."""

    def __init__(self, seconds: float) -> None:
        self.now = 100.0
        self._until = self.now + seconds
        self.end: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self._until:
            self.end()


def run_for(seconds: float, *table: Step) -> None:
    time = Time(seconds)
    loop = Loop(table, time.clock, time.sleep)
    time.end = loop.stop
    loop.run()


def fail() -> None:
    raise ValueError(SECRET)


def counting(ran: Counter[str], name: str, every_seconds: float) -> Step:
    return Step(name, every_seconds, lambda: ran.update([name]))


def test_each_step_runs_at_once_and_then_in_its_interval() -> None:
    ran: Counter[str] = Counter()
    table = [counting(ran, "often", 1), counting(ran, "seldom", 5), counting(ran, "once", 100)]
    run_for(9.9, *table)
    assert ran == {"often": 10, "seldom": 2, "once": 1}


def test_a_step_that_fails_does_not_stop_the_others_and_is_tried_again() -> None:
    tried: list[str] = []

    def failing() -> None:
        tried.append("failing")
        fail()

    run_for(2.9, Step("failing", 1, failing), Step("other", 1, lambda: tried.append("other")))
    assert Counter(tried) == {"failing": 3, "other": 3}


def test_a_failure_is_logged_by_kind_and_place_only(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert not run_step(Step("failing", 1, fail))
    assert "ValueError" in caplog.text
    assert "test_loop.py:" in caplog.text
    assert SECRET not in caplog.text


def test_a_slow_step_does_not_starve_the_others() -> None:
    time = Time(60)
    ran: Counter[str] = Counter()

    def slow() -> None:
        ran["slow"] += 1
        time.sleep(5)

    loop = Loop(
        [Step("slow", 1, slow), counting(ran, "quick", 1)],
        time.clock,
        time.sleep,
    )
    time.end = loop.stop
    loop.run()
    assert ran["quick"] >= ran["slow"] - 1


def test_the_loop_ends_after_the_step_in_which_it_is_told_to() -> None:
    time = Time(60)

    def stopping() -> None:
        loop.stop()

    loop = Loop([Step("stopping", 1, stopping)], time.clock, time.sleep)
    began = time.now
    loop.run()
    assert time.now == began


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.name)
def test_every_step_runs_on_an_empty_database(step: Step) -> None:
    assert run_step(step)


def test_the_monitor_gives_its_own_sign_and_asks_for_that_of_the_workers() -> None:
    for step in steps():
        run_step(step)
    assert Heartbeat.objects.get(name="monitor").at is not None
    assert Heartbeat.objects.get(name="workers").asked_at is not None


def test_only_old_messages_of_the_live_feed_are_removed() -> None:
    old, new = (LiveUpdate.objects.create(topic="captures", body={}) for _ in range(2))
    LiveUpdate.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(minutes=11))
    prune_live_updates()
    assert list(LiveUpdate.objects.all()) == [new]


def test_only_old_failures_of_tasks_are_removed() -> None:
    now = timezone.now()
    for name, age in (("old", 8), ("new", 6)):
        Task.objects.create(
            id=name,
            name=name,
            func="f",
            started=now,
            stopped=now - timedelta(days=age),
            success=False,
        )
    prune_failed_tasks()
    assert [task.name for task in Task.objects.all()] == ["new"]


def test_sessions_that_ended_are_removed() -> None:
    now = timezone.now()
    for key, days in (("ended", -1), ("open", 1)):
        Session.objects.create(
            session_key=key, session_data="", expire_date=now + timedelta(days=days)
        )
    run_step(next(step for step in steps() if step.name == "sessions"))
    assert [session.session_key for session in Session.objects.all()] == ["open"]


def test_a_step_that_keeps_to_a_grid_waits_for_its_first_turn() -> None:
    ran: Counter[str] = Counter()
    run_for(9.9, Step("grid", 4, lambda: ran.update(["grid"]), at_once=False))
    assert ran == {"grid": 2}


def test_who_is_not_the_monitor_does_nothing() -> None:
    ran: Counter[str] = Counter()
    turn = Turn("me")
    (step,) = in_turn(turn, [counting(ran, "step", 1)])
    step.run()
    assert ran == {}
    turn.take_or_renew()
    step.run()
    assert ran == {"step": 1}


def test_a_monitor_whose_turn_comes_late_does_everything_at_once_then() -> None:
    ran: Counter[str] = Counter()
    time = Time(20)
    loop = Loop([counting(ran, "hourly", 3600)], time.clock, time.sleep)
    time.end = loop.stop
    loop.run(begin_when=lambda: time.now >= 110)
    assert ran == {"hourly": 1}


def test_a_monitor_that_stands_by_can_be_stopped() -> None:
    ran: Counter[str] = Counter()
    time = Time(5)
    loop = Loop([counting(ran, "step", 1)], time.clock, time.sleep)
    time.end = loop.stop
    loop.run(begin_when=lambda: False)
    assert ran == {}


def test_the_next_sample_is_due_at_the_next_multiple(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1003.5)
    assert seconds_to_tick() == pytest.approx(1.5 + BEHIND_TICK_SECONDS)


def test_no_tick_is_left_out_when_the_wall_clock_falls_back_a_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time = Time(seconds=1000)

    def wall() -> float:
        return 1000.3 + time.now - (0.002 if time.now > 300 else 0.0)

    monkeypatch.setattr("monitoring.loop.time.time", wall)
    ticks: list[int] = []

    def sample() -> None:
        tick = int(wall() // 5)
        if tick not in ticks:
            ticks.append(tick)
        time.now += 0.004  # so long a sample takes
        if len(ticks) == 100:
            loop.stop()

    loop = Loop([Step("sample", seconds_to_tick, sample, False)], time.clock, time.sleep)
    loop.run()
    assert ticks == list(range(ticks[0], ticks[0] + 100))


def test_the_fast_loop_takes_the_lease_and_a_sample() -> None:
    turn = Turn("me")
    for step in fast_steps(turn):
        assert run_step(step)
    assert turn.is_mine()
    assert MetricSample.objects.count() == 1
