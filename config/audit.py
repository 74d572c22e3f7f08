"""Writing the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.utils import timezone

from config.chain import extend_quietly, sealed
from config.models import AuditEvent

SYSTEM = "system"
log = structlog.get_logger("pktmask.audit")
_answered: ContextVar[HttpRequest | None] = ContextVar("answered", default=None)


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """Let the events that are written meanwhile tell from where they were asked for.

    So what acts for a person need not know that there is a request.
    """
    token = _answered.set(request)
    try:
        yield
    finally:
        _answered.reset(token)


def record(
    action: str,
    *,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
    target: Model | None = None,
    **details: Any,
) -> AuditEvent:
    """Write one event, in the transaction of the caller.

    Give ``request`` where there is one: it tells who.  From where, and the id of the request, is
    known of whatever is done to answer one (``answering``).  ``details`` are plain JSON values;
    never payload, never secrets.
    """
    if request is not None and actor is None:
        actor = getattr(request, "user", None)
    where = _answered.get() if request is None else request
    known = actor if actor is not None and actor.pk is not None else None
    if credential := getattr(where, "credential", ""):
        # a script did it, with a token that begins so
        details["credential"] = credential
    values = {
        "at": timezone.now(),
        "actor_id": known.pk if known else None,
        "actor_name": known.get_username() if known else SYSTEM if request is None else "anonymous",
        "address": address_of(where),
        "action": action,
        "target_kind": target._meta.label_lower if target is not None else "",
        "target_id": str(target.pk) if target is not None else "",
        "request_id": getattr(where, "request_id", ""),
        "details": details,
    }
    event: AuditEvent = AuditEvent.objects.create(**sealed(values))
    transaction.on_commit(extend_quietly, robust=True)
    log.info(action, target=event.target_id, actor=event.actor_name, **details)
    return event


def address_of(request: HttpRequest | None) -> str | None:
    """Return the address of the peer; behind a proxy the server has put the client's there."""
    if request is None:
        return None
    address: str | None = request.META.get("REMOTE_ADDR") or None
    return address
