"""One ASGI call, as a list of events in and a list of events out."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

App = Callable[[Any, Any, Any], Awaitable[None]]


def piece(data: bytes, *, more: bool = True) -> dict[str, Any]:
    """Return an event with a piece of a body."""
    return {"type": "http.request", "body": data, "more_body": more}


def scope_of(
    path: str = "/captures/upload/",
    method: str = "POST",
    headers: Iterable[tuple[str, object]] = (),
    query: bytes = b"",
) -> dict[str, Any]:
    """Return what a server says about a request."""
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower().encode(), str(value).encode()) for name, value in headers],
        "client": ("127.0.0.1", 4000),
        "server": ("127.0.0.1", 8000),
    }


@dataclass
class Call:
    """A client that sends ``events``, then goes; ``sent`` is what it got."""

    events: deque[dict[str, Any]]
    sent: list[dict[str, Any]] = field(default_factory=list)
    received: int = 0

    async def receive(self) -> dict[str, Any]:
        """Give the next event."""
        self.received += 1
        return self.events.popleft() if self.events else {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        """Take an event of the answer."""
        self.sent.append(dict(message))

    @property
    def status(self) -> int:
        """The status of the answer."""
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the answer, names in lower case."""
        pairs = self.sent[0]["headers"]
        return {name.decode().lower(): value.decode() for name, value in pairs}

    @property
    def body(self) -> str:
        """The body of the answer."""
        return b"".join(message.get("body", b"") for message in self.sent[1:]).decode()


async def call(app: App, scope: dict[str, Any], *events: dict[str, Any]) -> Call:
    """Run ``app`` for one request."""
    made = Call(deque(events))
    await app(scope, made.receive, made.send)
    return made
