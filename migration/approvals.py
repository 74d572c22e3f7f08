"""Requests to let the next phase begin: asking, withdrawing, approving, rejecting.

Who may is asked here, because every way to approve must ask it.  Each change is a conditional
update: of two people who click at once, one decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import transaction
from django.utils.translation import gettext as _

from config.audit import record
from migration import signals
from migration.choices import ApprovalState
from migration.conf import RolloutLimits
from migration.decision import Situation, expiry
from migration.gates.results import Result
from migration.gates.table import holding, judge
from migration.models import Approval, Step

PERMISSION = "migration.approve_phase"


class ApprovalRefusedError(Exception):
    """The request cannot be decided so; the text says why and what to do."""


def ask(
    step: Step,
    actor: AbstractBaseUser | AnonymousUser | None,
    limits: RolloutLimits,
    situation: Situation | None,
    results: Sequence[Result],
    now: datetime,
) -> Approval:
    """Store a request with what it was asked with.  Within the transaction of the move."""
    approval = Approval.objects.create(
        step=step,
        requested_at=now,
        requested_by_id=None if actor is None else actor.pk,
        expires_at=expiry(limits, now),
        situation=situation.as_json() if situation else {},
        results=[each._asdict() for each in results],
    )
    _tell(approval)
    return approval


def withdraw(step: Step, reason: str, *, is_expired: bool, now: datetime) -> None:
    """End the open requests of a step.  Within the transaction of the move."""
    state = ApprovalState.EXPIRED if is_expired else ApprovalState.WITHDRAWN
    open_states = (ApprovalState.WAITING, ApprovalState.APPROVED)
    for approval in Approval.objects.filter(step=step, state__in=open_states):
        Approval.objects.filter(pk=approval.pk, state=approval.state).update(
            state=state, decided_at=now, reason=reason[:500]
        )
        _tell(approval)


def approve(
    approval: Approval, situation: Situation, actor: AbstractBaseUser | AnonymousUser, reason: str
) -> None:
    """Approve a request, with the situation as it is now; the rollout goes on at its next look.

    Raises ApprovalRefusedError; nothing is changed then.
    """
    now = situation.evidence.now
    _may_decide(approval, actor)
    if not reason.strip():
        raise ApprovalRefusedError(_("Say why: an approval needs a reason."))
    if now >= approval.expires_at:
        raise ApprovalRefusedError(_("The request has expired; ask again with promote."))
    against = holding(judge(situation.evidence, situation.limits))
    if against:
        raise ApprovalRefusedError(
            _("The evidence has turned since the request: %(why)s") % {"why": against[0].message}
        )
    _decide(approval, ApprovalState.APPROVED, actor, reason, now)


def reject(
    approval: Approval, actor: AbstractBaseUser | AnonymousUser, reason: str, now: datetime
) -> None:
    """Reject a request: the rollout holds until somebody asks again."""
    _may_decide(approval, actor)
    if not reason.strip():
        raise ApprovalRefusedError(_("Say why: a rejection needs a reason."))
    _decide(approval, ApprovalState.REJECTED, actor, reason, now)


def why_not(approval: Approval, actor: AbstractBaseUser | AnonymousUser) -> str:
    """Return why ``actor`` may not decide a request; nothing where they may."""
    may = isinstance(actor, PermissionsMixin) and actor.has_perm(PERMISSION)
    if not may:
        return _("Only who holds the permission %(name)s may decide this.") % {"name": PERMISSION}
    if approval.requested_by_id is not None and approval.requested_by_id == actor.pk:
        return _("You have asked for this yourself; another person must decide it.")
    return ""


def _may_decide(approval: Approval, actor: AbstractBaseUser | AnonymousUser) -> None:
    if refusal := why_not(approval, actor):
        raise ApprovalRefusedError(refusal)


def _decide(
    approval: Approval,
    state: ApprovalState,
    actor: AbstractBaseUser | AnonymousUser,
    reason: str,
    now: datetime,
) -> None:
    with transaction.atomic():
        decided = Approval.objects.filter(pk=approval.pk, state=ApprovalState.WAITING).update(
            state=state, decided_at=now, decided_by_id=actor.pk, reason=reason[:500]
        )
        if not decided:
            approval.refresh_from_db()
            raise ApprovalRefusedError(
                _("It was decided before: %(state)s.") % {"state": approval.get_state_display()}
            )
        record(f"approval_{state.value}", actor=actor, target=approval, reason=reason)
        _tell(approval)
    approval.refresh_from_db()


def _tell(approval: Approval) -> None:
    transaction.on_commit(
        lambda: signals.approval_changed.send(Approval, approval_id=approval.pk), robust=True
    )
