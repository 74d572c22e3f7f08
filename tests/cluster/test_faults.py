"""Whatever fails, nothing that was accepted is lost, nothing is published twice, and it ends."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.faults import FAULTS, Fault
from tests.cluster.installation import Installation
from tests.cluster.servers import seconds_since
from tests.factories import capture_bytes
from tests.services.console import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

SEED = int(os.environ.get("PKTMASK_SEED", "12"))
BEFORE_SECONDS = 1.0
# until all is as before, on a machine that does other work beside
NORMAL_SECONDS = 150.0
# uploads of one person, one after the other; more are refused only while a fault lasts
MOST_FAILURES = {False: 2, True: 60}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name, marks=[pytest.mark.long] if fault.is_long else [])
        for fault in FAULTS
    ],
)
def test_nothing_accepted_is_lost_and_nothing_is_published_twice(
    installation: Installation, fault: Fault
) -> None:
    told = endured(installation, fault, random.Random(f"{SEED} {fault.name}"))
    note(told)


def endured(installation: Installation, fault: Fault, random_: random.Random) -> dict[str, Any]:
    """Give a fault under load, hold what must hold, and return what it was like."""
    wait_until(installation.is_whole, NORMAL_SECONDS, "every process")
    with installation.load() as load:
        wait_until(lambda: len(load.accepted) >= 5, 60, "the load")
        began = time.monotonic()
        end = fault.give(installation, random_)
        wait_until(lambda: seconds_since(began) >= fault.lasts_seconds, 60)
        end()
        ended = time.monotonic()
        # as before: what comes in now is done
        sent = time.monotonic()
        data = capture_bytes(f"after {fault.name} {time.monotonic_ns()}".encode())
        capture = wait_until(lambda: installation.try_to_upload(data), NORMAL_SECONDS, "an upload")
        load.accepted[capture] = data
        wait_until(
            lambda: installation.job_of(capture)[0] == "done", NORMAL_SECONDS, "a job to be done"
        )
        normal = seconds_since(ended)
    installation.wait_until_all_is_done(NORMAL_SECONDS)
    done = seconds_since(sent)
    wait_until(installation.is_whole, NORMAL_SECONDS, "every process")
    assert load.failures <= MOST_FAILURES[fault.is_seen], load.first_failure
    installation.assert_nothing_is_lost(load.accepted)
    return {
        "fault": fault.name,
        "lasted_s": round(ended - began, 1),
        "refused": load.failures,
        "accepted": len(load.accepted),
        "normal_after_s": round(normal, 1),
        "all_done_after_s": round(done, 1),
        "whole_after_s": round(seconds_since(ended), 1),
    }


def note(told: dict[str, Any]) -> None:
    """Write what it was like, where a file for it is named."""
    if path := os.environ.get("PKTMASK_FAULTS_TO"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(told)}\n")
