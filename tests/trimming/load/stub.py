"""A service in this process that answers uploads as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSWORD = "right"
FORM = '<input type="hidden" name="csrfmiddlewaretoken" value="token">'
UPLOAD_FORM = '<select name="profile"><option value="3">standard</option></select>'


class Stub:
    """What is answered, and what came."""

    def __init__(self) -> None:
        self.sign_in_page = FORM
        self.upload_page = UPLOAD_FORM
        # given for an upload: a status and a body; None closes in the middle of the status line
        self.answer: tuple[int, bytes] | None = (200, accepted())
        self.uploads: list[tuple[str | None, bytes]] = []
        self.url = ""


def accepted() -> bytes:
    """Return the answer to an upload that was taken in."""
    return json.dumps({"accepted": [{"capture": "1"}], "refused": []}).encode()


def refused(reason: str) -> bytes:
    """Return the answer to an upload that was not."""
    return json.dumps({"accepted": [], "refused": [{"reason": reason}]}).encode()


@contextmanager
def serving() -> Iterator[Stub]:
    """Serve on a port of its own until the block ends."""
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = stub.sign_in_page if self.path == "/sign-in/" else stub.upload_page
            self._answer(200, page.encode(), "csrftoken=token")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/sign-in/":
                is_right = f"password={PASSWORD}" in body.decode()
                self._answer(200, b"", "sessionid=1" if is_right else "")
                return
            stub.uploads.append((self.headers["X-CSRFToken"], body))
            if stub.answer is None:
                self.wfile.write(b"no HTTP\r\n")
            else:
                self._answer(*stub.answer)

        def _answer(self, status: int, body: bytes, cookie: str = "") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        stub.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield stub
        finally:
            server.shutdown()
            thread.join()
