"""The servers that machines share, each of this test's own: it may be killed, stopped, emptied."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil
import pytest

from tests.cluster.ports import lasting_port
from tests.services.console import wait_until

START_SECONDS: Final = 60.0
# so long the proxy leaves out a web process that did not answer
FORGIVES_SECONDS: Final = 2
NGINX: Final = """
worker_processes 1;
daemon off;
error_log {folder}/nginx.error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  upstream console {{ {servers} }}
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://console;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto http;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_next_upstream error timeout;
      proxy_connect_timeout 2s;
      proxy_read_timeout 120s;
    }}
  }}
}}
"""


def program(name: str) -> str:
    """Return the path of a program; without it the test is skipped, or fails where it must run."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:{_postgres_folder()}")
    if found is None:
        if os.environ.get("REQUIRE_SERVICES"):
            raise FileNotFoundError(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def _postgres_folder() -> str:
    return os.pathsep.join(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))


class Server:
    """A program that listens on ``port``, in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = lasting_port()
        self.process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> Sequence[str]:
        """Return what is started."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Tell whether it answers."""
        raise NotImplementedError

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "output.txt").open("ab") as output:
            self.process = subprocess.Popen(
                self.arguments(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self.is_ready, START_SECONDS, f"{type(self).__name__} to answer")

    def signal(self, number: int) -> None:
        """Send a signal to every process of it."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """End it at once, as a machine that loses its power does."""
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()

    def pause(self) -> None:
        """Let it hang: connections stay, nothing is answered."""
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on after ``pause``."""
        self.signal(signal.SIGCONT)

    def rss_bytes(self) -> int:
        """Return the memory of its processes."""
        assert self.process is not None
        parent = psutil.Process(self.process.pid)
        return sum(each.memory_info().rss for each in (parent, *parent.children(recursive=True)))


class Postgres(Server):
    """A database cluster; what was committed survives a kill, as it should."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._data = folder / "database"
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            # the server refuses to run as root, and the folders above are root's alone: whichever
            # pytest starts next sees to that, so it does not help to open them
            owner = pwd.getpwnam("postgres")
            self._as_user = [
                program("setpriv"),
                *("--reuid=postgres", "--regid=postgres", "--clear-groups"),
                *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
            ]
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = [program("initdb"), "-D", str(self._data), "-U", "pktmask", "--auth=trust"]
        subprocess.run([*self._as_user, *made, "--no-sync"], check=True, capture_output=True)

    @property
    def url(self) -> str:
        """The address of the database."""
        return f"postgresql://pktmask@127.0.0.1:{self.port}/postgres"

    def arguments(self) -> Sequence[str]:
        server = [program("postgres"), "-D", str(self._data), "-p", str(self.port)]
        limits = ["-c", "max_connections=200", "-c", "listen_addresses=127.0.0.1"]
        return [*self._as_user, *server, "-k", str(self.folder), *limits]

    def is_ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        super().kill()
        # its children are in groups of their own and notice
        name = self._data / "postmaster.pid"
        wait_until(lambda: not _users_of(self._data), START_SECONDS, "the database to be gone")
        name.unlink(missing_ok=True)

    def signal(self, number: int) -> None:
        """Send a signal to the server and its children."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            for each in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database."""
        import psycopg

        with psycopg.connect(self.url, connect_timeout=5) as database:
            asked = query.replace("?", "%s") if values else query
            return database.execute(asked.encode(), values or None).fetchall()


def _users_of(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.name() == "postgres" and process.cwd() == str(folder):
                found.append(process)
    return found


class Redis(Server):
    """A Redis that keeps nothing: a kill empties it."""

    def arguments(self) -> Sequence[str]:
        limits = ["--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        return [program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", *limits]

    @property
    def url(self) -> str:
        """The address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Any:
        """Return a connection."""
        import redis

        return redis.Redis(port=self.port, socket_timeout=2, socket_connect_timeout=2)

    def is_ready(self) -> bool:
        import redis

        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def empty(self) -> None:
        """Lose everything in it."""
        self.client().flushall()


class ObjectServer(Server):
    """An S3-compatible server; it keeps what it has in memory, so it is paused and never killed."""

    BUCKET: Final = "captures"

    def arguments(self) -> Sequence[str]:
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]

    @property
    def url(self) -> str:
        """The address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """What a machine needs to know of it."""
        return {
            "PKTMASK_S3_BUCKET": self.BUCKET,
            "PKTMASK_S3_ENDPOINT": self.url,
            "PKTMASK_S3_REGION": "us-east-1",
            "PKTMASK_S3_ACCESS_KEY": "test",
            "PKTMASK_S3_SECRET_KEY": "test",
        }

    def client(self) -> Any:
        """Return a client."""
        import boto3

        return boto3.Session("test", "test", region_name="us-east-1").client(
            "s3", endpoint_url=self.url
        )

    def is_ready(self) -> bool:
        import socket

        with socket.socket() as asked:
            asked.settimeout(1)
            return asked.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self) -> None:
        super().start()
        self.client().create_bucket(Bucket=self.BUCKET)

    def keys(self) -> list[str]:
        """Return the names of all objects."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.BUCKET)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


class Proxy(Server):
    """nginx before the web processes, as in config/production/deploy."""

    def __init__(self, folder: Path, web_ports: Sequence[int]) -> None:
        super().__init__(folder)
        servers = " ".join(
            f"server 127.0.0.1:{port} max_fails=1 fail_timeout={FORGIVES_SECONDS}s;"
            for port in web_ports
        )
        settings = NGINX.format(folder=folder, port=self.port, servers=servers)
        if os.geteuid() == 0:
            settings = f"user root;{settings}"
        (folder / "nginx.conf").write_text(settings, encoding="ascii")

    @property
    def url(self) -> str:
        """The address of the console."""
        return f"http://127.0.0.1:{self.port}"

    def complaints(self) -> str:
        """Return what it could not do, and why."""
        return (self.folder / "nginx.error.log").read_text(errors="replace")

    def arguments(self) -> Sequence[str]:
        return [program("nginx"), "-c", str(self.folder / "nginx.conf"), "-p", str(self.folder)]

    def is_ready(self) -> bool:
        import socket

        with socket.socket() as asked:
            asked.settimeout(1)
            return asked.connect_ex(("127.0.0.1", self.port)) == 0


def seconds_since(began: float) -> float:
    """Return how long ago that was, by the clock that only goes forward."""
    return time.monotonic() - began
