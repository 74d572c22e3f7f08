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
from migration.models import LimitsVersion, Rollout
from migration.operations import RefusedError, checked
from migration.wanted import Actor


def propose(
    rollout: Rollout, changes: Mapping[str, Any], actor: Actor, reason: str, now: datetime
) -> LimitsVersion:
    """Store a change with its back-test; it is in force once somebody else has approved it.

    Raises RefusedError for a limit that is none, and without a reason.
    """
    if not reason.strip():
        raise RefusedError(_("Say why: a change of limits needs a reason."))
    newest = rollout.limit_versions.filter(approved__isnull=False).order_by("-number").first()
    values = {**(newest.values if newest else {}), **changes}
    limits = checked(values)
    # it may take seconds, and must hold no lock meanwhile
    back_test = over_stored(rollout, limits)
    number = rollout.limit_versions.aggregate(most=Max("number"))["most"] or 0
    with transaction.atomic():
        version: LimitsVersion = LimitsVersion.objects.create(
            rollout=rollout,
            number=number + 1,
            values=values,
            back_test=back_test,
            reason=reason[:500],
            author_id=None if actor is None else actor.pk,
            author_name="" if actor is None else actor.get_username(),
            at=now,
        )
        record("limits_proposed", actor=actor, target=rollout, number=version.number, **changes)
    return version


def approve(version: LimitsVersion, actor: AbstractBaseUser | AnonymousUser, now: datetime) -> None:
    """Put a change in force; raises RefusedError for its author and without the permission."""
    if not (isinstance(actor, PermissionsMixin) and actor.has_perm(PERMISSION)):
        raise RefusedError(
            _("Only who holds the permission %(name)s may decide this.") % {"name": PERMISSION}
        )
    if version.author_id is not None and version.author_id == actor.pk:
        raise RefusedError(_("You have proposed this yourself; another person must decide it."))
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
