"""All that the page about a rollout shows, loaded.  Nothing is decided and nothing written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from config.languages.told import told
from migration.acts import ABORT, OPERATE, Act, acts_for
from migration.choices import ACTIVE, ApprovalState, Move, PhaseName, PhaseState, RolloutState
from migration.conf import RolloutLimits
from migration.decision import Decision as Decided
from migration.decision import Situation, decide, next_move, phase_behind, step_number, steps_of
from migration.effects import BACK, first_phase_after
from migration.estimates import estimate
from migration.evaluator import KEEP_SECONDS
from migration.evidence_charts import (
    ShareMark,
    axis_of,
    evidence_figure,
    in_steps,
    rate_figure,
)
from migration.gate_rows import RULES, GateRow, gate_rows
from migration.headline import Asked, Ended, Facts, Headline, headline
from migration.models import Approval, Attempt, Evaluation, Phase, Rollout, Step
from migration.operations import FORWARD
from migration.path import PhaseFacts, PhaseView, path_of
from migration.shown import traffic_at
from migration.situation import load, step_seconds
from migration.stored_looks import stored_looks
from migration.traffic import Traffic
from monitoring.figures import Figure
from trimming.policy import newest_policy
from trimming.routing_choices import Mode
from trimming.routing_words import share_text

# where nothing was kept for so long, nobody looks: an unchanged answer is kept each KEEP_SECONDS
UNWATCHED: Final = timedelta(seconds=2 * KEEP_SECONDS)
NO_TRAFFIC: Final = Traffic(0.0, 0.0, 0.0)
PAGE_SIZE: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows of one rollout."""

    rollout: Rollout
    headline: Headline
    acts: Sequence[Act]
    attempt: Attempt | None = None
    phases: Sequence[Phase] = ()
    path: Sequence[PhaseView] = ()
    rows: Sequence[GateRow] = ()
    looked_at: datetime | None = None
    look: int = 0
    share: float = 0.0
    limits: RolloutLimits | None = None
    ends_at: datetime | None = None
    asked: Asked | None = None
    ended: Ended | None = None
    suspects: int = 0
    first: PhaseName | None = None
    why_first: str = ""
    # acts that the table has, and that would be refused as long as it stands so
    blocked: Sequence[str] = ()
    policy_version: int | None = None
    another: Rollout | None = None

    @property
    def held(self) -> list[GateRow]:
        """The gates that do not pass: what stands against going on, and dry runs."""
        return [row for row in self.rows if not row.is_passed]

    @property
    def passed(self) -> list[GateRow]:
        """The gates that pass."""
        return [row for row in self.rows if row.is_passed]

    @property
    def may_press(self) -> Act | None:
        """The act that the headline asks for, where it may be pressed."""
        return next((act for act in self.acts if act.name == self.headline.press), None)

    @property
    def marks(self) -> list[ShareMark]:
        """When each share began."""
        return [
            ShareMark(step.began_at, share_text(step.share))
            for phase in self.phases
            for step in phase.steps.all()
        ]

    @property
    def is_active(self) -> bool:
        """Whether its gates are judged now."""
        return self.rollout.state in ACTIVE

    @property
    def is_over(self) -> bool:
        """Whether another one may be started."""
        return self.rollout.state in (RolloutState.ABORTED, RolloutState.COMPLETED)

    @property
    def cause(self) -> Any:
        """What people call the rule that took it back."""
        rule = self.ended.rule if self.ended else ""
        return RULES[rule][0] if rule in RULES else rule


@dataclass(slots=True)
class _Found:
    """What is known of the present look of an active rollout."""

    situation: Situation
    decided: Decided
    traffic: Traffic
    left_seconds: float | None
    rows: Sequence[GateRow] = field(default_factory=list)


def present_rollout() -> Rollout | None:
    """Return the active rollout, or the newest one."""
    return rollouts().first()


def rollouts() -> QuerySet[Rollout]:
    """Return all rollouts, the active one first, then the newest."""
    return Rollout.objects.annotate(
        is_active=Q(state__in=[state.value for state in ACTIVE])
    ).order_by("-is_active", "-created_at", "-pk")


def shown(rollout: Rollout, user: Any, now: datetime) -> Shown:
    """Return all that is said of ``rollout`` to ``user``."""
    state = RolloutState(rollout.state)
    permissions = [each for each in (OPERATE, ABORT) if user.has_perm(each)]
    acts = acts_for(state, permissions)
    attempt = rollout.attempts.order_by("-number").first()
    if attempt is None:
        return Shown(rollout, headline(Facts(state, ended=_ended(rollout))), acts)
    limits = rollout.limits()
    newest = _newest_look(attempt)
    found = _present(rollout, attempt, now) if state in ACTIVE else None
    rows = found.rows if found else _rows_of(newest)
    phases = _phases(attempt)
    path = path_of(
        [_phase_facts(each, limits, now) for each in phases],
        now,
        found.left_seconds if found else None,
    )
    step = _last_step(phases)
    asked = _asked(step, user) if state is RolloutState.AWAITING else None
    ended = None if found else _ended(rollout)
    first = first_phase_after(attempt, limits, now) if state is RolloutState.ROLLED_BACK else None
    another = None if found else Rollout.objects.filter(state__in=ACTIVE).first()
    facts = Facts(
        state,
        share=step.share if step else 0.0,
        decided=found.decided.move if found else None,
        rule=found.decided.rule if found else "",
        reason=told(found.decided.reason) if found else "",
        until=found.decided.until if found else None,
        rows=rows,
        following=_following(found.situation) if found else "",
        is_watched=_is_watched(newest, attempt, now),
        asked=asked,
        ended=ended,
        first=first.phase if first else None,
        why_first=first.why if first else "",
        is_in_force=ended is None or _is_in_force(ended),
        is_another_active=another is not None,
    )
    return Shown(
        rollout,
        headline(facts),
        acts,
        attempt=attempt,
        phases=phases,
        path=path,
        rows=rows,
        looked_at=now if found else (newest or {}).get("at"),
        look=(newest or {}).get("pk", 0),
        share=facts.share,
        limits=limits,
        ends_at=path[-1].ends_at,
        asked=asked,
        ended=ended,
        suspects=attempt.suspects.count() if state is RolloutState.ROLLED_BACK else 0,
        first=facts.first,
        why_first=facts.why_first,
        blocked=_blocked(facts),
        policy_version=step.policy_version if step else None,
        another=another,
    )


def stored_path(rollout: Rollout, now: datetime) -> list[PhaseView]:
    """Return the phases of a rollout that has begun, without estimates: four queries."""
    limits = rollout.limits()
    phases = _phases(rollout.attempt)
    return path_of([_phase_facts(each, limits, now) for each in phases], now, None)


def figures_of(found: Shown, now: datetime) -> dict[str, Figure]:
    """Return the charts of an attempt."""
    attempt, limits = found.attempt, found.limits
    if attempt is None or limits is None:
        return {}
    axis = axis_of(attempt.started_at, attempt.ended_at or now)
    looks = in_steps(stored_looks(attempt), axis)
    return {
        "evidence": evidence_figure(looks, axis, found.marks),
        "rates": rate_figure(looks, axis, found.marks, limits.gradual_error_rate),
    }


def _is_in_force(ended: Ended) -> bool:
    """Tell whether captures still go where the end of a rollout sent them."""
    is_complete = ended.move is Move.COMPLETE
    modes = (Mode.SCANNING,) if is_complete else (Mode.LEGACY, Mode.COMPARISON)
    return newest_policy().mode in modes


def _blocked(facts: Facts) -> tuple[Move, ...]:
    """Return the moves that would be refused as it stands."""
    promote = () if _may_promote(facts) else (Move.PROMOTE,)
    return (*promote, Move.RESTART) if facts.is_another_active else promote


def _may_promote(facts: Facts) -> bool:
    """Tell whether to promote by hand would do something: all gates are met, or it was rejected."""
    return facts.decided in FORWARD or headline(facts).press is Move.PROMOTE


def _newest_look(attempt: Attempt) -> Mapping[str, Any] | None:
    """Return the newest look that was kept, without its situation."""
    rows = Evaluation.objects.filter(attempt=attempt).values("pk", "at", "results")
    # by the index of the attempt: to go by time all of them would be sorted
    return rows.order_by("-pk").first()


def _rows_of(newest: Mapping[str, Any] | None) -> list[GateRow]:
    return gate_rows(newest["results"], NO_TRAFFIC) if newest else []


def _is_watched(newest: Mapping[str, Any] | None, attempt: Attempt, now: datetime) -> bool:
    return now - (newest["at"] if newest else attempt.started_at) < UNWATCHED


def _present(rollout: Rollout, attempt: Attempt, now: datetime) -> _Found:
    """Judge as the evaluator does, by what it has counted."""
    situation = load(rollout, now)
    decided = decide(situation)
    evidence, limits = situation.evidence, situation.limits
    traffic = traffic_at(situation, attempt, now)
    left = estimate(evidence, limits, decided.results, traffic)
    rows = gate_rows([each._asdict() for each in decided.results], traffic)
    return _Found(situation, decided, traffic, left.seconds, rows)


def _following(situation: Situation) -> str:
    """Return in words what comes next: a share, a phase, the end."""
    evidence, limits = situation.evidence, situation.limits
    move = next_move(limits, evidence.phase, evidence.step)
    if move is Move.STEP:
        shares = steps_of(limits, evidence.phase)
        return share_text(shares[step_number(evidence.step) + 1])
    if move is Move.PROMOTE:
        return _("“%(phase)s”") % {"phase": phase_behind(evidence.phase).label}
    return _("the end")


def _phases(attempt: Attempt) -> list[Phase]:
    steps = Prefetch("steps", Step.objects.order_by("number"))
    return list(attempt.phases.order_by("number").prefetch_related(steps))


def _phase_facts(phase: Phase, limits: RolloutLimits, now: datetime) -> PhaseFacts:
    steps = list(phase.steps.all())
    name = PhaseName(phase.name)
    took = [step_seconds(each, now) for each in steps]
    planned = steps_of(limits, name)
    # what was walked, however the limits were changed since
    shares = [*(each.share for each in steps), *planned[len(steps) :]]
    return PhaseFacts(
        name,
        PhaseState(phase.state),
        phase.planned_seconds,
        phase.started_at,
        phase.finished_at,
        shares,
        at=len(steps) - 1,
        took=sum(took),
        took_here=took[-1] if took else 0.0,
    )


def _last_step(phases: Sequence[Phase]) -> Step | None:
    steps = [step for phase in phases for step in phase.steps.all()]
    return steps[-1] if steps else None


def _asked(step: Step | None, user: Any) -> Asked | None:
    rows = Approval.objects.filter(step=step).select_related("requested_by")
    newest = rows.defer("situation", "results").first()
    if newest is None:
        return None
    by = newest.requested_by
    return Asked(
        state=ApprovalState(newest.state),
        by="" if by is None else by.get_username(),
        at=newest.requested_at,
        expires_at=newest.expires_at,
        is_own=by is not None and by.pk == user.pk,
        number=newest.pk,
    )


def _ended(rollout: Rollout) -> Ended | None:
    rows = rollout.decisions.filter(move__in=[*BACK, Move.COMPLETE])
    newest = rows.defer("situation", "results").first()
    if newest is None:
        return None
    return Ended(Move(newest.move), newest.actor_name, newest.rule, told(newest.reason), newest.at)


def others(rollout: Rollout | None) -> list[Rollout]:
    """Return the newest rollouts beside this one."""
    rows = rollouts() if rollout is None else rollouts().exclude(pk=rollout.pk)
    return list(rows[:PAGE_SIZE])
