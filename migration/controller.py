"""Load, decide, apply: one look at the active rollout, and the one function that moves it.

``apply_move`` is the only writer of states.  It is one transaction: the conditional update of the
rollout's revision, the phase and its step, the policy, and the decision with all that it went by.
Where a policy is published, the fence is held exclusively, so treatment is given and published
before or after the whole of it, never in between.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils.translation import gettext as _

from config.audit import SYSTEM, record
from migration import signals
from migration.choices import Move, PhaseState, RolloutState
from migration.effects import BACK, FORWARD, take_effect
from migration.models import Attempt, Decision, Phase, Rollout
from migration.moves import row_of
from migration.wanted import Wanted
from trimming.fence import fence
from trimming.models import RoutingPolicy

log = structlog.get_logger("pktmask.rollout")


class OvertakenError(Exception):
    """Another process moved the rollout first; nothing was done."""


def apply_move(rollout: Rollout, wanted: Wanted, now: datetime) -> Decision:
    """Move a rollout; return the decision that is stored.

    Nothing is changed when it raises: MoveRefusedError for a move that the table lacks,
    OvertakenError when another process was first, PolicyRefusedError when the settings do not
    permit the policy.
    """
    row = row_of(wanted.move, RolloutState(rollout.state))
    publishes = wanted.move in BACK | FORWARD
    held: AbstractContextManager[None] = (
        fence(exclusive=True) if publishes else transaction.atomic(durable=True)
    )
    with held:
        _claim(rollout, row.rollout, now, wanted.move)
        attempt, phase = _present(rollout)
        before = PhaseState(phase.state) if phase else None
        policy = take_effect(rollout, attempt, phase, wanted, now)
        decision = _write(rollout, row.rollout, attempt, phase, before, policy, wanted, now)
        transaction.on_commit(
            lambda: signals.decision_made.send(Decision, decision_id=decision.pk), robust=True
        )
    rollout.state, rollout.revision = row.rollout, rollout.revision + 1
    log.warning(
        "rollout_moved",
        rollout=rollout.pk,
        decision=decision.pk,
        move=wanted.move.value,
        state=decision.state_after,
        rule=wanted.rule or None,
        actor=decision.actor_name,
        reason=decision.reason,
    )
    return decision


def _claim(rollout: Rollout, state: RolloutState, now: datetime, move: Move) -> None:
    values: dict[str, Any] = {"state": state, "revision": rollout.revision + 1}
    if move is Move.START:
        values["started_at"] = now
    if move in BACK | {Move.COMPLETE}:
        values["finished_at"] = now
    if move is Move.RESTART:
        values["finished_at"] = None
    won = Rollout.objects.filter(
        pk=rollout.pk, state=rollout.state, revision=rollout.revision
    ).update(**values)
    if not won:
        raise OvertakenError(
            _("The rollout was moved by somebody else meanwhile; look at it again.")
        )


def _present(rollout: Rollout) -> tuple[Attempt | None, Phase | None]:
    attempt = rollout.attempts.order_by("-number").first()
    if attempt is None:
        return None, None
    begun = attempt.phases.exclude(state=PhaseState.PENDING).order_by("-number").first()
    return attempt, begun


def _write(
    rollout: Rollout,
    state: RolloutState,
    attempt: Attempt | None,
    phase: Phase | None,
    before: PhaseState | None,
    policy: RoutingPolicy | None,
    wanted: Wanted,
    now: datetime,
) -> Decision:
    actor = wanted.actor
    decision: Decision = Decision.objects.create(
        rollout=rollout,
        attempt=attempt,
        phase=phase,
        at=now,
        move=wanted.move,
        reason=wanted.reason,
        rule=wanted.rule,
        actor_id=None if actor is None else actor.pk,
        actor_name=SYSTEM if actor is None else actor.get_username(),
        is_automatic=actor is None,
        state_before=rollout.state,
        state_after=state,
        phase_before=before or "",
        phase_after=phase.state if phase else "",
        policy_version=policy.version if policy else None,
        situation=wanted.situation.as_json() if wanted.situation else None,
        results=[each._asdict() for each in wanted.results],
    )
    record(
        f"rollout_{wanted.move.value}",
        actor=actor,
        target=rollout,
        reason=wanted.reason,
        rule=wanted.rule,
        decision=decision.pk,
        **wanted.extra,
    )
    return decision
