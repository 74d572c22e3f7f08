"""Receivers for the tests: real servers on this machine that do what they are told to."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

# more than a test may take; what waits so long is released when the test ends
LONG_SECONDS = 60


@dataclass
class Got:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as values."""
        return json.loads(self.body)


Act = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """An HTTP server; ``acts`` are done one after the other, the last one for all that follow."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def next_act(self) -> Act:
        """Return what is done now."""
        return self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]

    def hangs(self, _handler: BaseHTTPRequestHandler) -> None:
        """Say nothing until the test ends."""
        self.released.wait(LONG_SECONDS)

    def drips(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a byte at a time, so that no single read takes long, until the test ends."""
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        while not self.released.wait(0.02):
            handler.wfile.write(b".")


def answers(status: int, body: bytes = b"", **headers: str) -> Act:
    """Return an act: a plain answer; ``Retry_After`` is the header Retry-After."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def says(raw: bytes) -> Act:
    """Return an act: these bytes and nothing else."""

    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(raw)

    return act


def resets(handler: BaseHTTPRequestHandler) -> None:
    """Break the connection off with RST."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


@contextmanager
def http_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver that says 200 unless it is told otherwise."""
    receiver = Receiver(acts=[answers(200, b"ok")])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            receiver.got.append(Got(self.path, dict(self.headers), body))
            receiver.next_act()(self)
            self.close_connection = True

        def finish(self) -> None:
            with suppress(OSError, ValueError):
                super().finish()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False
        block_on_close = True

        def handle_error(self, *_: Any) -> None:
            pass  # who breaks connections off is what is tested

        def shutdown_request(self, request: Any) -> None:
            with suppress(OSError):
                super().shutdown_request(request)

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    receiver.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def certificate(folder: Path) -> Path:
    """Return a certificate of 127.0.0.1 with its key in one file; skips without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("certificates are made by the command openssl, which is not here")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", made],
        check=True, capture_output=True,
    )  # fmt: skip
    made.write_text(made.read_text() + key.read_text())
    return made


def served_with(path: Path) -> ssl.SSLContext:
    """Return what a server needs to show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
