"""What a policy makes of captures: runs and comparisons with their ends.  Pure.

Whole arrays are computed at once; what comes out are the facts that a tally takes, in the order in
which they end.  Captures do not wait for each other: there are workers enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final, NamedTuple

import numpy as np

from migration.gates.tally import Baseline, Compared, Served
from migration.simulation.plan import START, Disturbance, Fault, Flags, Floats, Places, Plan
from migration.simulation.traffic import CONTROL_MESSAGE_MS, Captures, Tries
from monitoring.statistics import SMALLEST_BUCKET_BYTES
from trimming.blame import blame_at_end, blame_by_answer
from trimming.choices import Blame, RunOutcome

# a comparison begins so many seconds after the result was served
COMPARED_AFTER_SECONDS: Final = 30.0


class Policy(NamedTuple):
    """How captures are shared out from ``since`` on; ``phase`` is its number, times in seconds."""

    epoch: int
    step: str
    phase: int
    phase_since: float
    share: float
    shadow_share: float
    is_faulty: bool


class Ended(NamedTuple):
    """A run that is over, or a comparison.  ``at`` and ``began`` are in seconds since the start.

    ``shows``: the fault is in it.  ``leaks``: the output has a byte that legacy masks, and
    ``is_refused`` by verification for that, which is known when legacy has served the capture.
    ``matters``: a rule of harm could newly fail by it.
    Rubbish is neither run nor pair.
    """

    at: float
    began: float
    epoch: int
    on_treatment: bool
    share: float
    message_ms: float
    shows: bool
    leaks: bool
    is_refused: bool
    matters: bool
    run: Served | None = None
    pair: Compared | None = None


by_end = attrgetter("at")


@dataclass(frozen=True, slots=True)
class Answers:
    """What both strategies would make of captures: times in ms, and whether they fail."""

    control_ms: Floats
    treatment_ms: Floats
    control_fails: Flags
    treatment_fails: Flags


class Sharing:
    """Some captures under one policy.  ``rows`` are their places among all captures."""

    def __init__(self, captures: Captures, policy: Policy, plan: Plan, rows: Places) -> None:
        self._captures, self._policy, self._plan = captures, policy, plan
        after = captures.arrived[rows] - policy.phase_since
        is_odd = plan.is_disturbed(policy.phase, after)
        if plan.disturbance is Disturbance.NIGHT:
            rows, is_odd = rows[~is_odd], is_odd[~is_odd]
        if plan.fault is Fault.NO_DATA and policy.is_faulty:
            rows, is_odd = rows[:0], is_odd[:0]
        self.rows = rows
        is_slow = is_odd & (plan.disturbance is Disturbance.NEIGHBOUR)
        self._slower = np.where(is_slow, plan.neighbour_factor, 1.0)
        self.is_rubbish = is_odd & (captures.is_rubbish[rows] < plan.rubbish_share)
        if plan.disturbance is not Disturbance.RUBBISH:
            self.is_rubbish = np.zeros(len(rows), dtype=bool)
        # verification refuses them, whoever makes the output
        self.is_hostile = is_odd & (captures.is_rubbish[rows] < plan.hostile_share)
        self.is_hostile &= plan.disturbance is Disturbance.HOSTILE
        self.on_treatment = captures.bucket[rows] < policy.share
        # the fault hits the same captures whenever they are run
        self.is_hit = (
            captures.breaks[rows] < plan.hit_share if policy.is_faulty else is_slow & False
        )
        self.leaks = self.is_hit & (plan.fault is Fault.LEAK)
        self.is_refused = self.leaks & (captures.hides[rows] < plan.leaks_verified_share)
        self.shows = self.is_hit | (policy.is_faulty and plan.fault is Fault.SLOW)

    def answers(self, tries: Tries) -> Answers:
        """Return what the strategies make of the captures in one try each."""
        plan, rows, fault = self._plan, self.rows, self._plan.fault
        usual = self._captures.messages[rows] * CONTROL_MESSAGE_MS * self._slower
        is_slow = self._policy.is_faulty and fault is Fault.SLOW
        treatment_ms = usual * tries.treatment_factor[rows]
        treatment_ms *= plan.slow_factor if is_slow else 1 / plan.speedup
        longest = 1000 * plan.deadline_seconds
        hangs = self.is_hit & (fault is Fault.HANG)
        breaks = hangs | (self.is_hit & (fault is Fault.ERRORS))
        return Answers(
            control_ms=np.minimum(usual * tries.control_factor[rows], longest),
            treatment_ms=np.where(hangs, longest, np.minimum(treatment_ms, longest)),
            control_fails=tries.control_fails[rows] < plan.failure_rate,
            treatment_fails=(tries.treatment_fails[rows] < plan.failure_rate) | breaks,
        )

    def differs(self) -> Flags:
        """Tell for which captures the strategies answer differently."""
        by_chance = self._captures.differs[self.rows] < self._plan.mismatch_rate
        found: Flags = by_chance | self.leaks | (self.is_hit & (self._plan.fault is Fault.MISMATCH))
        return found


def ended(
    captures: Captures,
    policy: Policy,
    plan: Plan,
    baseline: Baseline | None,
    span: tuple[float, float],
) -> list[Ended]:
    """Return what becomes of the captures that come in a half-open span of seconds, by its end."""
    first, last = np.searchsorted(captures.arrived, span)
    sharing = Sharing(captures, policy, plan, np.arange(first, last))
    served = sharing.answers(captures.served)
    on_treatment = sharing.on_treatment
    took_ms = np.where(on_treatment, served.treatment_ms, served.control_ms)
    began = captures.arrived[sharing.rows]
    over = began + took_ms / 1000
    found = list(_runs(captures, sharing, policy, baseline, served, took_ms))
    found += _pairs(captures, sharing, policy, plan, over)
    return sorted(found, key=by_end)


def _runs(
    captures: Captures,
    sharing: Sharing,
    policy: Policy,
    baseline: Baseline | None,
    served: Answers,
    took_ms: Floats,
) -> Iterator[Ended]:
    rows, on_treatment = sharing.rows, sharing.on_treatment
    failed = np.where(
        on_treatment, served.treatment_fails | sharing.is_refused, served.control_fails
    )
    sizes = captures.size_bytes[rows]
    is_slow = _are_slow(sizes, took_ms, baseline) if 0 < policy.share < 1 else failed & False
    columns = zip(
        captures.arrived[rows].tolist(),
        took_ms.tolist(),
        on_treatment.tolist(),
        failed.tolist(),
        sizes.astype(int).tolist(),
        (took_ms / captures.messages[rows]).tolist(),
        (sharing.shows & on_treatment).tolist(),
        (sharing.leaks & on_treatment).tolist(),
        ((sharing.is_refused & on_treatment) | sharing.is_hostile).tolist(),
        (failed | (is_slow & on_treatment)).tolist(),
        sharing.is_rubbish.tolist(),
        sharing.is_hostile.tolist(),
        served.control_fails.tolist(),
        served.control_ms.tolist(),
        strict=True,
    )
    for began, ms, is_on, fails, size, each_ms, shows, leaks, refused, matters, *of in columns:
        rubbish, hostile, no_control, control_ms = of
        at = began + ms / 1000
        blame = _blame(is_on, hostile=hostile, control_fails=no_control) if refused else None
        if blame is not None and is_on:  # it is known when legacy has served it
            at += control_ms / 1000
        odd = blame is Blame.CAPTURE
        failed_here = fails and not odd
        duration = None if fails or odd else ms
        run = Served(
            *(is_on, policy.share, policy.step, failed_here, size, duration, START), odd=odd
        )
        head = (at, began, policy.epoch, is_on, policy.share, each_ms)
        if rubbish:
            yield Ended(*head, shows=False, leaks=False, is_refused=False, matters=False)
        else:
            yield Ended(*(*head, shows, leaks, blame is Blame.STRATEGY, matters and not odd, run))


def _blame(is_on_treatment: bool, *, hostile: bool, control_fails: bool) -> Blame | None:
    """Return whose fault a refused output is, by the rule of the service."""
    found = blame_at_end(RunOutcome.UNVERIFIED, is_control=not is_on_treatment)
    if found is not Blame.UNDECIDED:
        return found
    if hostile:
        return blame_by_answer(RunOutcome.UNVERIFIED)
    return blame_by_answer(RunOutcome.FAILED if control_fails else RunOutcome.DONE)


def _pairs(
    captures: Captures, sharing: Sharing, policy: Policy, plan: Plan, over: Floats
) -> Iterator[Ended]:
    rows = sharing.rows
    found = sharing.answers(captures.compared)
    # without a result nothing is compared
    is_left_out = sharing.is_rubbish | sharing.is_hostile
    chosen = (captures.compares[rows] < policy.shadow_share) & ~is_left_out
    both = ~found.control_fails & ~found.treatment_fails
    leaks = sharing.leaks & both
    is_slower = both & (found.treatment_ms > (1 + plan.limits.slower_by) * found.control_ms)
    only_treatment = found.treatment_fails & ~found.control_fails
    end = over + COMPARED_AFTER_SECONDS + (found.control_ms + found.treatment_ms) / 1000
    columns = zip(
        *(
            column[chosen].tolist()
            for column in (
                *(captures.arrived[rows], end, sharing.differs() & both),
                *(found.control_fails, found.treatment_fails),
                *(found.control_ms, found.treatment_ms),
                *(leaks, sharing.shows),
                only_treatment | is_slower | leaks,
            )
        ),
        strict=True,
    )
    for began, at, differs, no_control, no_treatment, c_ms, t_ms, leak, shows, matters in columns:
        pair = Compared(
            differs,
            no_control,
            no_treatment,
            None if no_control else c_ms,
            None if no_treatment else t_ms,
            leak,
            moment(at),
        )
        yield Ended(
            *(at, began, policy.epoch, True, policy.share, 0.0, shows, leak, False, matters),
            pair=pair,
        )


def _are_slow(sizes: Floats, took_ms: Floats, baseline: Baseline | None) -> Flags:
    """Tell which runs took longer than the frozen limits of their sizes."""
    found: Flags = np.zeros(len(sizes), dtype=bool)
    for bucket, limit_ms in baseline.slow.p95_ms if baseline else ():
        above = 4 * bucket if bucket else SMALLEST_BUCKET_BYTES
        found |= (sizes >= bucket) & (sizes < above) & (took_ms > limit_ms)
    return found


def moment(seconds: float) -> datetime:
    """Return the time so many seconds after the start."""
    return START + timedelta(seconds=seconds)
