"""When a breaker opens, probes and closes: plain values and times in, the next values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from trimming.routing_choices import BreakerState

LONGEST_COOLDOWN_SECONDS: Final = 15 * 60.0
GOOD_PROBES: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """After how many failures of distinct captures within how long a breaker opens, and rests."""

    failures: int
    window_seconds: float
    cooldown_seconds: float
    # a probe that nobody hears of for so long is taken for lost
    probe_seconds: float


@dataclass(frozen=True, slots=True)
class State:
    """A breaker.  ``failures``: digest to time in seconds; ``probe_after``: the next probe."""

    state: BreakerState = BreakerState.CLOSED
    failures: Mapping[str, float] = field(default_factory=dict)
    cooldown_seconds: float = 0.0
    probe_after: datetime | None = None
    good_probes: int = 0


def admit(now: datetime, at: State, limits: Limits) -> tuple[bool, State]:
    """Tell whether a job may go to the strategy, and the state after that."""
    if at.state is BreakerState.CLOSED:
        return True, at
    assert at.probe_after is not None
    if now < at.probe_after:
        return False, at
    # one probe at a time: the next one when this one has ended, or is not heard of any more
    return True, replace(
        at,
        state=BreakerState.PROBING,
        probe_after=now + timedelta(seconds=limits.probe_seconds),
    )


def failed(now: datetime, at: State, limits: Limits, digest: str) -> State:
    """Return the state after the strategy failed on a capture."""
    if at.state is not BreakerState.CLOSED:
        longer = min(2 * at.cooldown_seconds, LONGEST_COOLDOWN_SECONDS)
        # what began before the breaker opened says nothing new
        return _opened(now, longer) if at.state is BreakerState.PROBING else at
    seconds = now.timestamp()
    recent = {
        each: when
        for each, when in {**at.failures, digest: seconds}.items()
        if seconds - when < limits.window_seconds
    }
    if len(recent) >= limits.failures:
        return _opened(now, limits.cooldown_seconds)
    return replace(at, failures=recent)


def succeeded(now: datetime, at: State) -> State:
    """Return the state after the strategy did its work on a capture."""
    if at.state is not BreakerState.PROBING:
        return at
    if at.good_probes + 1 >= GOOD_PROBES:
        return State()
    return replace(at, good_probes=at.good_probes + 1, probe_after=now)


def _opened(now: datetime, cooldown_seconds: float) -> State:
    return State(
        state=BreakerState.OPEN,
        cooldown_seconds=cooldown_seconds,
        probe_after=now + timedelta(seconds=cooldown_seconds),
    )
