"""What each move does: phases and steps end and begin, a policy is published.

All of it happens within the transaction of ``controller.apply_move``, under the fence where a
policy is published; nothing here decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from migration import approvals
from migration.choices import PHASES, Move, PhaseName, PhaseState
from migration.conf import RolloutLimits
from migration.decision import phase_behind, steps_of
from migration.estimates import shadow_share
from migration.freezing import freeze
from migration.gates.conditions import LEAST_OF
from migration.gates.evidence import baseline_from_json, tally_as_json, tally_from_json
from migration.gates.tally import Tally
from migration.models import Attempt, EvidenceArchive, Phase, Rollout, Step, StepPolicy
from migration.moves import MoveRefusedError, phase_after
from migration.restarting import QUARANTINED, Before, First, first_phase
from migration.wanted import Wanted
from trimming.models import RoutingPolicy
from trimming.policy import Wish, new_salt, newest_policy, publish_under_fence
from trimming.routing_choices import Mode, Origin

# what sends everything to legacy, and raises the epoch
BACK: Final = frozenset({Move.ROLL_BACK, Move.FAIL, Move.ABORT})
# what may put another policy in force
FORWARD: Final = frozenset(
    {Move.START, Move.RESUME, Move.STEP, Move.PROMOTE, Move.COMPLETE, Move.RESTART}
)
DAY: Final = 86_400


def take_effect(
    rollout: Rollout, attempt: Attempt | None, phase: Phase | None, wanted: Wanted, now: datetime
) -> RoutingPolicy | None:
    """Change phase, step and policy as the move says; return the policy that it published."""
    move = wanted.move
    if move in (Move.START, Move.RESTART):
        return _begin_attempt(rollout, attempt, phase, wanted, now)
    if move in BACK:
        return _take_back(attempt, phase, wanted, now)
    assert attempt is not None
    assert phase is not None  # all others come after the start
    here = _Here(rollout, attempt, phase, phase.step, rollout.limits(), now)
    if move in FORWARD:
        _refuse_if_overtaken(here.step, move)
    _end_phase(phase, phase_after(move, PhaseState(phase.state)), now)
    return EFFECTS[move](here, wanted)


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a rollout stands that has begun."""

    rollout: Rollout
    attempt: Attempt
    phase: Phase
    step: Step
    limits: RolloutLimits
    now: datetime


def _refuse_if_overtaken(step: Step, move: Move) -> None:
    """Refuse what was decided before somebody else published.  Under the fence.

    A resumption puts the step's policy back, but a rollback stands.
    """
    newer = RoutingPolicy.objects.filter(version__gt=step.policy_version)
    if newer.filter(origin=Origin.ROLLBACK).exists():
        raise MoveRefusedError(_("A rollback was published meanwhile, and it stands."))
    if move is not Move.RESUME and newer.exists():
        raise MoveRefusedError(
            _("Another policy than that of the rollout is in force meanwhile; look at it again.")
        )


def _freeze(here: _Here, wanted: Wanted) -> None:
    freeze(here.attempt, here.limits, here.now)


def _ask(here: _Here, wanted: Wanted) -> None:
    approvals.ask(here.step, wanted.actor, here.limits, wanted.situation, wanted.results, here.now)


def _withdraw(here: _Here, wanted: Wanted) -> None:
    is_expired = wanted.rule == "approval"
    approvals.withdraw(here.step, wanted.reason, is_expired=is_expired, now=here.now)


def _pause(here: _Here, wanted: Wanted) -> None:
    approvals.withdraw(here.step, wanted.reason, is_expired=False, now=here.now)
    Step.objects.filter(pk=here.step.pk).update(paused_at=here.now)


def _resume(here: _Here, wanted: Wanted) -> RoutingPolicy | None:
    """Let time go on; put the step's policy back where somebody published another one."""
    since = here.step.paused_at or here.now
    paused = here.step.paused_seconds + (here.now - since).total_seconds()
    Step.objects.filter(pk=here.step.pk).update(paused_at=None, paused_seconds=paused)
    if newest_policy().version == here.step.policy_version:
        return None
    policy = _publish(here.phase, here.step.share, here.limits, wanted)
    Step.objects.filter(pk=here.step.pk).update(policy_version=policy.version)
    StepPolicy.objects.create(policy_version=policy.version, step=here.step)
    return policy


def _raise_share(here: _Here, wanted: Wanted) -> RoutingPolicy:
    _end_step(here.step, here.now)
    return _begin_step(here.phase, here.step.number + 1, here.limits, wanted, here.now)


def _promote(here: _Here, wanted: Wanted) -> RoutingPolicy:
    _end_step(here.step, here.now)
    following = phase_behind(PhaseName(here.phase.name))
    return _begin_phase(here.attempt, following, here.limits, wanted, here.now)


def _complete(here: _Here, wanted: Wanted) -> RoutingPolicy:
    _end_step(here.step, here.now)
    _end_attempt(here.attempt, here.now, "completed")
    return publish_under_fence(
        Wish(Mode.SCANNING, legacy_retired=True),
        origin=Origin.ROLLOUT,
        reason=_reason(here.rollout, wanted),
        actor=wanted.actor,
    )


EFFECTS: Final[Mapping[Move, Callable[[_Here, Wanted], RoutingPolicy | None]]] = {
    Move.FREEZE: _freeze,
    Move.REQUEST: _ask,
    Move.WITHDRAW: _withdraw,
    Move.PAUSE: _pause,
    Move.RESUME: _resume,
    Move.STEP: _raise_share,
    Move.PROMOTE: _promote,
    Move.COMPLETE: _complete,
}


def _end_phase(phase: Phase, state: PhaseState, now: datetime) -> None:
    is_over = state in (PhaseState.PASSED, PhaseState.FAILED, PhaseState.ROLLED_BACK)
    values: dict[str, Any] = {"state": state}
    if is_over and phase.finished_at is None:
        values["finished_at"] = now
    Phase.objects.filter(pk=phase.pk).update(**values)
    phase.state = state


def _end_step(step: Step, now: datetime) -> None:
    Step.objects.filter(pk=step.pk, ended_at=None).update(ended_at=now)


def _end_attempt(attempt: Attempt, now: datetime, cause: str, **values: Any) -> None:
    open_one = Attempt.objects.filter(pk=attempt.pk, ended_at=None)
    open_one.update(ended_at=now, cause=cause, **values)


def _take_back(
    attempt: Attempt | None, phase: Phase | None, wanted: Wanted, now: datetime
) -> RoutingPolicy | None:
    """Send everything to legacy; note since when what was served is suspect.

    Where somebody else has published a rollback already, that one stands and none is added.
    """
    move = wanted.move
    if phase is not None:
        step = phase.step
        approvals.withdraw(step, wanted.reason, is_expired=False, now=now)
        _end_phase(phase, phase_after(move, PhaseState(phase.state)), now)
        _end_step(step, now)
    if attempt is not None and attempt.ended_at is None:
        values: dict[str, Any] = {}
        if move is not Move.ABORT:
            is_kept_back = wanted.rule in QUARANTINED
            values["suspect_since"] = attempt.started_at if is_kept_back else attempt.clean_at
        _end_attempt(attempt, now, wanted.rule or move.value, **values)
    if wanted.rule == "routing" and (newest := newest_policy()).stands_back:
        return newest
    return publish_under_fence(
        Wish(Mode.LEGACY), origin=Origin.ROLLBACK, reason=wanted.reason[:500], actor=wanted.actor
    )


def _begin_attempt(
    rollout: Rollout, before: Attempt | None, last: Phase | None, wanted: Wanted, now: datetime
) -> RoutingPolicy:
    """Begin the phases anew: at phase 1, or at phase 2 with the baseline of the attempt before."""
    limits = rollout.limits()
    first = PhaseName.BASELINE if before is None else first_phase_after(before, limits, now).phase
    if before is not None and last is not None:
        _end_phase_of_old(last, wanted, now)
        _end_attempt(before, now, wanted.move.value)
    keeps = before is not None and first is not PhaseName.BASELINE
    attempt = Attempt.objects.create(
        rollout=rollout,
        number=1 if before is None else before.number + 1,
        salt=new_salt(),
        control_version=before.control_version if keeps and before else "",
        treatment_version=before.treatment_version if keeps and before else "",
        baseline=before.baseline if keeps and before else None,
        tally=_tally_with(before) if keeps and before else {},
        first_policy=newest_policy().version + 1,
        counted_until=now,
        clean_at=now,
        started_at=now,
    )
    for number, name in enumerate(PHASES, start=1):
        is_skipped = PHASES.index(name) < PHASES.index(first)
        Phase.objects.create(
            attempt=attempt,
            name=name,
            number=number,
            state=PhaseState.PASSED if is_skipped else PhaseState.PENDING,
            planned_seconds=planned_seconds(limits, name),
        )
    return _begin_phase(attempt, first, limits, wanted, now)


def first_phase_after(before: Attempt, limits: RolloutLimits, now: datetime) -> First:
    """Return where an attempt would begin that follows ``before``, and why there."""
    baseline = baseline_from_json(before.baseline)
    facts = Before(
        baseline_days=None
        if baseline is None
        else (now - baseline.frozen_at).total_seconds() / DAY,
        is_baseline_passed=not before.phases.filter(number=1)
        .exclude(state=PhaseState.PASSED)
        .exists(),
        mismatched=tally_from_json(before.tally).mismatched,
        cause=before.cause,
        new_build=before.new_build,
    )
    return first_phase(facts, limits.baseline_days)


def _tally_with(before: Attempt) -> dict[str, Any]:
    """Return an empty tally that goes by the baseline of the attempt before."""
    baseline = baseline_from_json(before.baseline)
    assert baseline is not None  # or the attempt would begin at phase 1
    return tally_as_json(Tally().with_baseline(baseline))


def _end_phase_of_old(phase: Phase, wanted: Wanted, now: datetime) -> None:
    """A rollout that is restarted while it runs leaves its phase."""
    if phase.finished_at is None:
        approvals.withdraw(phase.step, wanted.reason, is_expired=False, now=now)
        _end_phase(phase, PhaseState.ROLLED_BACK, now)
        _end_step(phase.step, now)


def planned_seconds(limits: RolloutLimits, name: PhaseName) -> float:
    """Return the least time of a phase by its limits."""
    dwell = float(getattr(limits, LEAST_OF[name][0]))
    return dwell * len(steps_of(limits, name))


def _begin_phase(
    attempt: Attempt, name: PhaseName, limits: RolloutLimits, wanted: Wanted, now: datetime
) -> RoutingPolicy:
    phase = attempt.phases.get(name=name)
    Phase.objects.filter(pk=phase.pk).update(state=PhaseState.RUNNING, started_at=now)
    if name is PhaseName.CLEANUP:
        _archive(attempt, now)
    return _begin_step(phase, 0, limits, wanted, now)


def _begin_step(
    phase: Phase, number: int, limits: RolloutLimits, wanted: Wanted, now: datetime
) -> RoutingPolicy:
    share = steps_of(limits, PhaseName(phase.name))[number]
    policy = _publish(phase, share, limits, wanted)
    step = Step.objects.create(
        phase=phase, number=number, share=share, policy_version=policy.version, began_at=now
    )
    StepPolicy.objects.create(policy_version=policy.version, step=step)
    return policy


def _publish(phase: Phase, share: float, limits: RolloutLimits, wanted: Wanted) -> RoutingPolicy:
    attempt = phase.attempt
    return publish_under_fence(
        wish_of(limits, PhaseName(phase.name), share, attempt.salt),
        origin=Origin.ROLLOUT,
        reason=_reason(attempt.rollout, wanted),
        actor=wanted.actor,
    )


MODES: Final = {
    PhaseName.BASELINE: Mode.COMPARISON,
    PhaseName.AB_TEST: Mode.AB_TEST,
    PhaseName.GRADUAL: Mode.AB_TEST,
    PhaseName.FULL: Mode.SCANNING,
    PhaseName.CLEANUP: Mode.SCANNING,
}


def wish_of(limits: RolloutLimits, name: PhaseName, share: float, salt: str) -> Wish:
    """Return the policy of a phase at a share; treatment is only given while somebody watches."""
    mode = MODES[name]
    return Wish(
        mode,
        treatment_share=share if mode is Mode.AB_TEST else 0.0,
        shadow_share=shadow_share(limits, name),
        guarded=True,
        salt=salt,
    )


def _archive(attempt: Attempt, now: datetime) -> None:
    kept = {"baseline": attempt.baseline, "tally": attempt.tally}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    EvidenceArchive.objects.get_or_create(
        attempt=attempt, defaults={"at": now, "sha256": digest, **kept}
    )


def _reason(rollout: Rollout, wanted: Wanted) -> str:
    return f"{rollout.name}: {wanted.reason}"[:500]
