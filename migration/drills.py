"""Rehearsing a rollback: all of it happens, and in the same transaction the policy is put back.

The epoch is raised, so what scanning had in hand is discarded and served by legacy, as in earnest;
nobody's job fails.  What is measured is the time from asking for the fence to the commit.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.contrib.auth.models import PermissionsMixin
from django.utils.translation import gettext as _

from config.audit import SYSTEM, record
from config.languages.told import in_record
from migration.choices import Move, PhaseName, RolloutState
from migration.effects import wish_of
from migration.models import RollbackDrill, Rollout, Step, StepPolicy
from migration.operations import PERMISSIONS
from migration.texts import window_of
from migration.wanted import Actor
from trimming.fence import fence
from trimming.models import RoutingPolicy
from trimming.policy import Wish, publish_under_fence
from trimming.routing_choices import Mode, Origin

# a rollback must be committed within this time
LIMIT_MS = 2000.0


class DrillRefusedError(Exception):
    """There is nothing to rehearse now; the text says why."""


def hold_drill(rollout: Rollout, actor: Actor, reason: str, now: datetime) -> RollbackDrill:
    """Rehearse the rollback of a running rollout; raises DrillRefusedError."""
    _may(actor, reason)
    if rollout.state != RolloutState.RUNNING:
        raise DrillRefusedError(_("A rollback is rehearsed while a rollout runs."))
    attempt = rollout.attempt
    step = attempt.phase.step
    began = time.monotonic()
    with fence(exclusive=True):
        newest = RoutingPolicy.objects.order_by("-version")[:1].get()
        if newest.version != step.policy_version:
            raise DrillRefusedError(_("Another policy is in force than that of the rollout."))
        back = publish_under_fence(
            Wish(Mode.LEGACY), origin=Origin.ROLLBACK, reason=_drill(reason), actor=actor
        )
        limits = rollout.limits()
        again = publish_under_fence(
            wish_of(limits, PhaseName(step.phase.name), step.share, attempt.salt),
            origin=Origin.ROLLOUT,
            reason=_drill(reason),
            actor=actor,
        )
        StepPolicy.objects.create(policy_version=back.version, step=step, is_drill=True)
        StepPolicy.objects.create(policy_version=again.version, step=step)
        Step.objects.filter(pk=step.pk).update(policy_version=again.version)
    took_ms = (time.monotonic() - began) * 1000
    return _note(rollout, actor, newest, back, took_ms, now)


def _may(actor: Actor, reason: str) -> None:
    permission = PERMISSIONS[Move.START]
    if actor is not None and not (
        isinstance(actor, PermissionsMixin) and actor.has_perm(permission)
    ):
        raise DrillRefusedError(
            _("Only who holds the permission %(name)s may do this.") % {"name": permission}
        )
    if not reason.strip():
        raise DrillRefusedError(_("Say why: a drill needs a reason."))


def _note(
    rollout: Rollout,
    actor: Actor,
    before: RoutingPolicy,
    back: RoutingPolicy,
    took_ms: float,
    now: datetime,
) -> RollbackDrill:
    is_raised = back.fence_epoch == before.fence_epoch + 1 and back.mode == Mode.LEGACY
    passed = is_raised and took_ms <= LIMIT_MS
    words = {"version": back.version, "epoch": back.fence_epoch, "ms": took_ms, "limit": LIMIT_MS}
    with in_record():
        said = _(
            "Policy %(version)d sent everything to legacy under epoch %(epoch)d; it took "
            "%(ms).1f ms, at most %(limit).0f ms are allowed."
        )
    drill: RollbackDrill = RollbackDrill.objects.create(
        at=now,
        attempt=rollout.attempt,
        took_ms=took_ms,
        passed=passed,
        sentence=said % words,
        actor_name=SYSTEM if actor is None else actor.get_username(),
    )
    record("rollback_drill", actor=actor, target=drill, took_ms=round(took_ms, 1), passed=passed)
    return drill


def _drill(reason: str) -> str:
    with in_record():
        return (_("Rollback drill: %(reason)s") % {"reason": reason})[:500]


def drill_if_due(now: datetime) -> RollbackDrill | None:
    """Hold a drill in phase 5, when the newest one that passed is half as old as it may be."""
    from migration.evaluator import active_rollout

    rollout = active_rollout()
    if rollout is None or rollout.state != RolloutState.RUNNING:
        return None
    attempt, limits = rollout.attempt, rollout.limits()
    if attempt.phase.name != PhaseName.CLEANUP or window_of(limits).opens(now) != now:
        return None
    newest = RollbackDrill.objects.filter(attempt=attempt, passed=True).first()
    if newest is not None and now - newest.at < timedelta(days=limits.drill_days / 2):
        return None
    return hold_drill(rollout, None, _("by schedule"), now)
