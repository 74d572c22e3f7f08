"""Uploads over HTTP the way a browser makes them: sign in, then the form with its token."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import Any, Final

from trimming.load.captures import make_capture
from trimming.load.schedule import Due

TIMEOUT_SECONDS: Final = 60
# an upload that begins so long after its time is counted as late
LATE_SECONDS: Final = 1.0


class ServiceError(Exception):
    """The service cannot be used; the message says why and what to do."""


@dataclass(slots=True)
class Tally:
    """What came of the uploads."""

    sent: int = 0
    accepted: int = 0
    late: int = 0
    sent_bytes: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def quantile_seconds(self, q: float) -> float | None:
        """Return the time for an upload at rank ``q``; None before the first one."""
        if not self.seconds:
            return None
        return sorted(self.seconds)[int(q * (len(self.seconds) - 1))]

    def as_dict(self) -> dict[str, Any]:
        """Return the figures, as JSON has them."""
        return {
            "sent": self.sent,
            "accepted": self.accepted,
            "refused": dict(self.refused.most_common()),
            "late": self.late,
            "bytes": self.sent_bytes,
            "p50_seconds": self.quantile_seconds(0.5),
            "p95_seconds": self.quantile_seconds(0.95),
        }


class Session:
    """A signed-in user of a service."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._jar = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._jar)
        )
        self._profile = ""

    def sign_in(self, user: str, password: str) -> None:
        """Sign in, and find the profile that is offered first; raises ServiceError."""
        if not self._url.startswith(("http://", "https://")):
            raise ServiceError(f"{self._url} is no address: it begins with http:// or https://.")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self._page("/sign-in/"))
        if token is None:
            raise ServiceError(f"{self._url} is not PktMask: it has no form to sign in.")
        form = {"username": user, "password": password, "csrfmiddlewaretoken": token[1]}
        self._page("/sign-in/", urllib.parse.urlencode(form).encode())
        if "sessionid" not in {cookie.name.removeprefix("__Host-") for cookie in self._jar}:
            raise ServiceError(f"Name or password of {user} is wrong.")
        page = self._page("/captures/")
        offered = re.search(r'<select[^>]*name="profile".*?<option value="(\d+)"', page, re.S)
        if offered is None:
            raise ServiceError(f"{user} may not upload: give the role operator.")
        self._profile = offered[1]

    def upload(self, name: str, data: bytes) -> str:
        """Upload a capture; return "" when it was accepted, else why not."""
        boundary = uuid.uuid4().hex
        field = f'--{boundary}\r\nContent-Disposition: form-data; name="%s"'
        body = b"".join(
            (
                f"{field % 'profile'}\r\n\r\n{self._profile}\r\n".encode(),
                f"{field % 'strategy'}\r\n\r\n\r\n".encode(),
                f'{field % "files"}; filename="{name}"\r\n\r\n'.encode(),
                data,
                f"\r\n--{boundary}--\r\n".encode(),
            )
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Accept": "application/json",
            "X-CSRFToken": next(
                (each.value or "" for each in self._jar if "csrf" in each.name), ""
            ),
        }
        otherwise = "no JSON"
        try:
            text = self._page("/captures/upload/", body, headers)
        except urllib.error.HTTPError as error:
            # what is refused is so with its reason, unless something before the service refuses
            otherwise, text = f"HTTP {error.code}", error.read().decode(errors="replace")
        except ServiceError:
            return "no connection"
        try:
            answer = json.loads(text)
        except ValueError:
            return otherwise
        if not isinstance(answer, dict):
            return otherwise
        refused = answer.get("refused") or []
        if answer.get("accepted"):
            return ""
        if refused:
            return str(refused[0].get("reason", "refused"))
        return "refused" if otherwise == "no JSON" else otherwise

    def _page(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> str:
        asked = urllib.request.Request(
            self._url + path, data=body, headers={"Referer": self._url + path, **(headers or {})}
        )
        try:
            with self._opener.open(asked, timeout=TIMEOUT_SECONDS) as answer:
                return str(answer.read().decode(errors="replace"))
        except urllib.error.HTTPError as error:
            if headers is not None:
                raise
            raise ServiceError(f"{self._url}{path} answers HTTP {error.code}.") from None
        except (OSError, HTTPException) as error:
            raise ServiceError(
                f"{self._url} cannot be reached ({error}): is the service running there?"
            ) from None


def send_all(
    table: Iterable[Due],
    upload: Callable[[str, bytes], str],
    *,
    seed: int,
    connections: int,
    is_stopping: Callable[[], bool],
    tally: Tally | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Tally:
    """Send what is due when it is due, at most ``connections`` at a time; return what came of it.

    An open loop: a slow service makes uploads late, not rare.  Who gives ``tally`` can watch it.
    An error that nobody foresaw ends the sending, and is raised.
    """
    tally = Tally() if tally is None else tally
    lock, begun = threading.Lock(), clock()
    free = threading.Semaphore(connections)
    unforeseen: list[BaseException] = []

    def send(due: Due) -> None:
        data = make_capture(due.size, seed * 1_000_003 + due.number)
        before = clock()
        why = upload(f"load-{seed}-{due.number}.pcap", data)
        with lock:
            tally.sent += 1
            tally.sent_bytes += len(data)
            tally.seconds.append(clock() - before)
            tally.late += before - begun - due.at_seconds > LATE_SECONDS
            if why:
                tally.refused[why] += 1
            else:
                tally.accepted += 1

    def done(sent: Future[None]) -> None:
        if (error := sent.exception()) is not None:
            unforeseen.append(error)
        free.release()

    def is_over() -> bool:
        return is_stopping() or bool(unforeseen)

    with ThreadPoolExecutor(connections) as pool:
        for due in table:
            while not is_over() and (wait := begun + due.at_seconds - clock()) > 0:
                sleep(min(wait, 0.2))
            free.acquire()
            if is_over():  # asked last, as all connections may have been busy for long
                break
            pool.submit(send, due).add_done_callback(done)
    if unforeseen:
        raise unforeseen[0]
    return tally
