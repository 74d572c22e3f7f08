"""An installation that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Answer:
    """One answer; what is no bytes becomes JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    # says that so much comes, and closes before
    promised: int | None = None
    # answers before it has read what was sent, and closes
    reads: bool = True


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass
class Installation:
    """Answers one after the other; the last one again and again."""

    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def next(self) -> Answer:
        """Return the answer whose turn it is."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def installation(*answers: Answer) -> Iterator[Installation]:
    """Run one."""
    made = Installation(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            told = made.next()
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if told.reads else b""
            made.asked.append(Asked(self.command, self.path, dict(self.headers), body))
            data = told.body if isinstance(told.body, bytes) else json.dumps(told.body).encode()
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(told.promised or len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.close_connection = True

        do_GET = do_POST = answer  # noqa: N815 - names of the library

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
