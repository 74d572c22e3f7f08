"""The monitor: small steps, each in its own interval, one after the other until it is told to end.

Every step is idempotent and may be cut off at any point; one that fails is logged and tried again
at its next turn, and does not keep the others from theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from config.current import forget_gone_processes
from config.faults import type_and_place
from config.file_watch import FileWatch
from monitoring import heartbeats
from monitoring.conf import metrics_settings, monitoring_settings
from monitoring.lease import RENEW_SECONDS, Turn
from monitoring.models import LiveUpdate

log = structlog.get_logger("pktmask.monitor")

# an upload whose connection was cut leaves a file that nobody else removes
STALE_UPLOAD = timedelta(hours=12)
# at most so long between two looks at whether to end
NAP_SECONDS = 0.25
# twice as much as clocks may drift apart from one sample to the next, of 5 s
BEHIND_TICK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is done again and again."""

    name: str
    every_seconds: float | Callable[[], float]
    run: Callable[[], object]
    at_once: bool = True

    def wait_seconds(self) -> float:
        """Return how long to wait from one turn to the next, by the settings in force."""
        return self.every_seconds() if callable(self.every_seconds) else self.every_seconds


def steps() -> tuple[Step, ...]:
    """Return what the monitor does."""
    files = FileWatch()
    return (
        Step("heartbeat", _beat, lambda: heartbeats.beat(heartbeats.MONITOR)),
        Step("ask_workers", _beat, heartbeats.ask_workers),
        # what is edited rests, is taken, and is adopted everywhere, all within five seconds
        Step("settings", 0.5, files.look),
        Step("sweep", 2, _sweep),
        Step("resend", 10, _resend),
        Step("shadows", 1, _shadows),
        Step("live_updates", 60, prune_live_updates),
        Step("adoptions", 60, forget_gone_processes),
        Step("machines", 60, heartbeats.forget_machines),
        Step("schedules", 60, _schedules),
        Step("retention", 600, _retention),
        Step("failed_tasks", 3600, prune_failed_tasks),
        Step("sessions", 3600, _clear_sessions),
    )


class Strands:
    """What apps above do in the monitor, each in a thread of its own that nothing else delays."""

    def __init__(self) -> None:
        self._made: dict[str, Callable[[], tuple[Step, ...]]] = {}

    def register(
        self, name: str
    ) -> Callable[[Callable[[], tuple[Step, ...]]], Callable[[], tuple[Step, ...]]]:
        """Add what makes the steps of a strand, as a decorator."""

        def add(make: Callable[[], tuple[Step, ...]]) -> Callable[[], tuple[Step, ...]]:
            self._made[name] = make
            return make

        return add

    def made(self) -> dict[str, tuple[Step, ...]]:
        """Return the steps of each strand by its name."""
        return {name: make() for name, make in self._made.items()}


strands = Strands()


def fast_steps(turn: Turn) -> tuple[Step, ...]:
    """Return what must not wait for anything else: the lease and the samples."""
    return (
        Step("lease", RENEW_SECONDS, turn.take_or_renew),
        # a sample belongs to its tick, and a start lies anywhere between two
        Step("sample", seconds_to_tick, only_in_turn(turn, lambda: _sample(turn.owner)), False),
    )


def in_turn(turn: Turn, table: Iterable[Step]) -> tuple[Step, ...]:
    """Return the steps so that they do nothing while another process is the monitor."""
    return tuple(replace(step, run=only_in_turn(turn, step.run)) for step in table)


def only_in_turn(turn: Turn, run: Callable[[], object]) -> Callable[[], object]:
    """Return ``run`` so that it does nothing while another process is the monitor."""
    return lambda: run() if turn.is_mine() else None


def seconds_to_tick() -> float:
    """Return how long it is until the next sample is due; samples lie on multiples of the time.

    It is a little behind its tick.  The wall clock may run slower than the clock that is waited by
    (it is slewed by 500 ppm at most): who woke before the tick would find the sample of the one
    before, and then wait for the one behind.
    """
    interval = metrics_settings().sample_seconds
    return interval - time.time() % interval + BEHIND_TICK_SECONDS


def _sample(owner: str) -> None:
    from monitoring.metrics.sampler import take_sample

    take_sample(timezone.now(), metrics_settings().sample_seconds, owner)


def _schedules() -> None:
    from monitoring.schedules import ensure_schedules

    ensure_schedules()


def _beat() -> float:
    return monitoring_settings().beat_seconds


class Loop:
    """Runs steps when they are due.  ``stop`` may be called at any time, by a signal handler."""

    def __init__(
        self,
        table: Sequence[Step],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        now = clock()
        self._due = {step: now if step.at_once else now + step.wait_seconds() for step in table}
        self._clock = clock
        self._sleep = sleep
        self._stopping = False

    def stop(self) -> None:
        """End after the step that is running."""
        self._stopping = True

    def run(self, begin_when: Callable[[], bool] = lambda: True) -> None:
        """Run from when ``begin_when`` says so until ``stop`` is called.

        What is due at once is due then: a step must not miss its turn while another monitor works,
        and come an hour later.
        """
        while not (self._stopping or begin_when()):
            self._sleep(NAP_SECONDS)
        while not self._stopping:
            # the one that waits longest goes first, so a slow step cannot starve another
            step = min(self._due, key=lambda each: self._due[each])
            wait = self._due[step] - self._clock()
            if wait > 0:
                self._sleep(min(wait, NAP_SECONDS))
                continue
            run_step(step)
            self._due[step] = self._clock() + step.wait_seconds()


def run_step(step: Step) -> bool:
    """Run one step; log the kind and the place of what it raises, and return whether it did not."""
    try:
        step.run()
    except Exception as error:  # any step may fail in any way; the others must go on
        log.error("step_failed", step=step.name, **type_and_place(error))
        return False
    finally:
        close_old_connections()
    return True


def prune_live_updates() -> None:
    """Remove messages of the live feed that every web process has sent on."""
    age = timedelta(seconds=monitoring_settings().keep_live_updates_seconds)
    LiveUpdate.objects.filter(at__lt=timezone.now() - age).delete()


def prune_failed_tasks() -> None:
    """Remove what django-q2 keeps of failures, which its own limit does not count."""
    from django_q.models import Task

    age = timedelta(days=monitoring_settings().keep_failures_days)
    Task.objects.filter(stopped__lt=timezone.now() - age).delete()


def _sweep() -> None:
    from trimming.sweeper import sweep

    sweep()


def _resend() -> None:
    from trimming.sweeper import resend

    resend()


def _shadows() -> None:
    from trimming import shadow_queue

    shadow_queue.take_back_lost()
    shadow_queue.drop_outdated()
    shadow_queue.hand_out()


def _retention() -> None:
    from trimming.intake import drop_unfinished, remove_orphans
    from trimming.retention import delete_expired_originals, remove_deleted_files

    delete_expired_originals()
    remove_deleted_files()
    remove_orphans(older_than=STALE_UPLOAD)
    drop_unfinished(older_than=STALE_UPLOAD)


def _clear_sessions() -> None:
    from importlib import import_module

    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
