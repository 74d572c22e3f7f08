"""Sessions that end: some time after the last request, and some time after signing in.

Whoever asks for a session gets none that is over: pages, the guard of uploads, the live feed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

from pktmask_site.second_factor.devices import is_at_work
from pktmask_site.sign_in.conf import sign_in_settings

BEGAN: Final = "began_at"
SEEN: Final = "seen_at"
AT_WORK: Final = "is_at_work"
# that somebody is there is noted no more often than that
NOTED_EVERY_SECONDS: Final = 60
# as Django makes them
KEY: Final = re.compile(r"[a-z0-9]{32}")
Handler = Callable[[HttpRequest], HttpResponse]


class SessionStore(db.SessionStore):
    """Sessions in the database, with both ends."""

    def get_session_cookie_age(self) -> int:
        """Return after how many seconds without a request it is over."""
        return 60 * sign_in_settings().idle_minutes

    def _validate_session_key(self, key: str | None) -> bool:
        """Tell whether it can be one; what a client made up is not asked of the database."""
        return key is not None and KEY.fullmatch(key) is not None

    def load(self) -> dict[str, Any]:
        """Return what it holds; nothing when it is over."""
        return self._unless_over(super().load())

    async def aload(self) -> dict[str, Any]:
        """Do the same without waiting in the event loop."""
        return self._unless_over(await super().aload())

    def _unless_over(self, data: dict[str, Any]) -> dict[str, Any]:
        limits = sign_in_settings()
        now = time.time()
        is_late = now - data.get(BEGAN, now) >= 3600 * limits.longest_hours
        lacks = limits.second_factor == "required" and data.get(AT_WORK, True)
        if SESSION_KEY in data and (is_late or (lacks and DEVICE_ID_SESSION_KEY not in data)):
            self._session_key = None
            return {}
        return data


def note(session: MutableMapping[str, Any]) -> None:
    """Note that somebody is there, which puts the end off."""
    now = int(time.time())
    if now - session.get(SEEN, 0) >= NOTED_EVERY_SECONDS:
        session[SEEN] = now
        session.setdefault(BEGAN, now)


@receiver(user_logged_in)
def begin(request: HttpRequest, user: User, **_: Any) -> None:
    """Note when a sign-in begins, and whether it is of somebody who may change something."""
    request.session[BEGAN] = request.session[SEEN] = int(time.time())
    request.session[AT_WORK] = is_at_work(user)


def end_others(person: User, kept_key: str | None) -> None:
    """End the sign-ins of a person, but for one."""
    for session in Session.objects.filter(expire_date__gte=timezone.now()):
        is_theirs = session.get_decoded().get(SESSION_KEY) == str(person.pk)
        if is_theirs and session.session_key != kept_key:
            session.delete()


def note_activity(get_response: Handler) -> Handler:
    """Put the end of a sign-in off with each request."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            note(request.session)
        return get_response(request)

    return middleware
