"""Parts are started again when they end or are stuck, and ended in order.  No real processes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from django.db import OperationalError

from monitoring.conf import MonitoringSettings
from pktmask_site.supervisor import Part, Supervisor, backoff_seconds

# between two steps old connections are given back
pytestmark = pytest.mark.django_db(transaction=True)

LIMITS = MonitoringSettings()


class FakeProcess:
    def __init__(self, name: str, *, obeys: bool = True) -> None:
        self.name = name
        self.obeys = obeys
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        assert number == signal.SIGTERM
        if self.obeys:
            self.returncode = 0


class World:
    """A clock, and processes that do what a test says.  ``events`` tells what happened."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.events: list[str] = []
        self.processes: list[FakeProcess] = []
        self.obeys = True
        self.sleeping: Callable[[], None] = lambda: None

    def spawn(self, arguments: Sequence[str], environ: Mapping[str, str]) -> Any:
        process = FakeProcess(arguments[0], obeys=self.obeys)
        self.processes.append(process)
        self.events.append(f"start {arguments[0]}{dict(environ) or ''}")
        return process

    def end_group(self, process: Any) -> bool:
        fake = cast(FakeProcess, process)
        self.events.append(f"kill {fake.name}")
        fake.returncode = -9 if fake.returncode is None else fake.returncode
        return True

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeping()

    def supervise(self, *parts: Part) -> Supervisor:
        return Supervisor(
            parts,
            lambda: LIMITS,
            spawn=self.spawn,
            end_group=self.end_group,
            clock=lambda: self.now,
            sleep=self.sleep,
        )

    def run(self, supervisor: Supervisor, seconds: float) -> None:
        """Take turns for so long."""
        until = self.now + seconds
        while self.now < until:
            supervisor.turn()
            self.now += 0.25


@pytest.fixture
def world() -> World:
    return World()


def part(world: World, name: str = "workers", **hooks: Any) -> Part:
    return Part(
        name,
        [name],
        after=lambda in_order: world.events.append(f"after {name} {in_order}"),
        **hooks,
    )


def test_the_wait_before_a_start_doubles_up_to_a_limit() -> None:
    assert [backoff_seconds(n) for n in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert backoff_seconds(10_000) == 30


def test_parts_start_in_order_and_are_then_left_alone(world: World) -> None:
    supervisor = world.supervise(part(world, "web"), part(world, "workers"))
    world.run(supervisor, 100)
    assert world.events == ["start web", "start workers"]


def test_a_part_that_may_not_start_yet_keeps_no_other_one_waiting(world: World) -> None:
    opens_at = world.now + 10
    waiting = part(world, "workers", may_start=lambda: world.now >= opens_at)
    supervisor = world.supervise(waiting, part(world, "web"))
    world.run(supervisor, 5)
    assert world.events == ["start web"]
    world.run(supervisor, 10)
    assert world.events == ["start web", "start workers"]


def test_what_is_left_of_a_part_is_ended_before_it_is_started_again(world: World) -> None:
    lives = iter(("first", "second"))
    supervisor = world.supervise(part(world, before=lambda: {"LIFE": next(lives)}))
    supervisor.turn()
    world.processes[0].returncode = 0  # also when it says that all was well
    world.run(supervisor, 2)
    assert world.events == [
        "start workers{'LIFE': 'first'}",
        "kill workers",
        "after workers False",
        "start workers{'LIFE': 'second'}",
    ]


def starts_of_a_part_that_keeps_ending(world: World, lives_seconds: float) -> list[int]:
    supervisor = world.supervise(part(world))
    waits = []
    for _ in range(4):
        world.run(supervisor, 0.25)
        world.run(supervisor, lives_seconds)
        world.processes[-1].returncode = 1
        ended = world.now
        count = len(world.processes)
        while len(world.processes) == count:
            world.run(supervisor, 0.25)
        waits.append(round(world.now - ended))
    return waits


def test_a_part_that_keeps_ending_is_started_later_and_later(world: World) -> None:
    assert starts_of_a_part_that_keeps_ending(world, 1) == [1, 2, 4, 8]


def test_a_part_that_lived_for_a_while_is_started_again_soon(world: World) -> None:
    assert starts_of_a_part_that_keeps_ending(world, 61) == [1, 1, 1, 1]


def test_a_part_that_is_stuck_at_two_looks_is_started_again(world: World) -> None:
    looks: list[bool] = []

    def is_stuck() -> bool:
        looks.append(True)
        return True

    supervisor = world.supervise(part(world, is_stuck=is_stuck))
    while "kill workers" not in world.events:
        world.run(supervisor, 0.25)
    assert len(looks) == 2
    world.run(supervisor, 2)
    assert world.events[-1] == "start workers"


def test_a_part_that_seemed_stuck_once_is_left_alone(world: World) -> None:
    looks = iter([True, False] * 50)
    supervisor = world.supervise(part(world, is_stuck=lambda: next(looks)))
    world.run(supervisor, 60)
    assert world.events == ["start workers"]


def test_a_database_that_fails_ends_nothing_and_cleaning_up_is_tried_again(world: World) -> None:
    failures = [OperationalError("locked"), OperationalError("locked")]

    def after(in_order: bool) -> None:
        world.events.append("after")
        if failures:
            raise failures.pop()

    def is_stuck() -> bool:
        raise OperationalError("locked")

    supervisor = world.supervise(Part("workers", ["workers"], after=after, is_stuck=is_stuck))
    world.run(supervisor, 20)
    assert world.events == ["start workers"]
    world.processes[0].returncode = 1
    world.run(supervisor, 20)
    assert world.events[1:] == ["kill workers", "after", "after", "after", "start workers"]


def test_a_part_that_cannot_be_prepared_is_started_later(world: World) -> None:
    failures = [OperationalError("locked")]

    def before() -> Mapping[str, str]:
        if failures:
            raise failures.pop()
        return {}

    supervisor = world.supervise(part(world, before=before))
    supervisor.turn()
    assert world.events == []
    world.run(supervisor, 2)
    assert world.events == ["start workers"]


def test_an_orderly_stop_ends_every_group_to_its_last_process(world: World) -> None:
    supervisor = world.supervise(part(world, "web"), part(world, "workers"))
    supervisor.turn()
    began = world.now
    assert supervisor.stop()
    assert world.now - began < 1
    assert world.events[2:] == ["kill web", "kill workers", "after web True", "after workers True"]


def test_what_does_not_end_in_time_is_killed(world: World) -> None:
    world.obeys = False
    supervisor = world.supervise(part(world))
    supervisor.turn()
    began = world.now
    supervisor.tell_to_stop()
    assert supervisor.stop()
    assert 3 < world.now - began < 5
    assert world.events[1:] == ["kill workers", "after workers True"]


def test_a_second_wish_to_stop_kills_at_once(world: World) -> None:
    world.obeys = False
    supervisor = world.supervise(part(world))
    supervisor.turn()
    supervisor.tell_to_stop()
    world.sleeping = supervisor.tell_to_stop
    began = world.now
    assert supervisor.stop()
    assert world.now - began < 0.2


def test_nothing_is_started_once_somebody_asked_to_stop(world: World) -> None:
    supervisor = world.supervise(part(world))
    supervisor.tell_to_stop()
    supervisor.run()
    supervisor.turn()
    assert world.events == []
    assert supervisor.stop()
