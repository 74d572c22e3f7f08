"""Keeps the parts of the service running, and ends all of them.

A part is a process group.  One that ends for any reason, or does nothing although it could, is
ended to its last process and started again, later and later while it keeps on failing.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog
from django.db import DatabaseError, close_old_connections

from monitoring.conf import MonitoringSettings
from pktmask_site import processes

log = structlog.get_logger("pktmask.supervisor")

LONGEST_BACKOFF_SECONDS: Final = 30.0
TURN_SECONDS: Final = 0.1
# of the time for an orderly stop, this is kept for ending what is left by force
FORCE_SECONDS: Final = 0.5


def backoff_seconds(failures: int) -> float:
    """Return how long to wait before the next start: 1, 2, 4 ... 30 s."""
    return min(LONGEST_BACKOFF_SECONDS, float(2 ** min(failures - 1, 5)))


@dataclass(slots=True)
class Part:
    """A part of the service, and what is done around its life.

    ``before`` is called before each start and returns variables for its environment; ``after`` is
    called once nothing is left of it, with whether it was stopped in order; ``is_stuck`` tells
    whether it is alive and of no use.  It is not started until it may (``may_start``).
    """

    name: str
    arguments: Sequence[str]
    before: Callable[[], Mapping[str, str]] = dict
    after: Callable[[bool], None] = lambda in_order: None
    is_stuck: Callable[[], bool] = lambda: False
    may_start: Callable[[], bool] = lambda: True
    # how it stands; only the supervisor writes
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)
    failures: int = field(default=0, init=False)
    suspected: bool = field(default=False, init=False)
    unfinished: bool = field(default=False, init=False)


class Supervisor:
    """Starts ``parts`` in order, watches them in ``turn``, and ends them in ``stop``."""

    def __init__(
        self,
        parts: Sequence[Part],
        limits: Callable[[], MonitoringSettings],
        *,
        spawn: Callable[
            [Sequence[str], Mapping[str, str]], subprocess.Popen[bytes]
        ] = processes.spawn,
        end_group: Callable[[subprocess.Popen[bytes]], bool] = processes.end_group,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._parts = parts
        self._limits = limits
        self._spawn = spawn
        self._end_group = end_group
        self._clock = clock
        self._sleep = sleep
        self._look_at = clock() + limits().look_seconds
        self._signals = 0

    @property
    def is_told_to_stop(self) -> bool:
        """Whether somebody asked for an orderly stop."""
        return self._signals > 0

    def tell_to_stop(self) -> None:
        """Ask for an orderly stop; a second time, for an end at once.  For signal handlers."""
        self._signals += 1

    def listen(self) -> None:
        """Take Ctrl-C, SIGTERM and a closed terminal as the wish to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # started with nohup
            signal.signal(number, lambda *_: self.tell_to_stop())

    def run(self) -> None:
        """Watch the parts until somebody asks to stop."""
        while not self.is_told_to_stop:
            self.turn()
            self._sleep(TURN_SECONDS)

    def turn(self) -> None:
        """Start what is due, and start again what has ended or is stuck."""
        now = self._clock()
        looks = now >= self._look_at
        if looks:
            self._look_at = now + self._limits().look_seconds
        for part in self._parts:
            if self.is_told_to_stop:
                return
            if part.process is None:
                if now >= part.start_at and part.may_start():
                    self._start(part)
            elif part.process.poll() is not None:
                self._end(part, "ended", exit_code=part.process.returncode)
            elif looks and self._is_surely_stuck(part):
                self._end(part, "stuck")

    def _start(self, part: Part) -> None:
        if part.unfinished and not self._attempt(part, "clean_up", lambda: part.after(False)):
            part.start_at = self._clock() + backoff_seconds(1)
            return
        part.unfinished = False
        environ: dict[str, str] = {}
        if not self._attempt(part, "prepare", lambda: environ.update(part.before())):
            part.start_at = self._clock() + backoff_seconds(1)
            return
        part.process = self._spawn(part.arguments, environ)
        part.started = self._clock()
        part.suspected = False

    def _end(self, part: Part, why: str, **facts: object) -> None:
        """End what is left of a part, clean up behind it, and set when it is started again."""
        assert part.process is not None
        gone = self._end_group(part.process)
        now = self._clock()
        lived = now - part.started
        part.failures = 1 if lived >= self._limits().good_life_seconds else part.failures + 1
        wait = backoff_seconds(part.failures)
        log.warning(
            "part_started_again",
            part=part.name,
            why=why,
            lived_seconds=round(lived, 1),
            wait_seconds=wait,
            gone=gone,
            **facts,
        )
        part.process, part.start_at = None, now + wait
        part.unfinished = not self._attempt(part, "clean_up", lambda: part.after(False))

    def _is_surely_stuck(self, part: Part) -> bool:
        """Return whether a part was stuck at two looks in a row.

        One look may fall between two jobs, or behind a time in which the whole machine slept.
        """
        found = [False]
        self._attempt(part, "look", lambda: found.append(part.is_stuck()))
        surely = part.suspected and found[-1]
        part.suspected = found[-1]
        return surely

    def _attempt(self, part: Part, what: str, action: Callable[[], object]) -> bool:
        """Do what needs the database; False, and a line in the log, when that fails."""
        try:
            action()
        except DatabaseError as error:
            log.error(
                "supervisor_step_failed", part=part.name, step=what, kind=type(error).__name__
            )
            return False
        finally:
            close_old_connections()
        return True

    def stop(self) -> bool:
        """End every part, in order where there is time for it; return whether all are gone."""
        running = [part for part in self._parts if part.process is not None]
        for part in running:
            if part.process is not None and part.process.poll() is None:
                part.process.send_signal(signal.SIGTERM)
        deadline = self._clock() + self._limits().grace_seconds - FORCE_SECONDS
        while self._clock() < deadline and self._signals < 2:
            if all(part.process is None or part.process.poll() is not None for part in running):
                break
            self._sleep(processes.POLL_SECONDS)
        # all groups first: waiting for one must not delay the end of another
        gone = [self._end_group(part.process) for part in running if part.process is not None]
        for part in running:
            part.process = None
            self._attempt(part, "clean_up", lambda part=part: part.after(True))  # type: ignore[misc]  # bound at once
        return all(gone)
