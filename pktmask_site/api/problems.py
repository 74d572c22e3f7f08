"""Refusals as RFC 9457 describes them: ``application/problem+json`` with a sentence for people."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

CONTENT_TYPE: Final = "application/problem+json"
# where its addresses begin
PATHS: Final = "/api/"


class Refused(Exception):  # noqa: N818 - a refusal, not a fault
    """A request that is not answered as it was meant.

    ``sentence`` says what to do; ``more`` are members of the answer beside those of the RFC.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        *,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}
        self.more = more


def is_for_scripts(request: HttpRequest) -> bool:
    """Tell whether a request is for the API, where only tokens count."""
    return request.path_info.startswith(PATHS)


def body_of(status: int, sentence: str, **more: Any) -> dict[str, Any]:
    """Return the members of a problem."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        **more,
    }


def problem(refused: Refused) -> HttpResponse:
    """Return the answer."""
    answer = HttpResponse(
        json.dumps(body_of(refused.status, refused.sentence, **refused.more)),
        status=refused.status,
        content_type=CONTENT_TYPE,
    )
    for name, value in refused.headers.items():
        answer[name] = value
    answer["Cache-Control"] = "no-store"
    return answer
