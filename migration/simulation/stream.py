"""All that ends, in order, while the policy changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from migration.conf import DAY
from migration.gates.tally import Baseline
from migration.simulation.ended import Ended, Policy, by_end, ended
from migration.simulation.plan import Plan
from migration.simulation.traffic import Captures

# captures are computed for so long ahead
AHEAD_SECONDS: Final = DAY


class Stream:
    """What ends under the policy in force; what began under one before keeps its arm."""

    def __init__(self, captures: Captures, plan: Plan, policy: Policy) -> None:
        self._captures, self._plan = captures, plan
        self._policy = policy
        self._baseline: Baseline | None = None
        self._waiting: list[Ended] = []
        self._place = 0
        self._known_until = 0.0

    def share_out(self, policy: Policy, baseline: Baseline | None, now: float) -> None:
        """Put ``policy`` in force for captures that come from ``now`` on, in seconds."""
        begun = [each for each in self._waiting[self._place :] if each.began < now]
        self._waiting, self._place = begun, 0
        self._policy, self._baseline, self._known_until = policy, baseline, now

    def take(self, until: float, *, is_single: bool = False) -> Sequence[Ended]:
        """Return what ends next, up to the first one that matters, or only one of them.

        Nothing ends later than ``until``; empty when there is nothing more until then.
        """
        while self._known_until < until:
            self._look_ahead()
        waiting, begin = self._waiting, self._place
        place = begin
        while place < len(waiting) and waiting[place].at <= until:
            place += 1
            if is_single or waiting[place - 1].matters:
                break
        self._place = place
        return waiting[begin:place]

    def _look_ahead(self) -> None:
        span = (self._known_until, self._known_until + AHEAD_SECONDS)
        more = ended(self._captures, self._policy, self._plan, self._baseline, span)
        self._waiting = sorted(self._waiting[self._place :] + more, key=by_end)
        self._place, self._known_until = 0, span[1]
