"""Scripts: they have a token and no cookie."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.utils import timezone

from pktmask_site.api.choices import Scope
from pktmask_site.api.models import ApiToken
from pktmask_site.api.tokens import issue
from tests.upload_forms import CONTENT_TYPE, form_body

V1 = "/api/v1/"
ALL = tuple(Scope)


def issued_to(user: User, scopes: Iterable[Scope] = ALL, days: float = 1) -> str:
    """Return a new token of ``user``."""
    return issue(user, "a script", scopes, timedelta(days=days), timezone.now())


def row_of(text: str) -> ApiToken:
    """Return the row of a token."""
    return ApiToken.objects.get(prefix=text[:14])


def bearer(text: str) -> dict[str, str]:
    """Return the header that a token is sent in."""
    return {"Authorization": f"Bearer {text}"}


def get(text: str, path: str = "token", **query: Any) -> HttpResponse:
    """Ask for an address of the API."""
    return Client().get(V1 + path, query, headers=bearer(text))  # type: ignore[return-value]


def fetch(text: str, path: str) -> tuple[Any, bytes]:
    """Ask as a server does, and read an answer that comes as a stream."""
    return async_to_sync(_fetch)(text, path)


async def _fetch(text: str, path: str) -> tuple[Any, bytes]:
    answer: Any = await AsyncClient().get(V1 + path, headers=bearer(text))
    if not answer.streaming:
        return answer, answer.content
    whole = io.BytesIO()
    async for piece in answer.streaming_content:
        whole.write(piece)
    answer.close()
    return answer, whole.getvalue()


def upload(text: str, files: list[tuple[str, bytes]], **fields: object) -> HttpResponse:
    """Upload files."""
    body = form_body(files, {"profile": "standard", **fields})
    answer = Client().post(V1 + "captures", body, content_type=CONTENT_TYPE, headers=bearer(text))
    answer.close()
    return answer  # type: ignore[return-value]  # the test client's subclass


def said(answer: Any) -> str:
    """Return the sentence of a refusal, after a look at its form."""
    assert answer["Content-Type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code
    assert found["title"]
    sentence: str = found["detail"]
    return sentence
