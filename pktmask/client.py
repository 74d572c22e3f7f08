"""Asking the API of an installation, with the standard library alone."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

from pktmask.ended import LATER, NOT_LET_IN, USAGE, Ended, code_of
from pktmask.form import Form

API: Final = "/api/v1/"
TIMEOUT_SECONDS: Final = 60.0
NEAR: Final = frozenset({"localhost", "127.0.0.1", "::1"})
# no answer of the API but a capture is larger
MAX_ANSWER_BYTES: Final = 64 << 20


class Client:
    """Asks one installation; every failure is an Ended with a sentence."""

    def __init__(self, url: str, token: str = "", *, allows_http: bool = False) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Ended(USAGE, "Set PKTMASK_URL to the address of the console, as in https://host.")
        if parts.scheme == "http" and parts.hostname not in NEAR and token and not allows_http:
            raise Ended(
                USAGE,
                "PKTMASK_URL begins with http: the token would go over the network for all to "
                "read. Use https, or set PKTMASK_ALLOW_HTTP=1 where nobody listens.",
            )
        self._root = url.rstrip("/")
        self._token = token
        self._opener = urllib.request.build_opener(_Http, _Https, _OnlyGets)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Return an answer of the API as plain values."""
        asked = f"?{urllib.parse.urlencode(query)}" if query else ""
        return self._json(self._request(f"{API}{path}{asked}"))

    def public(self, path: str) -> str:
        """Return what the installation tells everybody, as text."""
        with self._open(urllib.request.Request(self._root + path)) as answer:
            return self._read(answer).decode("utf-8", "replace")

    def upload(self, form: Form) -> Any:
        """Send a form of captures; return what came of it as plain values."""
        request = self._request(f"{API}captures")
        request.data = form
        request.add_header("Content-Type", form.content_type)
        request.add_header("Content-Length", str(form.length))
        return self._json(request)

    def open(self, path: str) -> http.client.HTTPResponse:
        """Return an answer that is a stream; close it."""
        return self._open(self._request(f"{API}{path}"))

    def _request(self, path: str) -> urllib.request.Request:
        if not self._token:
            raise Ended(
                NOT_LET_IN,
                "Put a token into the variable PKTMASK_TOKEN. "
                "Make one on the page API tokens of the console.",
            )
        request = urllib.request.Request(self._root + path)
        # not sent on to where a redirection leads, which may be another host
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        request.add_header("Accept", "application/json")
        return request

    def _json(self, request: urllib.request.Request) -> Any:
        with self._open(request) as answer:
            try:
                return json.loads(self._read(answer))
            except ValueError:
                raise Ended(USAGE, f"{self._root} does not answer as PktMask does.") from None

    def _read(self, answer: http.client.HTTPResponse) -> bytes:
        try:
            found = answer.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from None
        if answer.length and len(found) <= MAX_ANSWER_BYTES:
            raise Ended(LATER, f"The answer of {self._root} was cut off. Try again.")
        if len(found) > MAX_ANSWER_BYTES:
            raise Ended(USAGE, f"{self._root} answers with far more than PktMask does.")
        return found

    def _open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        try:
            answer = self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from None
        found: http.client.HTTPResponse = answer
        return found

    def _away(self, error: BaseException) -> Ended:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return Ended(LATER, f"{self._root} cannot be reached: {why}. Try again later.")


def _refused(error: urllib.error.HTTPError) -> Ended:
    """Return the end that a refusal means, in the words of the installation."""
    try:
        told = json.loads(error.read(MAX_ANSWER_BYTES))
        sentence = str(told["detail"])
        files = [f"{each['name']}: {each['reason']}" for each in told.get("refused", ())]
    except (ValueError, KeyError, TypeError, AttributeError, OSError, http.client.HTTPException):
        sentence, files = f"The answer is {error.code} {error.reason}.", []
    after = error.headers.get("Retry-After", "")
    return Ended(
        code_of(error.code),
        "\n".join(files or [sentence]),
        after_seconds=int(after) if after.isdigit() else None,
    )


class _Answered:
    """A connection on which an answer is read also when the body was not taken to its end.

    Who refuses an upload says so at once, and then closes.
    """

    def request(self, *arguments: Any, **named: Any) -> None:
        """Send."""
        try:
            super().request(*arguments, **named)  # type: ignore[misc]  # of the other base
        except (BrokenPipeError, ConnectionResetError):
            return


class _HttpConnection(_Answered, http.client.HTTPConnection):
    """One without TLS."""


class _HttpsConnection(_Answered, http.client.HTTPSConnection):
    """One with TLS."""


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_HttpConnection, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_HttpsConnection, req)


class _OnlyGets(urllib.request.HTTPRedirectHandler):
    """What is sent is not sent again elsewhere."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        if req.get_method() != "GET":
            raise Ended(
                USAGE,
                f"The installation is elsewhere now. Set PKTMASK_URL to where {newurl} is.",
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)
