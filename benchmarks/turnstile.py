"""How long a rollback, and everybody else, waits for the one lock of SQLite.

``python -m benchmarks.turnstile [--writers 16] [--rollbacks 100]``: processes that do nothing but
write, through Django as the service does, while the fence is taken alone again and again; with the
turnstile and without it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from unittest.mock import patch

REST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Waits:
    """Times from the wish to the commit, in seconds."""

    rollbacks: Sequence[float]
    writers: Sequence[float]

    def __str__(self) -> str:
        first = sorted(self.rollbacks)
        return (
            f"alone: median {first[len(first) // 2] * 1e3:.1f} ms, longest {first[-1] * 1e3:.0f} ms"
            f"; {len(self.writers):,} writes, longest {max(self.writers):.2f} s"
        )


def measure(folder: Path, writers: int, rollbacks: int, *, with_turnstile: bool) -> Waits:
    """Measure on a new database in ``folder``, in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, folder, writers, rollbacks, with_turnstile).result()


def _measure(folder: Path, writers: int, rollbacks: int, with_turnstile: bool) -> Waits:
    os.environ["PKTMASK_DATA_DIR"] = str(folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = "pktmask_site.settings"
    import django

    if not with_turnstile:
        patch("trimming.turnstile.install", _nothing).start()
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    User.objects.create_user("race")
    connection.close()
    context = multiprocessing.get_context("fork")
    stop, results = context.Event(), context.Queue()
    busy = [context.Process(target=_write, args=(stop, results.put)) for _ in range(writers)]
    for each in busy:
        each.start()
    alone = [_take_alone() for _ in range(rollbacks)]
    stop.set()
    found = [results.get() for _ in busy]
    for each in busy:
        each.join()
    return Waits(alone, [seconds for times in found for seconds in times])


def _nothing(**_signal: object) -> None:
    """Let each wait as SQLite does."""


def _take_alone() -> float:
    from trimming.fence import fence

    time.sleep(REST_SECONDS)
    began = time.monotonic()
    with fence(exclusive=True):
        _touch()
    return time.monotonic() - began


def _write(stop: Event, tell: Callable[[list[float]], None]) -> None:
    from django.db import transaction

    times: list[float] = []
    while not times or not stop.is_set():
        began = time.monotonic()
        with transaction.atomic():
            _touch()
        times.append(time.monotonic() - began)
    tell(times)


def _touch() -> None:
    from django.contrib.auth.models import User

    User.objects.filter(username="race").update(first_name=str(time.monotonic()))


def main() -> None:
    """Measure both, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turnstile", description=__doc__)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--rollbacks", type=int, default=100)
    asked = parser.parse_args()
    for with_turnstile in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(
                Path(folder), asked.writers, asked.rollbacks, with_turnstile=with_turnstile
            )
        print("with the turnstile" if with_turnstile else "without it", found, sep=": ", flush=True)


if __name__ == "__main__":
    main()
