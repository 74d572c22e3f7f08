"""What it costs that a commit of SQLite is on the disk before it is answered for.

``python -m benchmarks.commits --folder DIR [--sync-ms 5]``: writers in processes of their own
commit small transactions for some seconds, with ``synchronous`` NORMAL and FULL in turns.  With
``--sync-ms`` each sync takes so much longer, by strace, as on a slower disk.  See docs/adr/0015.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

MODES = ("NORMAL", "FULL")
BUSY_SECONDS = 20
ROW_BYTES = 200


@dataclass(frozen=True, slots=True)
class Rate:
    """Transactions a second of all writers, and how long one takes, in ms."""

    mode: str
    per_second: float
    median_ms: float
    p99_ms: float
    longest_ms: float

    def __str__(self) -> str:
        return (
            f"{self.mode:6} {self.per_second:8,.0f}/s, median {self.median_ms:.2f} ms, "
            f"p99 {self.p99_ms:.1f} ms, longest {self.longest_ms:,.0f} ms"
        )


def measure(folder: Path, mode: str, writers: int, seconds: float) -> Rate:
    """Commit in ``writers`` processes to a new database in ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        path = Path(own, "commits.sqlite3")
        with closing(_open(path, mode)) as database:
            database.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, writer, data)")
            database.execute("CREATE INDEX rows_writer ON rows (writer)")
        until = time.time() + seconds
        with multiprocessing.get_context("spawn").Pool(writers) as pool:
            given = [(path, mode, number, until) for number in range(writers)]
            took = sorted(each for found in pool.starmap(_write, given, 1) for each in found)
    return Rate(
        mode,
        len(took) / max(seconds, 1e-9),
        took[len(took) // 2] * 1e3,
        took[len(took) * 99 // 100] * 1e3,
        took[-1] * 1e3,
    )


def _open(path: Path, mode: str) -> sqlite3.Connection:
    found = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    found.execute("PRAGMA journal_mode=WAL")
    found.execute(f"PRAGMA synchronous={mode}")
    return found


def _write(path: Path, mode: str, number: int, until: float) -> list[float]:
    """Commit one transaction after the other, at least one; return how long each took."""
    took: list[float] = []
    with closing(_open(path, mode)) as database:
        while not took or time.time() < until:
            began = time.perf_counter()
            database.execute("BEGIN IMMEDIATE")
            row = (number, os.urandom(ROW_BYTES))
            database.execute("INSERT INTO rows (writer, data) VALUES (?, ?)", row)
            database.execute("COMMIT")
            took.append(time.perf_counter() - began)
    return took


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path.cwd())
    parser.add_argument("--writers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sync-ms", type=float, default=0.0)
    given = parser.parse_args(arguments)
    if given.sync_ms:
        _run_slowly(given)
        return
    for _ in range(given.rounds):
        for mode in MODES:
            print(measure(given.folder, mode, given.writers, given.seconds), flush=True)


def _run_slowly(given: argparse.Namespace) -> None:
    delay = f"inject=fsync,fdatasync:delay_exit={given.sync_ms * 1000:.0f}"
    slowed = ["strace", "-f", "--seccomp-bpf", "-o", os.devnull]
    slowed += ["-e", "trace=fsync,fdatasync", "-e", delay]
    options = [
        f"--{name}={getattr(given, name)}" for name in ("folder", "writers", "seconds", "rounds")
    ]
    subprocess.run([*slowed, sys.executable, "-m", "benchmarks.commits", *options], check=True)


if __name__ == "__main__":
    main()
