"""A service of two web processes, three workers and a monitor, whose settings are changed."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from config.files import MAIN
from tests.factories import capture_bytes
from tests.services.console import QUICK, ROOT, Console, free_port, wait_until

EVERYONE: Final = Counter({"supervisor": 1, "web": 2, "worker": 3, "monitor": 1})
# as many jobs as wait under load; more would only keep the next test waiting
MAX_WAITING: Final = 6
PATIENCE_SECONDS: Final = 60.0
Layer = Mapping[str, Mapping[str, object]]


class Configured(Console):
    """``manage.py up`` with a folder of settings of its own, and a second web process."""

    def __init__(self, folder: Path) -> None:
        self.settings_folder = folder / "config" / "local"
        (self.settings_folder / "conf.d").mkdir(parents=True)
        self.main_file = self.settings_folder / MAIN
        environ = {
            **QUICK,
            "PKTMASK_WORKERS": "3",
            "PKTMASK_CONFIG_DIR": str(folder / "config"),
            "DJANGO_SETTINGS_MODULE": "tests.services.configured_settings",
        }
        super().__init__(folder, environ)
        self._second_port = free_port()
        self._second: subprocess.Popen[bytes] | None = None

    # --- processes --------------------------------------------------------------------------------
    def start_everyone(self) -> None:
        """Start what does not run, and wait until every process says which version it goes by."""
        self.start()
        if self._second is None or self._second.poll() is not None:
            self._second = self.python("manage.py", "web", "--port", str(self._second_port))
        wait_until(lambda: Counter(self.versions_of_processes(0)) == EVERYONE, 180, "every process")
        self.sign_in()

    def kill_everything(self) -> None:
        """Kill also the second web process."""
        super().kill_everything()
        if self._second is not None:
            self._second.wait()

    def python(self, *arguments: str, **streams: Any) -> subprocess.Popen[bytes]:
        """Start Python on the same data; its output goes to a file of the folder by default."""
        with (self.folder / "other.txt").open("ab") as output:
            return subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environ,
                **{"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **streams},
            )

    # --- what is in force -------------------------------------------------------------------------
    def versions_of_processes(self, least: int) -> list[str]:
        """Return the kinds of the living processes that go by version ``least`` or a newer one."""
        rows = self.rows("SELECT process, kind FROM config_adoption WHERE version >= ?", least)
        return [kind for process, kind in rows if psutil.pid_exists(int(process.split("/")[1]))]

    def upload_limits(self) -> list[int]:
        """Return the largest upload that each web process offers."""
        pages = [
            self.request("/captures/", url=f"http://127.0.0.1:{port}").decode()
            for port in (self.port, self._second_port)
        ]
        return [int(re.findall(r'data-max-bytes="(\d+)"', page)[0]) for page in pages]

    def newest(self) -> int:
        """Return the number of the newest version."""
        return int(self.rows("SELECT coalesce(max(number), 0) FROM config_configversion")[0][0])

    def given(self, layer: str) -> dict[int, dict[str, Any]]:
        """Return what ``files`` or ``console`` gave in each version: "section.key" to value."""
        rows = self.rows(f"SELECT number, {layer} FROM config_configversion")
        return {
            number: {
                f"{section}.{key}": one["value"]
                for section, given in json.loads(text).items()
                for key, one in given.items()
            }
            for number, text in rows
        }

    def files_give(self) -> dict[str, Any]:
        """Return what the files give in the newest version."""
        return self.given("files").get(self.newest(), {})

    def problem(self) -> str:
        """Return what the last look at the files found."""
        rows = self.rows("SELECT problem FROM config_fileslook")
        return str(rows[0][0]) if rows else ""


class Publisher:
    """A process that publishes layers of the console once it is told to."""

    def __init__(self, console: Configured, layers: list[Layer], pause_seconds: float = 0) -> None:
        self._process = console.python(
            "-m",
            "tests.services.publisher",
            json.dumps(layers),
            str(pause_seconds),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert json.loads(said) == "ready"

    def go(self) -> None:
        """Let it begin."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        self._process.stdin.flush()

    def outcomes(self) -> list[dict[str, Any]]:
        """Wait for its end, and return what came of each layer."""
        said, _ = self._process.communicate(timeout=PATIENCE_SECONDS)
        assert self._process.returncode == 0
        return [json.loads(line) for line in said.splitlines()]


def publish(console: Configured, layer: Layer) -> tuple[int, float]:
    """Publish what the console gives; return the number of the version and when it was there."""
    publisher = Publisher(console, [layer])
    publisher.go()
    [outcome] = publisher.outcomes()
    return outcome["published"], outcome["at"]


def replace(path: Path, text: str) -> float:
    """Replace a file by a rename, as careful editors do; return when that was done."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    beside.rename(path)
    return time.monotonic()


@contextmanager
def load(console: Configured, **strategies: bytes) -> Iterator[None]:
    """Keep all workers busy with jobs of each strategy on its capture."""
    stopping = threading.Event()
    failures: list[Exception] = []
    thread = threading.Thread(target=_upload, args=(console, strategies, stopping, failures))
    thread.start()
    running = "SELECT count(*) FROM trimming_trimjob WHERE state = 'running'"
    try:
        wait_until(lambda: failures or console.rows(running)[0][0] == 3, 60, "busy workers")
        yield
    finally:
        stopping.set()
        thread.join()
    assert failures == []


def _upload(
    console: Configured,
    strategies: Mapping[str, bytes],
    stopping: threading.Event,
    failures: list[Exception],
) -> None:
    waiting = "SELECT count(*) FROM trimming_trimjob WHERE state = 'waiting'"
    try:
        for strategy, data in itertools.cycle(strategies.items()):
            while not stopping.wait(0.02) and console.rows(waiting)[0][0] >= MAX_WAITING:
                pass
            if stopping.is_set():
                return
            # the same bytes count as known
            console.upload(f"{strategy}.pcap", data or capture_bytes(_unique()), strategy)
    except Exception as error:
        failures.append(error)


def _unique() -> bytes:
    return str(time.monotonic_ns()).encode()
