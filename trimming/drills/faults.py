"""What each fault does to an attempt.  No database: the strategy and the clock are given."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from trimming.engine.errors import EngineError
from trimming.engine.strategies.registry import Strategy
from trimming.routing_choices import FaultKind

if TYPE_CHECKING:  # who only asks for names must not pay for NumPy
    from trimming.engine.formats.capture import CaptureFile
    from trimming.engine.plan import MaskPlan
    from trimming.engine.report import Tally

Progress = Callable[[int], None] | None
# how much longer a slow strategy takes, within these bounds in seconds
SLOWER: Final = 5.0
SHORTEST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 30.0
NAP_SECONDS: Final = 0.1


class Fault:
    """No fault; the others override what they spoil."""

    def before_copy(self) -> None:
        """Be called before the private copy is made."""

    def afflict(self, strategy: Strategy) -> Strategy:
        """Return the strategy, as the fault has it."""
        return strategy


class Afflicted:
    """A strategy that goes by the name of another one."""

    def __init__(self, strategy: Strategy) -> None:
        self.inner = strategy
        self.name = strategy.name
        self.version = strategy.version

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        """Plan as the other one does."""
        self.inner.plan(capture, plan, tally, progress)


class Slow(Afflicted):
    """Takes several times as long, and can be stopped meanwhile."""

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        """Plan, and then wait."""
        begun = time.monotonic()
        seen = 0

        def note(done: int) -> None:
            nonlocal seen
            seen = done
            if progress is not None:
                progress(done)

        self.inner.plan(capture, plan, tally, note)
        now = time.monotonic()
        wait = min(LONGEST_SECONDS, max(SHORTEST_SECONDS, SLOWER * (now - begun)))
        while time.monotonic() < now + wait:
            note(seen)
            time.sleep(NAP_SECONDS)  # being slow is the fault


class Failing(Afflicted):
    """Fails on every capture."""

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        """Raise EngineError."""
        raise EngineError("The strategy was told to fail, in a drill.")


class Leaking(Afflicted):
    """Masks nothing: verification must find it."""

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        """Plan nothing."""


class LosingItsWorker(Afflicted):
    """Kills the process that it runs in."""

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Progress) -> None:
        """End this process as the kernel would, out of memory."""
        os.kill(os.getpid(), signal.SIGKILL)


class StrategyFault(Fault):
    """A fault that lies in the strategy."""

    def __init__(self, kind: type[Afflicted]) -> None:
        self._kind = kind

    def afflict(self, strategy: Strategy) -> Strategy:
        """Return the strategy with its fault."""
        return self._kind(strategy)


class FullDisk(Fault):
    """There is no room for the private copy."""

    def before_copy(self) -> None:
        """Raise what a full disk raises."""
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


NO_FAULT: Final = Fault()
FAULTS: Final[Mapping[FaultKind, Fault]] = {
    FaultKind.SLOW: StrategyFault(Slow),
    FaultKind.FAILING: StrategyFault(Failing),
    FaultKind.LEAKING: StrategyFault(Leaking),
    FaultKind.LOST_WORKER: StrategyFault(LosingItsWorker),
    FaultKind.FULL_DISK: FullDisk(),
}
