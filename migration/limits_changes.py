"""Changing the limits of a rollout while it runs: proposed, back-tested, approved by another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from config.audit import record
from migration.approvals import PERMISSION
from migration.back_test import over_stored
from migration.choices import Move
from migration.models import BackTest, LimitsVersion, Rollout
from migration.operations import PERMISSIONS, RefusedError, checked
from migration.wanted import Actor, is_allowed


def propose(
    rollout: Rollout, changes: Mapping[str, Any], actor: Actor, reason: str, now: datetime
) -> LimitsVersion:
    """Store a change; it is in force once it is back-tested and somebody else has approved it.

    The monitor makes the back-test, so that nobody waits.  Raises RefusedError without the
    permission, for a limit that is none, where nothing would change, and without a reason.
    """
    _may_propose(actor)
    if not reason.strip():
        raise RefusedError(_("Say why: a change of limits needs a reason."))
    newest = rollout.limit_versions.filter(approved__isnull=False).order_by("-number").first()
    values = {**(newest.values if newest else {}), **changes}
    if checked(values) == rollout.limits():
        raise RefusedError(_("Nothing would change: these limits are in force."))
    number = rollout.limit_versions.aggregate(most=Max("number"))["most"] or 0
    with transaction.atomic():
        version: LimitsVersion = LimitsVersion.objects.create(
            rollout=rollout,
            number=number + 1,
            values=values,
            reason=reason[:500],
            author_id=None if actor is None else actor.pk,
            author_name="" if actor is None else actor.get_username(),
            at=now,
        )
        record("limits_proposed", actor=actor, target=rollout, number=version.number, **changes)
    return version


def _may_propose(actor: Actor) -> None:
    permission = PERMISSIONS[Move.PROMOTE]
    if not is_allowed(actor, permission):
        raise RefusedError(
            _("Only who holds the permission %(name)s may propose limits.") % {"name": permission}
        )


def back_test(version: LimitsVersion, now: datetime) -> BackTest:
    """Store what a change would have done over the looks that are stored, or why nobody knows.

    It may take seconds and holds no lock meanwhile; of two processes the first one stores it.
    """
    try:
        result = over_stored(version.rollout, checked(version.values))
    except (RefusedError, ValueError) as error:  # the configuration, or what a look is, changed
        result = {"problem": str(error)}
    row: BackTest = BackTest.objects.get_or_create(
        version=version, defaults={"at": now, "result": result}
    )[0]
    return row


def back_test_waiting(now: datetime) -> int:
    """Make the back-tests that are missing, the oldest first; return how many.

    What was approved with its draft needs none.
    """
    waiting = LimitsVersion.objects.filter(back_test=None, approved=None).order_by("at", "pk")
    found = list(waiting.select_related("rollout"))
    for version in found:
        back_test(version, now)
    return len(found)


def _why_not_tested(version: LimitsVersion) -> str:
    tested: BackTest | None = getattr(version, "back_test", None)
    if tested is None:
        return _("Its back-test is not there yet. It is made in the background; try again soon.")
    if problem := tested.result.get("problem"):
        return _("It could not be back-tested, propose it again: %(why)s") % {"why": problem}
    return ""


def why_not_approved(version: LimitsVersion, actor: AbstractBaseUser | AnonymousUser) -> str:
    """Return why somebody cannot approve a change now; nothing where they can."""
    if not (isinstance(actor, PermissionsMixin) and actor.has_perm(PERMISSION)):
        return _("Only who holds the permission %(name)s may decide this.") % {"name": PERMISSION}
    if version.author_id is not None and version.author_id == actor.pk:
        return _("You have proposed this yourself; another person must decide it.")
    return _why_not_tested(version)


def approve(version: LimitsVersion, actor: AbstractBaseUser | AnonymousUser, now: datetime) -> None:
    """Put a change in force; raises RefusedError, among others for its author."""
    if refusal := why_not_approved(version, actor):
        raise RefusedError(refusal)
    newest = version.rollout.limit_versions.filter(approved__isnull=False).first()
    if newest is not None and newest.number > version.number:
        raise RefusedError(
            _("Version %(number)d is in force already; propose the change again.")
            % {"number": newest.number}
        )
    try:
        with transaction.atomic():
            version.approve(actor, now)
            record("limits_approved", actor=actor, target=version.rollout, number=version.number)
    except IntegrityError as error:
        raise RefusedError(_("It was approved before.")) from error
