"""Faults at random, one after the other, under load, for as long as is asked for.

`PKTMASK_SOAK_SECONDS=1800 PKTMASK_SOAK_FAULTS=200 pytest -m long tests/cluster/test_soak.py` ends
when both are reached; PKTMASK_SEED chooses the faults, PKTMASK_FAULTS_TO names a file for what each
was like.  Nothing is lost, nothing is
published twice, and memory, connections, open files and disk do not grow beyond what is kept.
"""

from __future__ import annotations

import os
import random
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import psutil
import pytest

from tests.cluster.faults import FAULTS
from tests.cluster.installation import Installation
from tests.cluster.servers import seconds_since
from tests.cluster.test_faults import NORMAL_SECONDS, SEED, endured, note
from tests.services.console import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.long]

SOAK_SECONDS = float(os.environ.get("PKTMASK_SOAK_SECONDS", "300"))
SOAK_FAULTS = int(os.environ.get("PKTMASK_SOAK_FAULTS", "4"))  # growth is seen in four quarters
# what a last quarter may have more than the second one; the first warms up
GROWTH: Final = {
    "rss_bytes": 1.15,
    "connections": 1.25,
    "open_files": 1.15,
    "disk_bytes": 1.25,
}


def measured(installation: Installation) -> dict[str, float]:
    """Return what the machines use now, when every process is there."""
    processes = [each for machine in installation.machines.values() for each in machine.alive()]
    files = 0
    for process in processes:
        with suppress(psutil.Error):
            files += process.num_fds()
    [(connections,)] = installation.rows("SELECT count(*) FROM pg_stat_activity")
    disk = 0
    for machine in installation.machines.values():
        folder = Path(machine.environ["PKTMASK_DATA_DIR"])
        for path in folder.rglob("*"):
            with suppress(OSError):
                disk += path.stat().st_size if path.is_file() else 0
    return {
        "rss_bytes": float(sum(installation.rss_bytes().values())),
        "connections": float(connections),
        "open_files": float(files),
        "disk_bytes": float(disk),
    }


def test_after_random_faults_for_a_long_time_nothing_is_lost_and_nothing_has_grown(
    installation: Installation,
) -> None:
    began = time.monotonic()
    found: list[dict[str, float]] = []
    for number in range(1_000_000):
        if seconds_since(began) >= SOAK_SECONDS and number >= SOAK_FAULTS:
            break
        random_ = random.Random(f"{SEED} {number}")
        fault = random_.choice(FAULTS)
        told = endured(installation, fault, random_)
        wait_until(installation.is_whole, NORMAL_SECONDS, "every process")
        found.append(measured(installation))
        note({"number": number, **told, **found[-1]})
    quarter = len(found) // 4
    for name, most in GROWTH.items():
        series = [each[name] for each in found]
        early = float(np.median(series[quarter : 2 * quarter]))
        late = float(np.median(series[-quarter:]))
        assert late <= most * early, f"{name} grew from {early:,.0f} to {late:,.0f}"
