"""Who is let in: by a token alone, never by the cookie of somebody who is signed in."""

from __future__ import annotations

import time
from typing import Any, Final

import structlog
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from config.audit import address_of, record
from config.faults import type_and_place
from pktmask_site.api.choices import PERMISSIONS, Scope
from pktmask_site.api.conf import api_settings
from pktmask_site.api.models import ApiToken
from pktmask_site.api.problems import Refused
from pktmask_site.api.token_text import bearer_of
from pktmask_site.api.tokens import found, note_use
from pktmask_site.second_factor.devices import has_one, needs_one
from pktmask_site.sign_in.throttle import Limit, key_of, network_of, take

log = structlog.get_logger("pktmask.api")
MINUTE: Final = 60
CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="PktMask"'}


class Token(HttpBearer):
    """Asks for a token with a scope; None asks for any token."""

    def __init__(self, scope: Scope | None) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Any:
        """Return the token; raises Refused."""
        return admit(request, self.scope)

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Never called: the header is read by ``admit``, which the guard of uploads uses too."""
        raise NotImplementedError


def admit(request: HttpRequest, scope: Scope | None, *, counts: bool = True) -> ApiToken:
    """Return the token of a request, whose user is from now on the token's; raises Refused.

    ``counts`` is False for a look before the request is read, which comes again after it.
    """
    token = _token_of(request)
    _throttle(token, counts=counts)
    if scope is not None:
        _check(token, scope)
    if counts:
        note_use(token, timezone.now())
    request.user = token.user
    request.credential = token.prefix  # type: ignore[attr-defined]  # read by config.audit
    structlog.contextvars.bind_contextvars(user_id=token.user_id)
    return token


def admit_upload(request: HttpRequest) -> None:
    """Look at the token of an upload before its body is read; raises Refused."""
    admit(request, Scope.UPLOAD, counts=False)


def _token_of(request: HttpRequest) -> ApiToken:
    text = bearer_of(request.headers.get("Authorization", ""))
    if not text:
        raise Refused(
            401,
            _(
                "Send a token in the header Authorization, as in `Bearer pktmask_…`. "
                "Make one on the page API tokens."
            ),
            headers=CHALLENGE,
        )
    now = timezone.now()
    token = found(text, now)
    if token is not None:
        return token
    _take_wrong_one(request)
    raise Refused(
        401,
        _(
            "This token is not valid: it is not known, was revoked, or has expired. "
            "Make another one on the page API tokens."
        ),
        headers=CHALLENGE,
    )


def _take_wrong_one(request: HttpRequest) -> None:
    """Count a token that is not valid against its address; raises Refused when there were many."""
    limits, now = api_settings(), timezone.now()
    there = key_of("api", network_of(address_of(request)))
    limit = Limit("api", there, limits.address_attempts, limits.address_seconds)
    refused = take((limit,), now)
    if refused is None:
        return
    if refused.news:
        record("api_access_refused", request=request, tries=refused.news)
    raise _too_many(
        refused.wait_seconds, _("Very many tokens that are not valid came from your address.")
    )


def _throttle(token: ApiToken, *, counts: bool) -> None:
    limit, now = api_settings().requests_per_minute, time.time()
    if _asked(f"api-{token.pk}-{int(now // MINUTE)}", counts=counts) <= limit:
        return
    said = _("This token has asked %(limit)d times within a minute, which is as often as it may.")
    raise _too_many(MINUTE - int(now % MINUTE), said % {"limit": limit})


def _asked(key: str, *, counts: bool) -> int:
    """Return how often was asked with this request; only some when the cache does not answer."""
    try:
        cache.add(key, 0, 2 * MINUTE)
        return cache.incr(key, int(counts))
    except Exception as error:  # of whatever kind of cache; or the key went meanwhile
        log.warning("not_throttled", **type_and_place(error))
        return 0


def _check(token: ApiToken, scope: Scope) -> None:
    if not token.may(scope):
        said = _("This token lacks the scope `%(scope)s`. Make another one that has it.")
        raise Refused(403, said % {"scope": scope.value})
    if needs_one(token.user) and not has_one(token.user):
        # or a token of earlier would go on where a sign-in does not
        said = _("Your role needs a second factor. Sign in, switch one on, and try again.")
        raise Refused(403, said)
    if not token.user.has_perm(PERMISSIONS[scope]):
        raise Refused(
            403,
            _("Your role may not do this. Ask an administrator for the role that may."),
        )


def _too_many(seconds: int, sentence: str) -> Refused:
    wait = _("Try again in %(seconds)d s.") % {"seconds": seconds}
    return Refused(429, f"{sentence} {wait}", headers={"Retry-After": str(seconds)})
