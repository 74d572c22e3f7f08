"""Rollbacks against workers: what is decided or published for the treatment after them.

``python -m tests.services.fence.race --workers 16 --rollbacks 40 [--without-fence]`` prints what it
found as JSON, on the database that the environment names.

What was there at the moment of a rollback is counted within it, while it holds the fence alone.
Whatever carries an epoch of before and is not in that count at the end came after its commit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.fence.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - apps must be there first

from tests.services.fence.worker import ended, no_fence, started  # noqa: E402 - see above
from trimming import policy  # noqa: E402 - see above
from trimming.choices import RunOutcome  # noqa: E402 - see above
from trimming.models import RoutingPolicy, TrimRun  # noqa: E402 - see above
from trimming.policy import Wish, emergency_rollback, publish  # noqa: E402 - see above
from trimming.routing import TREATMENT  # noqa: E402 - see above
from trimming.routing_choices import Mode, Origin  # noqa: E402 - see above

LEAST_BETWEEN = 3  # treatment decisions before the next rollback, so that each is a race


def counted(epoch: int) -> tuple[int, int]:
    """Return how much was decided, and how much published, for the treatment up to an epoch."""
    runs = TrimRun.objects.filter(strategy=TREATMENT, fence_epoch__lte=epoch)
    return runs.count(), runs.filter(outcome=RunOutcome.DONE).count()


def main() -> None:
    """Race."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--rollbacks", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-fence", action="store_true")
    asked = parser.parse_args()
    User.objects.get_or_create(username="race")
    if asked.without_fence:
        patch.object(policy, "fence", no_fence).start()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workers = started(folder, asked.workers, without_fence=asked.without_fence)
        try:
            found = _race(asked.rollbacks, random.Random(asked.seed))
        finally:
            (folder / "stop").touch()
            done, broken = ended(workers)
    found |= {"jobs": done, "broken_workers": broken}
    found |= _late(found.pop("counts"))
    sys.stdout.write(json.dumps(found))


def _race(rollbacks: int, rng: random.Random) -> dict[str, Any]:
    counts: list[tuple[int, int, int]] = []
    took_ms: list[float] = []
    check = policy._check

    def check_and_count(wish: Wish, origin: Origin, before: RoutingPolicy) -> None:
        check(wish, origin, before)
        if origin is Origin.ROLLBACK:
            counts.append((before.fence_epoch, *counted(before.fence_epoch)))

    patch.object(policy, "_check", check_and_count).start()
    for _ in range(rollbacks):
        publish(Wish(Mode.SCANNING), origin=Origin.ROLLOUT, reason="race")
        _wait_for_decisions(policy.newest_policy().fence_epoch, LEAST_BETWEEN)
        time.sleep(rng.random() * 0.05)
        started = time.perf_counter()
        emergency_rollback(reason="race")
        took_ms.append((time.perf_counter() - started) * 1000)
    return {
        "rollbacks": rollbacks,
        "median_ms": round(statistics.median(took_ms), 1),
        "longest_ms": round(max(took_ms), 1),
        "counts": counts,
    }


def _wait_for_decisions(epoch: int, most: int) -> None:
    runs = TrimRun.objects.filter(strategy=TREATMENT, fence_epoch=epoch)
    deadline = time.monotonic() + 120
    while runs.count() < most:
        if time.monotonic() > deadline:
            raise TimeoutError("nothing goes to the treatment")
        time.sleep(0.005)


def _late(counts: list[tuple[int, int, int]]) -> dict[str, int]:
    decided = published = 0
    for epoch, decided_then, published_then in counts:
        decided_now, published_now = counted(epoch)
        decided += decided_now - decided_then
        published += published_now - published_then
    treatment = TrimRun.objects.filter(strategy=TREATMENT)
    return {
        "late_decisions": decided,
        "late_publications": published,
        "treatment_runs": treatment.count(),
        "treatment_published": treatment.filter(outcome=RunOutcome.DONE).count(),
        "discarded": treatment.filter(outcome=RunOutcome.DISCARDED).count(),
    }


if __name__ == "__main__":
    main()
