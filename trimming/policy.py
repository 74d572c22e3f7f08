"""The routing policy in force: reading it, publishing the next one, and the lease of the guard.

Only ``publish`` writes policies.  Configuration says which modes are permitted and what the very
first row is; nothing of it publishes later.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from config.audit import SYSTEM, record
from config.languages.told import listed
from config.layers import ConfigurationError
from trimming.conf import routing_settings
from trimming.fence import fence
from trimming.models import GuardLease, RoutingPolicy
from trimming.routing import Policy
from trimming.routing_choices import Mode, Origin
from trimming.signals import policy_published

log = structlog.get_logger("pktmask.routing")

SALT_BYTES = 16


class PolicyRefusedError(Exception):
    """The policy must not be published; the text says why and what is possible."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to be in force.  Shares are from 0 to 1.

    ``salt``: None keeps the draw that decides which captures are in the share.  ``lift``: a
    rollback that stands is over; scanning may be given by hand after that, with another wish.
    ``legacy_retired``: legacy serves nobody any more, also not what scanning fails on; each wish
    says it anew.
    """

    mode: Mode
    treatment_share: float = 0.0
    shadow_share: float = 0.0
    guarded: bool = False
    salt: str | None = None
    lift: bool = False
    legacy_retired: bool = False


def newest_policy() -> RoutingPolicy:
    """Return the policy in force; the first one is made when there is none."""
    found = RoutingPolicy.objects.order_by("-version").first()
    return found or _first_policy()


def epoch_in_force() -> int | None:
    """Return the epoch in force; None before the first policy."""
    newest = RoutingPolicy.objects.order_by("-version")
    return newest.values_list("fence_epoch", flat=True).first()


def is_legacy_retired() -> bool:
    """Tell whether there is nobody to serve what scanning fails on.

    Under the fence the answer holds until the end of the transaction.
    """
    newest = RoutingPolicy.objects.order_by("-version")
    return bool(newest.values_list("legacy_retired", flat=True).first())


def _first_policy() -> RoutingPolicy:
    first, _made = RoutingPolicy.objects.get_or_create(
        version=1,
        defaults={
            "fence_epoch": 1,
            "mode": _first_mode(),
            "salt": new_salt(),
            "origin": Origin.FIRST,
            "actor_name": SYSTEM,
            "reason": gettext_noop("the first policy, by the settings"),
            "at": timezone.now(),
        },
    )
    return first


def _first_mode() -> str:
    try:
        return routing_settings().first_mode
    except ConfigurationError:  # a rollback must be possible all the same
        return Mode.LEGACY


def new_salt() -> str:
    """Return a salt: with another one, other captures are in a share."""
    return secrets.token_hex(SALT_BYTES)


def publish(
    wish: Wish,
    *,
    origin: Origin,
    reason: str,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> RoutingPolicy:
    """Put a policy in force.

    A rollback raises the epoch: what was decided before it is not published any more; and it brings
    legacy back.  Raises PolicyRefusedError for a mode that is not permitted, for treatment by an
    operator's word while a rollback stands, and for legacy that is retired by anybody but a rollout
    or in another mode than scanning; nothing is changed then.
    """
    with fence(exclusive=True):
        return publish_under_fence(wish, origin=origin, reason=reason, request=request, actor=actor)


def publish_under_fence(
    wish: Wish,
    *,
    origin: Origin,
    reason: str,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> RoutingPolicy:
    """Put a policy in force together with what else the caller writes; see ``publish``.

    The caller holds the fence exclusively, and its transaction is the one that counts.
    """
    before = newest_policy()
    _check(wish, origin, before)
    policy = _write(wish, origin, reason, before, request, actor)
    log.warning("policy_published", version=policy.version, mode=policy.mode, origin=origin.value)
    return policy


def permitted_modes() -> tuple[Mode, ...]:
    """Return the modes that the settings permit; everything may always go to legacy."""
    settings = routing_settings()
    asked = {
        Mode.LEGACY: True,
        Mode.SCANNING: settings.permit_scanning,
        Mode.AUTO: settings.permit_auto,
        Mode.AB_TEST: settings.permit_ab_test,
        Mode.COMPARISON: settings.permit_comparison,
    }
    return tuple(mode for mode, may in asked.items() if may)


def emergency_rollback(
    *,
    reason: str,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> RoutingPolicy:
    """Send everything to legacy, now: with or without a rollout, whatever is in force."""
    return publish(
        Wish(Mode.LEGACY), origin=Origin.ROLLBACK, reason=reason, request=request, actor=actor
    )


def _check(wish: Wish, origin: Origin, before: RoutingPolicy) -> None:
    if origin is Origin.ROLLBACK:
        return
    permitted = permitted_modes()
    if wish.mode not in permitted:
        raise PolicyRefusedError(
            _("The mode %(mode)s is not permitted; the settings permit: %(permitted)s.")
            % {"mode": wish.mode.value, "permitted": listed(mode.value for mode in permitted)}
        )
    if not (0 <= wish.treatment_share <= 1 and 0 <= wish.shadow_share <= 1):
        raise PolicyRefusedError(_("A share is a number from 0 to 1."))
    if wish.legacy_retired:
        _check_retirement(wish, origin)
    gives_treatment = wish.mode in (Mode.SCANNING, Mode.AUTO, Mode.AB_TEST)
    if before.stands_back and origin is Origin.OPERATOR and gives_treatment:
        raise PolicyRefusedError(
            _(
                "A rollback stands, so scanning is not given by hand. Publish the mode legacy or "
                "comparison and lift the rollback with it, or start a rollout."
            )
        )


def _check_retirement(wish: Wish, origin: Origin) -> None:
    if origin is not Origin.ROLLOUT:
        raise PolicyRefusedError(
            _("Only a rollout retires legacy, at its end; publish the policy without that.")
        )
    if wish.mode is not Mode.SCANNING:
        raise PolicyRefusedError(
            _("Legacy can be retired in the mode scanning only; the mode %(mode)s needs it.")
            % {"mode": wish.mode.value}
        )


def _write(
    wish: Wish,
    origin: Origin,
    reason: str,
    before: RoutingPolicy,
    request: HttpRequest | None,
    actor: AbstractBaseUser | AnonymousUser | None,
) -> RoutingPolicy:
    if request is not None and actor is None:
        actor = request.user
    is_share = wish.mode is Mode.AB_TEST
    policy = RoutingPolicy.objects.create(
        version=before.version + 1,
        fence_epoch=before.fence_epoch + (origin is Origin.ROLLBACK),
        mode=wish.mode,
        treatment_share=wish.treatment_share if is_share else 0.0,
        shadow_share=0.0 if origin is Origin.ROLLBACK else wish.shadow_share,
        salt=before.salt if wish.salt is None else wish.salt,
        guarded=wish.guarded,
        stands_back=origin is Origin.ROLLBACK
        or (origin is Origin.OPERATOR and before.stands_back and not wish.lift),
        legacy_retired=wish.legacy_retired and origin is not Origin.ROLLBACK,
        origin=origin,
        actor_id=None if actor is None else actor.pk,
        actor_name=SYSTEM if actor is None else actor.get_username(),
        reason=reason,
        at=timezone.now(),
    )
    record(
        "emergency_rollback" if origin is Origin.ROLLBACK else "policy_published",
        request=request,
        actor=actor,
        target=policy,
        **_facts(policy),
    )
    # robust: whoever listens must not make a policy that is in force look as if it were not
    transaction.on_commit(
        lambda: policy_published.send(RoutingPolicy, version=policy.version), robust=True
    )
    return policy


def _facts(policy: RoutingPolicy) -> dict[str, Any]:
    return {
        "mode": str(policy.mode),
        "treatment_share": policy.treatment_share,
        "shadow_share": policy.shadow_share,
        "epoch": policy.fence_epoch,
        "legacy_retired": policy.legacy_retired,
        "reason": policy.reason,
    }


# --- the guard ------------------------------------------------------------------------------------


def renew_guard(seconds: float) -> None:
    """Say that somebody watches, for so long from now by the database's clock."""
    until = Now() + timedelta(seconds=seconds)
    if not GuardLease.objects.filter(pk=1).update(expires_at=until):
        GuardLease.objects.get_or_create(pk=1, defaults={"expires_at": until})


def is_watched() -> bool:
    """Tell whether somebody watches, by the database's clock."""
    return GuardLease.objects.filter(expires_at__gt=Now()).exists()


def policy_in_force() -> Policy:
    """Return the policy in force as plain values."""
    return newest_policy().as_policy()
