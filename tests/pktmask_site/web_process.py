"""A real web process on a data folder of its own, and a client that sends as slowly as it is told.

The client is a socket: what matters here is what the server does with half a request.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60.0
BOUNDARY = "a-boundary-of-the-tests"
SET_UP = """
import json, sys
import django
django.setup()
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command
from django.middleware.csrf import _get_new_csrf_string
from trimming.profiles import latest
call_command("migrate", verbosity=0)
user = User.objects.create_user("operator")
user.groups.add(Group.objects.get(name="operator"))
session = SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(json.dumps([session.session_key, _get_new_csrf_string(), latest("standard").pk]))
"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return once ``condition`` holds; fail after a minute."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Web:
    """A running web process with a session of an operator."""

    process: psutil.Process
    port: int
    data_dir: Path
    session: str
    csrf: str
    profile: int

    @property
    def incoming(self) -> list[Path]:
        """The files in the folder of uploads."""
        return list((self.data_dir / "incoming").iterdir())

    @property
    def originals(self) -> list[Path]:
        """The stored originals."""
        return [path for path in (self.data_dir / "files").rglob("*") if path.is_file()]

    def open_files(self) -> list[str]:
        """Return the files of the upload folder that the process holds open, also nameless ones."""
        folder = str(self.data_dir / "incoming")
        descriptors = Path(f"/proc/{self.process.pid}/fd")
        found = []
        for descriptor in descriptors.iterdir():
            try:
                target = os.readlink(descriptor)
            except FileNotFoundError:
                continue  # closed in this moment
            if target.startswith(folder):
                found.append(target)
        return found

    def head(self, length: int, *, signed_in: bool = True, extra: str = "") -> bytes:
        """Return the head of an upload request."""
        cookies = f"sessionid={self.session}; csrftoken={self.csrf}" if signed_in else ""
        return (
            "POST /captures/upload/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
            f"Cookie: {cookies}\r\nX-CSRFToken: {self.csrf}\r\nContent-Length: {length}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n{extra}\r\n"
        ).encode()

    def form(self, name: str = "edge.pcap") -> tuple[bytes, bytes]:
        """Return what stands before and behind the bytes of one file."""
        before = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="profile"\r\n\r\n'
            f"{self.profile}\r\n--{BOUNDARY}\r\n"
            f'Content-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        ).encode()
        return before, f"\r\n--{BOUNDARY}--\r\n".encode()

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS)

    def upload(self, pieces: Iterable[bytes], length: int) -> Answer:
        """Upload one file of ``length`` bytes and return the answer."""
        before, behind = self.form()
        with self.connect() as client:
            client.sendall(self.head(len(before) + length + len(behind)) + before)
            for piece in pieces:
                client.sendall(piece)
            client.sendall(behind)
            return read_answer(client)

    def get(self, path: str) -> Answer:
        """Fetch a page."""
        with self.connect() as client:
            client.sendall(
                f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
            )
            return read_answer(client)


def read_answer(client: socket.socket) -> Answer:
    """Read one answer, as far as its length or the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(1 << 16)
        if not piece:
            raise AssertionError(f"no answer but {data!r}")
        data += piece
        if data.startswith(b"HTTP/1.1 100") and b"\r\n\r\n" in data:
            data = data.partition(b"\r\n\r\n")[2]
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    lengths = [
        int(line.partition(b":")[2])
        for line in head.lower().splitlines()
        if line.startswith(b"content-length:")
    ]
    while not lengths or len(body) < lengths[0]:
        piece = client.recv(1 << 16)
        if not piece:
            break
        body += piece
    return Answer(status, body)


@contextmanager
def web_process(data_dir: Path, **settings: object) -> Iterator[Web]:
    """Run a web process as the supervisor starts it; ``settings`` are those of trimming."""
    environment = {
        **os.environ,
        "PKTMASK_DATA_DIR": str(data_dir),
        "DJANGO_SETTINGS_MODULE": "tests.pktmask_site.served_settings",
        **{f"PKTMASK_TRIMMING__{name.upper()}": str(value) for name, value in settings.items()},
    }
    made = subprocess.run(
        [sys.executable, "-c", SET_UP], cwd=ROOT, env=environment, check=True, capture_output=True
    )
    session, csrf, profile = json.loads(made.stdout)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["pktmask_site.asgi:application", "--port", str(port), "--no-access-log"]
    with (data_dir / "web.log").open("wb") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", *arguments, "--log-level", "warning"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    web = Web(psutil.Process(started.pid), port, data_dir, session, csrf, profile)
    try:
        wait_until(lambda: _listens(port), "the web process")
        yield web
    finally:
        started.kill()
        started.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
