"""Middleware: ids for the logs."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from config.audit import answering

Handler = Callable[[HttpRequest], HttpResponse]
# an id that a proxy gave is kept when it is harmless to log
GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_context(get_response: Handler) -> Handler:
    """Give each request an id, in its logs, its audit events and the header X-Request-ID."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        request_id = given if GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        request.request_id = request_id  # type: ignore[attr-defined]  # read by config.audit
        with structlog.contextvars.bound_contextvars(request_id=request_id), answering(request):
            response = get_response(request)
        response["X-Request-ID"] = request_id
        return response

    return middleware


def bind_user(get_response: Handler) -> Handler:
    """Add who asks to the logs, by number."""

    def middleware(request: HttpRequest) -> HttpResponse:
        user_id = request.user.pk if request.user.is_authenticated else None
        with structlog.contextvars.bound_contextvars(user_id=user_id):
            return get_response(request)

    return middleware
