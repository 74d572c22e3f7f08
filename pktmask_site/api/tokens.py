"""Making, finding and revoking tokens."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from config.audit import record
from pktmask_site.api.choices import Scope
from pktmask_site.api.models import ApiToken
from pktmask_site.api.token_text import digest_of, is_token, new_token, prefix_of

# that one was used is noted no more often than that
NOTED_EVERY: Final = timedelta(minutes=1)


def issue(
    user: AbstractBaseUser,
    name: str,
    scopes: Iterable[Scope],
    lasts: timedelta,
    now: datetime,
    request: HttpRequest | None = None,
) -> str:
    """Make a token for ``user`` and return it.  It cannot be shown again."""
    text = new_token()
    wanted = set(scopes)
    with transaction.atomic():
        token = ApiToken.objects.create(
            user_id=user.pk,
            name=name,
            prefix=prefix_of(text),
            digest=digest_of(text),
            scopes=[scope.value for scope in Scope if scope in wanted],
            created_at=now,
            expires_at=now + lasts,
        )
        _note("api_access_made", token, request, user)
    return text


def found(text: str, now: datetime) -> ApiToken | None:
    """Return the token that reads so, if it is valid."""
    if not is_token(text):
        return None
    return ApiToken.objects.valid_at(now).filter(digest=digest_of(text)).first()


def note_use(token: ApiToken, now: datetime) -> None:
    """Note that it was used, to the minute: looking seldom writes."""
    if token.last_used_at is not None and now - token.last_used_at < NOTED_EVERY:
        return
    old = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
    ApiToken.objects.filter(old, pk=token.pk).update(last_used_at=now)


def revoke(tokens: QuerySet[ApiToken], now: datetime, request: HttpRequest | None = None) -> int:
    """Let the tokens in no more, from now on; return how many were valid until now."""
    done = 0
    with transaction.atomic():
        for token in tokens.filter(revoked_at=None):
            if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now):
                _note("api_access_revoked", token, request)
                done += 1
    return done


def _note(
    action: str,
    token: ApiToken,
    request: HttpRequest | None,
    actor: AbstractBaseUser | None = None,
) -> None:
    record(
        action,
        request=request,
        actor=actor if request is None else None,
        target=token,
        name=token.name,
        prefix=token.prefix,
        owner=token.user.get_username(),
        scopes=list(token.scopes),
        until=f"{token.expires_at:%Y-%m-%d %H:%M}",
    )
