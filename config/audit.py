"""Writing the audit log."""

from __future__ import annotations

from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from config.models import AuditEvent

SYSTEM = "system"
log = structlog.get_logger("pktmask.audit")


def record(
    action: str,
    *,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
    target: Model | None = None,
    **details: Any,
) -> AuditEvent:
    """Write one event, in the transaction of the caller.

    Give ``request`` where there is one: it tells who, from where, and the request id.  ``details``
    are plain JSON values; never payload, never secrets.
    """
    if request is not None and actor is None:
        actor = getattr(request, "user", None)
    known = actor if actor is not None and actor.pk is not None else None
    event = AuditEvent.objects.create(
        at=timezone.now(),
        actor_id=known.pk if known else None,
        actor_name=known.get_username() if known else SYSTEM if request is None else "anonymous",
        address=address_of(request),
        action=action,
        target_kind=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        request_id=getattr(request, "request_id", "") if request is not None else "",
        details=details,
    )
    log.info(action, target=event.target_id, actor=event.actor_name, **details)
    return event


def address_of(request: HttpRequest | None) -> str | None:
    """Return the address of the peer; behind a proxy the server has put the client's there."""
    if request is None:
        return None
    address: str | None = request.META.get("REMOTE_ADDR") or None
    return address
