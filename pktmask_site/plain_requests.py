"""Refuses what no page of ours sends, before any view reads it.

NUL is no character of a text: PostgreSQL refuses it with an error, SQLite keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _

from pktmask_site.api.problems import Refused, is_for_scripts, problem

MAX_QUERY_BYTES: Final = 8192
NUL: Final = "\x00"
Handler = Callable[[HttpRequest], HttpResponse]


class PlainRequests:
    """Looks at a request after its sender and its token were looked at: reading a form is work."""

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass it on."""
        return self._get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Answer with what is wrong, or let the view answer."""
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_BYTES:
            said = _("The address is longer than %(limit)d bytes. Nothing was changed.")
            return _refused(
                request, HTTPStatus.REQUEST_URI_TOO_LONG, said % {"limit": MAX_QUERY_BYTES}
            )
        if NUL in request.path or any(NUL in text for text in _texts(request)):
            said = _("There is a character in it that is in no text (NUL). Nothing was changed.")
            return _refused(request, HTTPStatus.BAD_REQUEST, said)
        return None


def _texts(request: HttpRequest) -> Iterable[str]:
    yield from _of(request.GET)
    # forms of scripts are read by their view, which knows how to answer
    if request.method == "POST" and not is_for_scripts(request):
        yield from _of(request.POST)


def has_nul(given: QueryDict) -> bool:
    """Tell whether a form holds what is in no text."""
    return any(NUL in text for text in _of(given))


def _of(given: QueryDict) -> Iterable[str]:
    for name, values in given.lists():
        yield name
        yield from map(str, values)


def _refused(request: HttpRequest, status: int, said: str) -> HttpResponse:
    if is_for_scripts(request):
        return problem(Refused(status, said))
    return render(request, "400.html", {"reason": said}, status=status)
