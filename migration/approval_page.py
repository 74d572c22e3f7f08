"""What the page of a request for approval shows.  Nothing is changed by looking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Case, IntegerField, QuerySet, When
from django.utils.translation import gettext as _

from config.languages.told import in_record, told
from migration.choices import GATE_LOOKS, PHASES, ApprovalState, GateVerdict, PhaseName, worst
from migration.gates.results import Result
from migration.models import Approval
from migration.since_request import Figure, ThenAndNow, compared, figures, results_of
from trimming.choices import Look

if TYPE_CHECKING:  # evidence needs SciPy, and pages are imported when a process starts
    from migration.decision import Situation

APPROVAL_LOOKS: Final[Mapping[ApprovalState, Look]] = {
    ApprovalState.WAITING: Look("run", "wait"),
    ApprovalState.APPROVED: Look("ok", "ok"),
    ApprovalState.REJECTED: Look("fail", "stop"),
    ApprovalState.EXPIRED: Look("unknown", "na"),
    ApprovalState.WITHDRAWN: Look("unknown", "back"),
}
# those that wait come first
WAITING_FIRST: Final = Case(
    When(state=ApprovalState.WAITING, then=0), default=1, output_field=IntegerField()
)
QUEUE: Final = 5


class Change(NamedTuple):
    """What an approval begins: the next phase and its share."""

    phase: str
    next_phase: str
    share: float
    next_share: float
    shadow_share: float
    # when the next gate can be met at the earliest
    next_gate_at: datetime


@dataclass(frozen=True, slots=True)
class Shown:
    """One request with its evidence then and now; ``now`` is there while it waits.

    ``why_not`` says why this person may not decide it, ``why_no_approval`` why nobody can approve
    it now; both are empty where they may.
    """

    approval: Approval
    rules: list[ThenAndNow]
    figures: list[Figure]
    change: Change | None
    results: tuple[Result, ...]
    why_not: str
    why_no_approval: str
    is_now: bool
    # from the request until now
    waited_seconds: float

    @property
    def verdict(self) -> GateVerdict:
        """The worst of the rules that have an effect."""
        return verdict_of(self.results)

    @property
    def look(self) -> Look:
        """The look of the verdict."""
        return GATE_LOOKS[self.verdict]

    @property
    def calm(self) -> list[ThenAndNow]:
        """The rules that pass, and say nothing else than at the request."""
        return [row for row in self.rules if not self._is_to_read(row)]

    @property
    def to_read(self) -> list[ThenAndNow]:
        """The rules that a decision goes by: what does not pass, and what has changed."""
        return [row for row in self.rules if self._is_to_read(row)]

    def _is_to_read(self, row: ThenAndNow) -> bool:
        if self.is_now and row.is_changed:
            return True
        newest = row.now or row.then
        return newest is not None and newest.verdict is not GateVerdict.PASSED

    @property
    def turned(self) -> list[ThenAndNow]:
        """The rules that stand against it now and did not at the request."""
        return [row for row in self.rules if row.has_turned]

    @property
    def changed(self) -> int:
        """How many rules say something else than at the request."""
        return sum(row.is_changed for row in self.rules)

    @property
    def passed(self) -> int:
        """How many rules pass."""
        return sum(each.verdict is GateVerdict.PASSED for each in self.results)


def verdict_of(results: tuple[Result, ...]) -> GateVerdict:
    """Return the worst verdict of the rules that have an effect."""
    return worst([each.verdict for each in results if not each.is_dry])


def next_phase(name: PhaseName) -> PhaseName | None:
    """Return the phase behind one; None behind the last."""
    number = PHASES.index(name) + 1
    return PHASES[number] if number < len(PHASES) else None


def judged_now(approval: Approval, now: datetime) -> tuple[Result, ...] | None:
    """Return what the rules say now; None where the request does not wait."""
    from migration.situation import load

    if approval.state != ApprovalState.WAITING:
        return None
    return _judged(load(approval.step.phase.attempt.rollout, now))


def _judged(situation: Situation) -> tuple[Result, ...]:
    """Judge in the words of what is stored, so that only what differs is a change."""
    from migration.gates.table import judge

    with in_record():
        return judge(situation.evidence, situation.limits)


def shown(approval: Approval, user: AbstractBaseUser | AnonymousUser, now: datetime) -> Shown:
    """Return what the page shows of a request to somebody."""
    from migration.approvals import why_not
    from migration.decision import Situation
    from migration.situation import load

    waits = approval.state == ApprovalState.WAITING
    situation = load(approval.step.phase.attempt.rollout, now) if waits else None
    asked = Situation.from_json(approval.situation) if approval.situation else None
    then = results_of(approval.results)
    after = _judged(situation) if situation else None
    rules = compared(then, after)
    return Shown(
        approval=approval,
        rules=rules,
        figures=figures(
            None if asked is None else asked.evidence,
            None if situation is None else situation.evidence,
        ),
        change=_change(approval, situation or asked, now if waits else approval.requested_at),
        results=then if after is None else after,
        why_not=why_not(approval, user) if waits else "",
        why_no_approval=_why_no_approval(approval, rules, now) if waits else "",
        is_now=waits,
        waited_seconds=(now - approval.requested_at).total_seconds(),
    )


def _why_no_approval(approval: Approval, rules: list[ThenAndNow], now: datetime) -> str:
    if now >= approval.expires_at:
        return _("The request has expired. The rollout asks again when all gates are met.")
    against = next((row.now for row in rules if row.holds_now and row.now), None)
    if against is not None:
        return _("The evidence has turned: %(why)s") % {"why": told(against.message)}
    return ""


def _change(approval: Approval, situation: Any, at: datetime) -> Change | None:
    from migration.decision import steps_of
    from migration.estimates import shadow_share
    from migration.gates.conditions import LEAST_OF

    phase = PhaseName(approval.step.phase.name)
    behind = next_phase(phase)
    if behind is None or situation is None:
        return None
    limits = situation.limits
    dwell = float(getattr(limits, LEAST_OF[behind][0]))
    return Change(
        phase=str(phase.label),
        next_phase=str(behind.label),
        share=approval.step.share,
        next_share=steps_of(limits, behind)[0],
        shadow_share=shadow_share(limits, behind),
        next_gate_at=at + timedelta(seconds=dwell),
    )


def queue() -> QuerySet[Approval]:
    """Return the newest requests, those that wait first."""
    rows = Approval.objects.select_related(
        "step__phase__attempt__rollout", "requested_by", "decided_by"
    )
    return rows.defer("situation", "results").order_by(WAITING_FIRST, "-requested_at", "-pk")
