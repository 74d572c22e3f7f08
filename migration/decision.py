"""What is to be done with a rollout, from plain values.  Pure: no database, no clock.

``decide`` is the only place where a rollout moves by itself; people's wishes go through the same
table of moves (``moves``), the same situation is stored with each decision, and ``replay`` asks the
same question again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar, NamedTuple

from django.utils.translation import gettext as _
from pydantic import TypeAdapter

from migration import texts
from migration.choices import (
    PHASES,
    ApprovalState,
    GateVerdict,
    Move,
    PhaseName,
    RolloutState,
    worst,
)
from migration.conf import RolloutLimits
from migration.gates.evidence import Evidence
from migration.gates.results import Result
from migration.gates.table import effective, harms, holding, judge
from migration.gates.tally import STRICT


class Request(NamedTuple):
    """A request for approval that is open or was just decided."""

    state: ApprovalState
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision looks at.  ``request`` is that of the present step, if there is one."""

    __pydantic_config__: ClassVar = STRICT

    state: RolloutState
    limits: RolloutLimits
    evidence: Evidence
    request: Request | None = None

    def as_json(self) -> dict[str, Any]:
        """Return plain values for a row."""
        found: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return found

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Situation:
        """Return the situation that ``as_json`` gave; raises ValueError for anything else."""
        return _adapter().validate_python(kept)


@cache
def _adapter() -> TypeAdapter[Situation]:
    return TypeAdapter(Situation)


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows.  ``move`` is None when the rollout holds; ``rule`` names what decided."""

    move: Move | None
    reason: str
    results: tuple[Result, ...]
    rule: str = ""
    until: datetime | None = None

    @property
    def verdict(self) -> GateVerdict:
        """The worst of all rules that have an effect."""
        return worst([each.verdict for each in effective(self.results)])


def decide(situation: Situation) -> Decision:
    """Return what is to be done now; harm comes before everything else."""
    evidence = situation.evidence
    results = judge(evidence, situation.limits)
    if evidence.was_rolled_back:
        return Decision(Move.ROLL_BACK, evidence.overtaken, results, "routing")
    harmful = harms(results)
    if harmful:
        first = harmful[0]
        in_phase_1 = evidence.phase is PhaseName.BASELINE
        return Decision(
            Move.FAIL if in_phase_1 else Move.ROLL_BACK, first.message, results, first.rule
        )
    if situation.state is RolloutState.PAUSED:
        return Decision(None, _("Paused: it goes on when somebody resumes it."), results)
    against = holding(results)
    if [each.rule for each in against] == ["baseline"] and evidence.phase is PhaseName.BASELINE:
        return Decision(Move.FREEZE, _("All other gates of phase 1 are met."), results, "baseline")
    if against:
        return _held(situation, against, results)
    return _forward(situation, results)


def _held(situation: Situation, against: Sequence[Result], results: tuple[Result, ...]) -> Decision:
    first = max(against, key=lambda each: list(GateVerdict).index(each.verdict))
    request = situation.request
    if request is not None and request.state in (ApprovalState.WAITING, ApprovalState.APPROVED):
        reason = _("The evidence has turned: %(why)s") % {"why": first.message}
        return Decision(Move.WITHDRAW, reason, results, first.rule)
    return Decision(None, first.message, results, first.rule)


def _forward(situation: Situation, results: tuple[Result, ...]) -> Decision:
    """All gates are met: ask, wait, or go on."""
    evidence, request = situation.evidence, situation.request
    move = next_move(situation.limits, evidence.phase, evidence.step)
    if needs_approval(situation.limits, evidence.phase, move):
        if request is None or request.state in (ApprovalState.EXPIRED, ApprovalState.WITHDRAWN):
            return Decision(Move.REQUEST, _("All gates are met; it needs an approval."), results)
        if request.state is ApprovalState.REJECTED:
            return Decision(
                None, _("The request was rejected; ask again with promote."), results, "approval"
            )
        if evidence.now >= request.expires_at:
            return Decision(Move.WITHDRAW, _("The request has expired."), results, "approval")
        if request.state is ApprovalState.WAITING:
            return Decision(
                *(None, _("It waits for an approval."), results, "approval", request.expires_at)
            )
    opens = texts.window_of(situation.limits).opens(evidence.now)
    if opens is None:
        return Decision(None, _("No window for promotions opens in 400 days."), results, "window")
    if opens > evidence.now:
        reason = _("Promotions wait until %(time)s.") % {"time": f"{opens:%Y-%m-%d %H:%M %Z}"}
        return Decision(None, reason, results, "window", opens)
    return Decision(move, _("All gates are met."), results)


def steps_of(limits: RolloutLimits, phase: PhaseName) -> tuple[float, ...]:
    """Return the shares that a phase goes through."""
    return {
        PhaseName.BASELINE: (0.0,),
        PhaseName.AB_TEST: (limits.ab_share,),
        PhaseName.GRADUAL: texts.shares(limits.gradual_percents),
        PhaseName.FULL: (1.0,),
        PhaseName.CLEANUP: (1.0,),
    }[phase]


def step_name(phase: PhaseName, number: int) -> str:
    """Return the name of a step: its runs are counted by it."""
    return f"{phase.value}:{number}"


def step_number(step: str) -> int:
    """Return the number of a step in its phase, from 0."""
    return int(step.rpartition(":")[2])


def next_move(limits: RolloutLimits, phase: PhaseName, step: str) -> Move:
    """Return where a rollout goes when all gates are met."""
    if step_number(step) + 1 < len(steps_of(limits, phase)):
        return Move.STEP
    return Move.COMPLETE if phase is PHASES[-1] else Move.PROMOTE


def phase_behind(phase: PhaseName) -> PhaseName:
    """Return the next phase; raises IndexError behind the last."""
    return PHASES[PHASES.index(phase) + 1]


def needs_approval(limits: RolloutLimits, phase: PhaseName, move: Move) -> bool:
    """Tell whether a person must approve ``move``: only a phase begins with an approval."""
    return move is Move.PROMOTE and phase_behind(phase) in texts.phases(limits.approve)


def expiry(limits: RolloutLimits, now: datetime) -> datetime:
    """Return when a request that is made at ``now`` expires."""
    return now + timedelta(seconds=limits.approval_seconds)
