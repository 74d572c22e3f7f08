"""An installation of several machines: each is ``manage.py up`` with its parts and its own disk."""

from __future__ import annotations

import copy
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from tests.cluster.gate import Gate
from tests.cluster.ports import lasting_port
from tests.cluster.servers import ObjectServer, Postgres, Proxy, Redis
from tests.factories import capture_bytes
from tests.services.console import QUICK, ROOT, Console, is_alive, wait_until

START_SECONDS: Final = 180.0
PASSWORD: Final = "a password of the cluster"
OPEN: Final = "SELECT count(*) FROM trimming_trimjob WHERE state IN ('waiting', 'running')"


class Machine:
    """One machine: some parts of the service, and a data folder that nobody else sees."""

    def __init__(self, name: str, parts: Sequence[str], folder: Path, environ: Mapping[str, str]):
        self.name = name
        self.parts = parts
        self.folder = folder
        folder.mkdir(parents=True)
        self.port = lasting_port()
        self.process: subprocess.Popen[bytes] | None = None
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PKTMASK_")}
        self.environ = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
            **environ,
            "PKTMASK_DATA_DIR": str(folder / "data"),
            "PKTMASK_MACHINE": name,
            "PKTMASK_PARTS": ",".join(parts),
            "PORT": str(self.port),
        }

    @property
    def output(self) -> Path:
        """What it wrote."""
        return self.folder / "output.txt"

    def spawn(self, environ: Mapping[str, str] | None = None) -> None:
        """Start it and do not wait; ``environ`` is added to its own."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up"],
                env={**self.environ, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def is_ready(self) -> bool:
        """Tell whether it said so; raises AssertionError when it ended instead."""
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        return "PktMask is ready" in self.said()

    def said(self) -> str:
        """Return what it wrote."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def alive(self) -> list[psutil.Process]:
        """Return all its processes."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("PKTMASK_DATA_DIR") == self.environ["PKTMASK_DATA_DIR"]:
                    found.append(process)
        return [process for process in found if is_alive(process)]

    def role(self, name: str) -> list[psutil.Process]:
        """Return its processes of a kind: supervisor, web, monitor, cluster, sentinel, worker.

        Of the processes below a sentinel the last two are django-q2's own: q_monitor and q_pusher.
        """
        assert self.process is not None
        with suppress(psutil.Error):
            supervisor = psutil.Process(self.process.pid)
            if name == "supervisor":
                return [supervisor]
            below = {
                each.cmdline()[2]: each
                for each in supervisor.children()
                if is_alive(each) and len(each.cmdline()) > 2
            }
            if name in ("web", "monitor"):
                return [below[name]] if name in below else []
            cluster = below.get("workers")
            if cluster is None or name == "cluster":
                return [] if cluster is None else [cluster]
            sentinels = cluster.children()
            if not sentinels or name == "sentinel":
                return sentinels
            inner = sorted(sentinels[0].children(), key=lambda each: (each.create_time(), each.pid))
            kinds = {"worker": inner[:-2], "q_monitor": inner[-2:-1], "q_pusher": inner[-1:]}
            return kinds[name]
        return []

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Stop it in order; return the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Lose it: every process at once."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        for process in self.alive():
            with suppress(psutil.Error):
                process.kill()
        if self.process is not None:
            self.process.wait()
        wait_until(lambda: not self.alive(), 30, "the processes to vanish")


class Installation(Console):
    """Two machines with a web server and workers, one with the monitor and one that stands by.

    They share PostgreSQL, Redis and an object server, behind a proxy.  Requests go through it.
    """

    def __init__(
        self,
        folder: Path,
        machines: Mapping[str, Sequence[str]] | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        with_redis: bool = True,
    ) -> None:
        self.database = Postgres(folder / "postgres")
        self.redis = Redis(folder / "redis") if with_redis else None
        self.bucket = ObjectServer(folder / "objects")
        self.storage_gate = Gate(self.bucket.port)
        shared = {
            **QUICK,
            "PKTMASK_TRIMMING__LEASE_SECONDS": "5",
            # what is long stays long, however fast the machine is measured to be
            "PKTMASK_TRIMMING__LONG_SECONDS": "0.3",
            "PKTMASK_MONITORING__PATIENCE_SECONDS": "6",
            "PKTMASK_SECRET_KEY": "the same for all machines " * 3,
            "PKTMASK_ADMIN_PASSWORD": PASSWORD,
            "PKTMASK_DATABASE_URL": self.database.url,
            **({} if self.redis is None else {"PKTMASK_REDIS_URL": self.redis.url}),
            **self.bucket.environ,
            "PKTMASK_S3_ENDPOINT": f"http://127.0.0.1:{self.storage_gate.port}",
            **(environ or {}),
        }
        super().__init__(folder / "console", shared)
        chosen = machines or {
            "one": ("web", "workers"),
            "two": ("web", "workers"),
            "three": ("monitor",),
            "four": ("monitor",),
        }
        self.machines = {
            name: Machine(name, parts, folder / name, shared) for name, parts in chosen.items()
        }
        self.proxy = Proxy(
            folder / "proxy", [each.port for each in self.machines.values() if "web" in each.parts]
        )
        self.url = self.proxy.url
        self.password = PASSWORD

    def with_parts(self, part: str) -> list[Machine]:
        """Return the machines that have a part."""
        return [each for each in self.machines.values() if part in each.parts]

    def start(self, but: Collection[str] = ()) -> None:
        """Start everything but some machines, and wait until it is ready."""
        self.database.start()
        if self.redis is not None:
            self.redis.start()
        self.bucket.start()
        started = [machine for machine in self.machines.values() if machine.name not in but]
        for machine in started:
            machine.spawn()
        for machine in started:
            wait_until(machine.is_ready, START_SECONDS, f"{machine.name} to be ready")
        self.proxy.start()
        if not but:
            self.wait_for_workers()
        self.sign_in()

    def rows_of(self, statement: str) -> None:
        """Change the database, as no part of the service would."""
        import psycopg

        with psycopg.connect(self.database.url, autocommit=True) as database:
            database.execute(statement.encode())

    def shell(self, text: str) -> None:
        """Run a piece of Python on one of the machines."""
        machine = next(iter(self.machines.values()))
        subprocess.run(
            [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", text],
            env=machine.environ,
            check=True,
            capture_output=True,
            timeout=START_SECONDS * 5,
        )

    def rss_bytes(self) -> dict[str, int]:
        """Return the memory of each process: by machine, program and number."""
        found = {}
        for machine in self.machines.values():
            for process in machine.alive():
                with suppress(psutil.Error):
                    what = " ".join(process.cmdline()[2:3])
                    found[f"{machine.name} {what} {process.pid}"] = process.memory_info().rss
        return found

    def is_whole(self) -> bool:
        """Tell whether every process of every machine is there, and workers and monitor work."""
        fresh = "at >= started_at AND at > now() - interval '5 seconds'"
        beats = self.rows(f"SELECT name FROM monitoring_heartbeat WHERE {fresh}")
        wanted = {f"workers@{machine.name}" for machine in self.with_parts("workers")}
        if not wanted | {"monitor"} <= {row[0] for row in beats}:
            return False
        for machine in self.machines.values():
            if any(not machine.role(part) for part in machine.parts if part != "workers"):
                return False
            if "workers" in machine.parts:
                workers = int(machine.environ["PKTMASK_WORKERS"])
                if len(machine.role("worker")) != workers or not machine.role("q_pusher"):
                    return False
        return True

    def wait_for_workers(self) -> None:
        """Wait until the workers of each machine have given a sign since they were started."""
        machines = self.with_parts("workers")
        asked = "SELECT count(*) FROM monitoring_heartbeat WHERE name LIKE 'workers@%' "
        wait_until(
            lambda: self.rows(f"{asked} AND at >= started_at")[0][0] >= len(machines),
            START_SECONDS,
            "the workers of each machine",
        )

    def kill_everything(self) -> None:
        """End it all."""
        for machine in self.machines.values():
            machine.kill()
        for server in (self.proxy, self.bucket, self.redis, self.database):
            if server is not None and server.process is not None:
                server.go_on()
                server.kill()
        self.storage_gate.end()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database."""
        return self.database.rows(query, *values)

    def try_to_upload(self, data: bytes) -> uuid.UUID | None:
        """Upload a small capture; None when the service does not take it now."""
        try:
            return self.upload("try.pcap", data)
        except (OSError, ValueError, LookupError):
            return None

    def job_of(self, capture: uuid.UUID) -> tuple[str, int, str]:
        """Return state, attempt and stage of the newest job of a capture."""
        query = (
            "SELECT j.state, j.attempt, j.stage FROM trimming_capture c "
            "JOIN trimming_trimjob j ON j.id = c.current_job_id WHERE c.id = ?"
        )
        state, attempt, stage = self.rows(query, capture)[0]
        return state, attempt, stage

    def wait_until_all_is_done(self, seconds: float) -> None:
        """Wait until no job waits or runs."""
        wait_until(lambda: self.rows(OPEN) == [(0,)], seconds, "all jobs to end")

    # --- load -------------------------------------------------------------------------------------
    @contextmanager
    def load(self, every_seconds: float = 0.3, most_waiting: int = 30) -> Iterator[Load]:
        """Upload small captures meanwhile, each until the service has answered for it."""
        load = Load(self, every_seconds, most_waiting)
        load.start()
        try:
            yield load
        finally:
            load.stop()

    # --- what must hold ---------------------------------------------------------------------------
    def assert_nothing_is_lost(self, accepted: Mapping[uuid.UUID, bytes]) -> None:
        """Hold that each capture that was answered for is done, published once, and its output is
        the size of its input, whatever happened meanwhile."""
        found = self.rows(
            "SELECT c.id, j.state, j.published_run_id, r.output_bytes, j.reason "
            "FROM trimming_capture c JOIN trimming_trimjob j ON j.id = c.current_job_id "
            "LEFT JOIN trimming_trimrun r ON r.id = j.published_run_id"
        )
        states = {row[0]: row[1:] for row in found}
        for capture, data in accepted.items():
            state, published, size, reason = states[capture]
            assert state == "done", f"{capture}: {state} {reason}"
            assert published is not None
            assert size == len(data)
        twice = self.rows(
            "SELECT job_id FROM trimming_trimrun WHERE outcome = 'done' "
            "GROUP BY job_id HAVING count(*) > 1"
        )
        assert twice == []
        keys = set(self.bucket.keys())
        published = {
            row[0]
            for row in self.rows(
                "SELECT r.output FROM trimming_trimjob j JOIN trimming_trimrun r "
                "ON r.id = j.published_run_id"
            )
        }
        assert published - keys == set()


def another_person(installation: Installation) -> Console:
    """Return somebody else's browser at the same console: with a session of its own."""
    person = copy.copy(installation)
    person._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    person.sign_in()
    return person


class Load:
    """A person who uploads small captures, tries again what was not answered, and keeps count."""

    def __init__(self, installation: Installation, every_seconds: float, most_waiting: int) -> None:
        self.accepted: dict[uuid.UUID, bytes] = {}
        self.failures = 0
        self.first_failure = ""
        self._installation = installation
        self._every_seconds = every_seconds
        self._most_waiting = most_waiting
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the upload that is under way."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_seconds):
            data = capture_bytes(f"body {uuid.uuid4()} {time.monotonic_ns()}".encode())
            while not self._stopping.is_set():
                try:
                    self.accepted[self._installation.upload("load.pcap", data)] = data
                    break
                except Exception as error:
                    self.failures += 1
                    self.first_failure = self.first_failure or repr(error)
                    # a person presses the button again a little later
                    self._stopping.wait(0.5)
