"""The API as a whole: its parts, what it answers to what goes wrong, and its description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import structlog
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja.errors import HttpError, ValidationError

from config.faults import type_and_place
from pktmask_site.api import shapes
from pktmask_site.api.access import Token
from pktmask_site.api.captures import router as captures
from pktmask_site.api.described import DescribedAPI, refusals
from pktmask_site.api.problems import Refused, problem
from pktmask_site.api.rollouts import router as rollouts

log = structlog.get_logger("pktmask.api")
DESCRIPTION: Final = (
    "Everything needs a token, sent as `Authorization: Bearer pktmask_…`. People make their own on"
    " the page API tokens. A token may do what its scopes name, and of that only what its person"
    " may do. Refusals are `application/problem+json` (RFC 9457); `detail` says what to do."
)
View = Callable[..., HttpResponseBase]

api = DescribedAPI(
    title="PktMask",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url="openapi.json",
    docs_url=None,
)
api.add_router("", captures)
api.add_router("", rollouts)


@api.get(
    "token",
    auth=Token(None),
    operation_id="token",
    summary="See what the token may do",
    tags=["Token"],
    response={200: shapes.WhoAmI, **refusals()},
)
def token(request: Any) -> dict[str, Any]:
    """Tell whose token this is, what it may do, and until when."""
    found = request.auth
    return {
        "user": found.user.get_username(),
        "name": found.name,
        "prefix": found.prefix,
        "scopes": found.scopes,
        "expires_at": found.expires_at,
    }


@api.exception_handler(Refused)
def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    return problem(refused)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    # what was sent is not quoted
    what = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors)
    said = _("The request is not as it should be: %(what)s.") % {"what": what}
    return problem(Refused(422, said))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(Refused(error.status_code, error.message))


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, error: Http404) -> HttpResponse:
    return nothing_here(request)


@api.exception_handler(BadRequest)
@api.exception_handler(SuspiciousOperation)
@api.exception_handler(MultiPartParserError)
def _unreadable(request: HttpRequest, error: Exception) -> HttpResponse:
    said = _("The body of the request cannot be read. Send it as multipart/form-data.")
    return problem(Refused(400, said))


@api.exception_handler(Exception)
def _unforeseen(request: HttpRequest, error: Exception) -> HttpResponse:
    # the text may quote a capture
    log.error("unforeseen", **type_and_place(error))
    said = _(
        "Something went wrong here, and it was logged. Try again; if it stays so, give an "
        "administrator the id of the request (X-Request-ID)."
    )
    return problem(Refused(500, said))


def nothing_here(request: HttpRequest, **_arguments: Any) -> HttpResponse:
    """Answer to addresses that there are not."""
    said = _("There is nothing at this address. The description is at /api/v1/openapi.json.")
    return problem(Refused(404, said))


def outside(view: View) -> View:
    """Return the view as it stands outside of pages: no sign-in and no cookie has a say in it."""

    def answered(request: HttpRequest, *args: Any, **arguments: Any) -> HttpResponseBase:
        answer = view(request, *args, **arguments)
        if answer.status_code != 405:
            return answer
        said = _("This address does not answer to %(method)s; it does to: %(allowed)s.")
        words = {"method": request.method, "allowed": answer["Allow"]}
        return problem(Refused(405, said % words, headers={"Allow": answer["Allow"]}))

    answered.csrf_exempt = True  # type: ignore[attr-defined]  # no cookie lets anybody in
    answered.login_required = False  # type: ignore[attr-defined]  # a token is asked for
    return answered
