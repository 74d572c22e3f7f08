"""Who has given the right password, and not yet a code: nobody is signed in meanwhile."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

KEY: Final = "pending_sign_in"
# to find the telephone and type six digits
SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Pending:
    """``next`` is the page to lead to; it was found to be one of ours."""

    user: User
    backend: str
    next: str


def begin(request: HttpRequest, user: User, next_page: str) -> None:
    """Note it in the session, under a new key."""
    request.session.cycle_key()
    request.session[KEY] = {
        "user": user.pk,
        "backend": getattr(user, "backend", ""),
        "hash": user.get_session_auth_hash(),
        "next": next_page,
        "at": int(time.time()),
    }


def pending_of(request: HttpRequest) -> Pending | None:
    """Return who it is; None when nobody is, the time is over, or the password was changed."""
    noted = request.session.get(KEY)
    if noted is None or not 0 <= time.time() - noted["at"] < SECONDS:
        return None
    user = User.objects.filter(pk=noted["user"], is_active=True).first()
    if user is None or not constant_time_compare(noted["hash"], user.get_session_auth_hash()):
        return None
    return Pending(user, noted["backend"], noted["next"])


def end(request: HttpRequest) -> None:
    """Forget it."""
    request.session.pop(KEY, None)
