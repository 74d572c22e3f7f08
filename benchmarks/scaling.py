"""What more workers, another broker and more people at once come to, on several machines in one.

Usage: DJANGO_SETTINGS_MODULE=tests.settings python -m benchmarks.scaling [--captures 300]
       [--people 16] [--json FILE] [--into docs/scaling.md]

For each row of SETUPS a whole installation of the tests is started (PostgreSQL, an S3 server of one
process, nginx, with Redis or without): captures are uploaded by several people at once while there
are no workers, then the workers begin.  Figures of a row come from its database.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import django
import numpy as np
import psutil

from benchmarks.machine import describe_commit, describe_machine

START: Final = "<!-- figures: begin -->"
END: Final = "<!-- figures: end -->"


@dataclass(frozen=True, slots=True)
class Setup:
    """One arrangement.  ``groups`` of ``workers`` each, every group on a machine of its own."""

    name: str
    groups: int
    workers: int
    with_redis: bool


SETUPS: Final = (
    Setup("database as the broker", 1, 2, False),
    Setup("database as the broker", 2, 2, False),
    Setup("database as the broker", 4, 2, False),
    Setup("Redis as the broker", 1, 2, True),
    Setup("Redis as the broker", 2, 2, True),
    Setup("Redis as the broker", 4, 2, True),
)
WORKED_OFF: Final = """
SELECT extract(epoch FROM max(finished_at) - min(started_at)), count(*), sum(input_bytes)
FROM trimming_trimrun WHERE outcome = 'done'
"""
PAGES: Final = 100
COMMITTED: Final = "SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = 'postgres'"
WAITED: Final = """
SELECT extract(epoch FROM r.started_at - j.created_at)
FROM trimming_trimrun r JOIN trimming_trimjob j ON j.id = r.job_id WHERE j.created_at >= ?
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each setup, print a table, and keep it where that is asked for."""
    django.setup()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--captures", type=int, default=300)
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--into", type=Path)
    options = parser.parse_args(arguments)
    rows = []
    for setup in SETUPS:
        rows.append({**asdict(setup), **measured(setup, options.captures, options.people)})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    table = shown(rows, options.captures, options.people)
    print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if options.into:
        before, _, rest = options.into.read_text().partition(START)
        options.into.write_text(f"{before}{START}\n\n{table}\n{END}{rest.partition(END)[2]}")
    return 0


def measured(setup: Setup, captures: int, people: int) -> dict[str, Any]:
    """Return the figures of one setup."""
    from tests.cluster.installation import START_SECONDS, Installation
    from tests.services.console import wait_until

    groups = [f"workers{number}" for number in range(setup.groups)]
    machines = {"web1": ("web",), "web2": ("web",), "monitor": ("monitor",)}
    with tempfile.TemporaryDirectory() as folder:
        made = Installation(
            Path(folder),
            {**machines, **dict.fromkeys(groups, ("workers",))},
            {"PKTMASK_WORKERS": str(setup.workers), "PKTMASK_TRIMMING__LEASE_SECONDS": "30"},
            with_redis=setup.with_redis,
        )
        try:
            made.start(but=groups)
            uploads = _upload(made, captures, people)
            began, before = psutil.cpu_times(), made.rows(COMMITTED)[0][0]
            for name in groups:
                made.machines[name].spawn()
            made.wait_until_all_is_done(START_SECONDS * 4)
            busy = _busy_share(began, psutil.cpu_times())
            committed = made.rows(COMMITTED)[0][0] - before
            [(seconds, jobs, size)] = made.rows(WORKED_OFF)
            wait_until(made.is_whole, START_SECONDS, "every process")
            waits = _wait_when_idle(made)
            return {
                **uploads,
                **(_pages_hear(made) if setup.with_redis else {}),
                "jobs_per_s": round(jobs / float(seconds), 1),
                "bytes_per_s": round(float(size) / float(seconds)),
                "transactions_per_job": round(committed / jobs),
                "cpu_busy_percent": round(100 * busy),
                "begins_after_ms": round(1000 * float(np.median(waits))),
                "begins_after_p95_ms": round(1000 * float(np.quantile(waits, 0.95))),
            }
        finally:
            made.kill_everything()


def _upload(made: Any, captures: int, people: int) -> dict[str, Any]:
    """Upload small captures, so many people at once; return rate and times to the answer."""
    from tests.cluster.installation import another_person
    from tests.factories import capture_bytes

    numbers, times, lock = iter(range(captures)), [], threading.Lock()

    def work(person: Any) -> None:
        while True:
            with lock:
                if next(numbers, None) is None:
                    return
            data = capture_bytes(uuid.uuid4().bytes * 512)
            began = time.monotonic()
            person.upload("small.pcap", data)
            times.append(time.monotonic() - began)

    persons = [another_person(made) for _ in range(people)]
    threads = [threading.Thread(target=work, args=(person,)) for person in persons]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "uploads_per_s": round(captures / (time.monotonic() - began), 1),
        "upload_ms": round(1000 * float(np.median(times))),
        "upload_p95_ms": round(1000 * float(np.quantile(times, 0.95))),
    }


def _pages_hear(made: Any) -> dict[str, Any]:
    """Return how soon PAGES open pages hear of a sample, behind the proxy."""
    password = {"PKTMASK_BENCH_PASSWORD": made.password}
    command = [sys.executable, "-m", "benchmarks.fanout", "--url", made.url, "--deaf", "0"]
    done = subprocess.run(
        [*command, "--clients", str(PAGES), "--seconds", "32"],
        env={**os.environ, **password},
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    return {
        "pages_heard_percent": round(100 * found["heard"] / found["expected"], 1),
        "pages_ms": found["p50_ms"],
        "pages_p99_ms": found["p99_ms"],
    }


def _wait_when_idle(made: Any, count: int = 20) -> list[float]:
    """Return how long single captures wait for a worker while nothing else is done, in seconds."""
    from tests.factories import capture_bytes

    [(since,)] = made.rows("SELECT now()")
    for _ in range(count):
        made.upload("one.pcap", capture_bytes(uuid.uuid4().bytes))
        made.wait_until_all_is_done(60)
    return [float(row[0]) for row in made.rows(WAITED, since)]


def _busy_share(before: Any, after: Any) -> float:
    spent = [late - early for early, late in zip(before, after, strict=True)]
    idle = after.idle - before.idle + after.iowait - before.iowait
    return float(1 - idle / sum(spent))


def _heard(row: dict[str, Any]) -> str:
    """Return when pages hear; without Redis they read the database every 10 to 20 s."""
    if "pages_ms" not in row:
        return "within 20 s"
    return f"{row['pages_ms']} and {row['pages_p99_ms']} ms, {row['pages_heard_percent']} %"


def shown(rows: Sequence[dict[str, Any]], captures: int, people: int) -> str:
    """Return the figures as a table in Markdown."""
    machine, commit = describe_machine(Path(tempfile.gettempdir())), describe_commit()
    head = (
        "| broker | groups x workers | uploads/s | answer, median and p95 | jobs/s | MB/s "
        f"| begins after, median and p95 | {PAGES} pages hear, median and p99 "
        "| transactions a job | CPU busy |"
    )
    lines = [
        f"| {row['name']} | {row['groups']} x {row['workers']} | {row['uploads_per_s']} "
        f"| {row['upload_ms']} and {row['upload_p95_ms']} ms | {row['jobs_per_s']} "
        f"| {row['bytes_per_s'] / 1e6:.2f} "
        f"| {row['begins_after_ms']} and {row['begins_after_p95_ms']} ms "
        f"| {_heard(row)} | {row['transactions_per_job']} | {row['cpu_busy_percent']} % |"
        for row in rows
    ]
    about = (
        f"`python -m benchmarks.scaling --captures {captures} --people {people}`, commit "
        f"`{commit}`, {machine['cores']} cores of {machine['cpu_model']}, all of it on one machine."
    )
    return "\n".join([about, "", head, "| --- " * 10 + "|", *lines])


if __name__ == "__main__":
    sys.exit(main())
