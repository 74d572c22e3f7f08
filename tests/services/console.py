"""The whole service as real processes, on a data folder and a port of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, Final

import psutil

from tests.services.prepared import ROOT as ROOT
from tests.services.prepared import prepared_data

START_SECONDS = 120.0
# times so short that a test need not wait for them; a busy machine makes restarts, no failures
# between two looks of who waits
SHORT_SECONDS: Final = 0.05
LONG_SECONDS: Final = 0.4
QUICK: Mapping[str, str] = {
    "PKTMASK_WORKERS": "2",
    "PKTMASK_TRIMMING__LEASE_SECONDS": "3",
    "PKTMASK_TRIMMING__BEAT_SECONDS": "0.2",
    "PKTMASK_TRIMMING__RESEND_SECONDS": "2",
    "PKTMASK_TRIMMING__MAX_ATTEMPTS": "20",
    "PKTMASK_MONITORING__BEAT_SECONDS": "0.5",
    "PKTMASK_MONITORING__PATIENCE_SECONDS": "3",
    "PKTMASK_MONITORING__START_PATIENCE_SECONDS": "20",
    "PKTMASK_MONITORING__LOOK_SECONDS": "0.5",
    "PKTMASK_MONITORING__GOOD_LIFE_SECONDS": "0.5",
}


def wait_until(condition: Callable[[], Any], seconds: float, what: str = "") -> Any:
    """Return the first true value of ``condition``; fail after ``seconds``.

    It is asked every 50 ms, and less often where the answer takes long, so that who waits leaves
    the processor to those who are waited for.
    """
    deadline = time.monotonic() + seconds
    asked = time.monotonic()
    while not (found := condition()):
        answered = time.monotonic()
        if answered >= deadline:
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what or condition}")
        # other processes are waited for, which nothing here can be told by
        time.sleep(min(max(SHORT_SECONDS, 3 * (answered - asked)), LONG_SECONDS))
        asked = time.monotonic()
    return found


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that is dead and not yet collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Console:
    """``manage.py up``; may be started and stopped several times on the same data.

    ``password`` is the one that the first start printed, unless ``environ`` sets one.  Its data
    begin with tables and static files that were made before, unless ``from_nothing``.
    """

    username = "admin"

    def __init__(
        self, folder: Path, environ: Mapping[str, str] = QUICK, *, from_nothing: bool = False
    ) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.password = environ.get("PKTMASK_ADMIN_PASSWORD", "")
        self.process: subprocess.Popen[bytes] | None = None
        self._from_nothing = from_nothing
        # what the newest start wrote
        self.output = folder / "output.txt"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PKTMASK_")}
        self.environ = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
            **environ,
            "PKTMASK_DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
        }
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # --- life -------------------------------------------------------------------------------------
    def spawn(self, **environ: str) -> subprocess.Popen[bytes]:
        """Start ``manage.py up`` and do not wait; ``environ`` goes before the console's."""
        with self.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up"],
                env={**self.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def command(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start another command of ``manage.py`` on the console's data, and do not wait."""
        return subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Start and wait until it is ready; nothing when it runs already."""
        if self.is_running:
            return
        if not self._from_nothing:
            self.prepare()
        self.process = self.spawn()
        try:
            wait_until(self._is_ready, START_SECONDS, "the service to be ready")
        except AssertionError as error:
            self.kill_everything()
            raise AssertionError(f"{error}\n{self.said()}") from None
        printed = re.search(r"^Password: +(\S+)$", self.said(), re.M)
        if printed and not self.password:
            self.password = printed[1]

    def prepare(self) -> None:
        """Lay out data with tables and static files, where there are none."""
        if not self.data_dir.exists():
            shutil.copytree(prepared_data(), self.data_dir)

    def _is_ready(self) -> bool:
        if not self.is_running:
            raise AssertionError("the service ended")
        return "PktMask is ready" in self.said()

    def said(self) -> str:
        """Return what the newest start wrote to its output."""
        return self.output.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        """Whether the supervisor runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self, number: int = signal.SIGINT, seconds: float = 30.0) -> int:
        """Stop in order, and return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill_everything(self) -> None:
        """Kill every process at once, the supervisor first."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        for process in self.alive():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process is not None:
            self.process.wait()
        wait_until(lambda: not self.alive(), 20, "the processes to vanish")

    # --- processes --------------------------------------------------------------------------------
    def alive(self) -> list[psutil.Process]:
        """Return all processes of this console, also those that lost their parents."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                environ = process.environ()
                if environ.get("PKTMASK_DATA_DIR") == str(self.data_dir) and is_alive(process):
                    found.append(process)
        return found

    def children(self) -> dict[str, list[psutil.Process]]:
        """Return the processes by role: web, monitor, and the cluster's.

        The cluster's are cluster (its first process), sentinel, worker, q_monitor and q_pusher.
        Roles that are not there (yet) are empty.
        """
        found: dict[str, list[psutil.Process]] = {
            role: []
            for role in ("web", "monitor", "cluster", "sentinel", "worker", "q_monitor", "q_pusher")
        }
        with suppress(psutil.NoSuchProcess):
            assert self.process is not None
            for child in filter(is_alive, psutil.Process(self.process.pid).children()):
                role = next((r for r in ("web", "monitor") if r in child.cmdline()), "cluster")
                found[role].append(child)
            for cluster in found["cluster"]:
                found["sentinel"] += cluster.children()
            for sentinel in found["sentinel"]:
                # the sentinel starts its workers first
                inner = sorted(sentinel.children(), key=lambda each: (each.create_time(), each.pid))
                found["q_pusher"] += inner[-1:]
                found["q_monitor"] += inner[-2:-1]
                found["worker"] += inner[:-2]
        return found

    def whole_cluster(self) -> dict[str, list[psutil.Process]]:
        """Wait until the cluster is complete and has given a sign, and return ``children()``."""
        workers = int(self.environ.get("PKTMASK_WORKERS") or max(2, os.cpu_count() or 2))

        def complete() -> dict[str, list[psutil.Process]] | None:
            roles = self.children()
            asked = "SELECT 1 FROM monitoring_heartbeat WHERE name = 'workers' AND at >= started_at"
            whole = len(roles["worker"]) == workers and all(roles.values())
            return roles if whole and self.rows(asked) else None

        roles: dict[str, list[psutil.Process]] = wait_until(complete, 90, "a whole cluster")
        return roles

    def hold(self, process: psutil.Process) -> None:
        """Stop a process where it keeps nobody else from writing."""
        while True:
            process.suspend()
            if self.can_be_written():
                return
            process.resume()
            wait_until(self.can_be_written, 60, "the database to be free")

    # --- data -------------------------------------------------------------------------------------
    def can_be_written(self) -> bool:
        """Tell whether nobody holds the one lock that SQLite has."""
        path = self.data_dir / "pktmask.sqlite3"
        with closing(sqlite3.connect(path, timeout=1)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return False
            database.rollback()
        return True

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database."""
        path = self.data_dir / "pktmask.sqlite3"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)) as database:
            return database.execute(query, values).fetchall()

    def result_of(self, capture: uuid.UUID) -> bytes:
        """Download what came of a capture."""
        return self.request(f"/captures/{capture}/download/")

    def job_of(self, capture: uuid.UUID) -> tuple[str, int, str]:
        """Return state, attempt and stage of the newest job of a capture."""
        query = (
            "SELECT j.state, j.attempt, j.stage FROM trimming_capture c "
            "JOIN trimming_trimjob j ON j.id = c.current_job_id WHERE c.id = ?"
        )
        state, attempt, stage = self.rows(query, capture.hex)[0]
        return state, attempt, stage

    def upload(self, name: str, data: bytes, strategy: str = "") -> uuid.UUID:
        """Upload a capture the way a browser does, and return its id; "" is the usual strategy."""
        self.sign_in()
        profile = self.rows("SELECT max(id) FROM trimming_profile WHERE name = 'standard'")[0][0]
        boundary = uuid.uuid4().hex
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="%s"'
        body = b"".join(
            [
                f"{part % 'profile'}\r\n\r\n{profile}\r\n".encode(),
                f"{part % 'strategy'}\r\n\r\n{strategy}\r\n".encode(),
                f'{part % "files"}; filename="{name}"\r\n\r\n'.encode(),
                data,
                f"\r\n--{boundary}--\r\n".encode(),
            ]
        )
        answer = json.loads(
            self.request(
                "/captures/upload/",
                body,
                {
                    "Content-Type": f"multipart/form-data; boundary={boundary}",
                    "Accept": "application/json",
                },
            )
        )
        return uuid.UUID(answer["accepted"][0]["capture"])

    def request(
        self,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        url: str = "",
    ) -> bytes:
        """Ask for a page with the cookies of this console; raises for an answer of 400 and up.

        ``url`` is that of another web process on the same data.
        """
        fields = {**(headers or {}), "X-CSRFToken": self._cookies.get("csrftoken", "")}
        asked = urllib.request.Request((url or self.url) + path, data=body, headers=fields)
        with self._opener.open(asked, timeout=60) as answer:
            content: bytes = answer.read()
            return content

    @property
    def _cookies(self) -> dict[str, str]:
        for handler in self._opener.handlers:  # type: ignore[attr-defined]  # missing in the stubs
            if isinstance(handler, urllib.request.HTTPCookieProcessor):
                return {cookie.name: cookie.value or "" for cookie in handler.cookiejar}
        return {}

    def sign_in(self, *, anew: bool = False) -> None:
        """Sign in unless that is done; ``anew`` also then: a session ends when it is not used."""
        if anew or not self._has_session():
            self._sign_in()

    def _has_session(self) -> bool:
        return "sessionid" in self._cookies

    def _sign_in(self) -> None:
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        self.request("/sign-in/")
        form = urllib.parse.urlencode({"username": self.username, "password": self.password})
        self.request("/sign-in/", form.encode())
