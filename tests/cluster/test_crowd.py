"""Many captures and many people at once: everything ends, pages stay quick, the short go first.

`make test-long` with PKTMASK_JOBS=10000, PKTMASK_LARGE=1000 and PKTMASK_UPLOADS=100 for the full
figures, which are written to PKTMASK_CROWD_TO.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cluster.installation import Installation, another_person
from tests.cluster.servers import seconds_since
from tests.factories import capture_bytes
from tests.services.console import wait_until
from trimming.jobs import ENOUGH_CALLS

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

PAGES = ("/", "/captures/", "/health/", "/alerts/", "/trends/")
SECONDS = 240.0
LONG_BYTES = 6_000_000
QUEUE = "django_q:pktmask:q"
# jobs like those that were uploaded, without the uploads: as many as are asked for
MULTIPLY = """
from django.contrib.auth.models import User
from django.db import transaction
from trimming.jobs import create_job
from trimming.models import Capture, Profile
owner = User.objects.get(username="admin")
profile = Profile.objects.filter(name="standard").latest("version")
found = list(Capture.objects.filter(name={name!r}))
for number in range({count}):
    create_job(found[number % len(found)], profile, owner)
"""


def asked(name: str, usual: int) -> int:
    """Return how many are asked for."""
    return int(os.environ.get(f"PKTMASK_{name}", usual))


def long_capture() -> bytes:
    """Return a capture that legacy needs longer for than a short job may take."""
    return capture_bytes(os.urandom(LONG_BYTES))


@contextmanager
def looked_at(installation: Installation, times: list[float]) -> Iterator[None]:
    """Ask for pages meanwhile, one after the other, and note how long each took."""
    stopping, person = threading.Event(), another_person(installation)

    def look() -> None:
        while not stopping.is_set():
            for page in PAGES:
                began = time.monotonic()
                person.request(page)
                times.append(seconds_since(began))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def test_all_of_a_crowd_is_served_while_pages_are_looked_at(installation: Installation) -> None:
    jobs, people = asked("JOBS", 60), asked("UPLOADS", 8)
    wait_until(installation.is_whole, SECONDS, "every process")
    first = installation.upload("many.pcap", capture_bytes(b"many times"))
    wait_until(lambda: installation.job_of(first)[0] == "done", SECONDS, "the first job")
    installation.shell(MULTIPLY.format(name="many.pcap", count=jobs))
    accepted: dict[uuid.UUID, bytes] = {}
    times: list[float] = []
    began = time.monotonic()
    with looked_at(installation, times):
        persons = [another_person(installation) for _ in range(people)]

        def upload(person: Any) -> None:
            data = capture_bytes(uuid.uuid4().bytes * 100)
            accepted[person.upload("crowd.pcap", data)] = data

        assert installation.redis is not None
        most_calls = installation.redis.client().llen(QUEUE)
        threads = [threading.Thread(target=upload, args=(person,)) for person in persons]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        installation.wait_until_all_is_done(SECONDS + jobs)
    taken = seconds_since(began)
    assert len(accepted) == people
    installation.assert_nothing_is_lost(accepted)
    assert most_calls <= ENOUGH_CALLS
    tell(
        test="a crowd",
        jobs=jobs,
        uploads=people,
        seconds=round(taken, 1),
        pages=len(times),
        page_p95_s=round(float(np.quantile(times, 0.95)), 3),
        largest_rss_mb=round(max(installation.rss_bytes().values()) / 1e6),
    )


def test_a_short_capture_begins_before_the_long_ones_that_waited_for_longer(
    installation: Installation,
) -> None:
    count = asked("LARGE", 30)
    wait_until(installation.is_whole, SECONDS, "every process")
    installation.sign_in(anew=True)  # a large crowd takes longer than a session lasts unused
    long = installation.upload("long.pcap", long_capture(), "legacy")
    installation.shell(MULTIPLY.format(name="long.pcap", count=count))
    wait_until(
        lambda: installation.rows(
            "SELECT 1 FROM trimming_trimjob WHERE state = 'running' AND total_bytes > 1000000"
        ),
        SECONDS,
        "a long job to begin",
    )
    short = installation.upload("short.pcap", capture_bytes(uuid.uuid4().bytes))
    wait_until(lambda: installation.job_of(short)[0] == "done", SECONDS, "the short job")
    waiting = "SELECT count(*) FROM trimming_trimjob WHERE state = 'waiting' AND capture_id = ?"
    [(left,)] = installation.rows(waiting, long)
    began = "SELECT extract(epoch FROM claimed_at - created_at) FROM trimming_trimjob"
    [(waited,)] = installation.rows(f"{began} WHERE capture_id = ?", short)
    assert left > 0
    # what is left would only keep the next test waiting
    installation.rows_of("UPDATE trimming_trimjob SET state = 'cancelled' WHERE state = 'waiting'")
    installation.wait_until_all_is_done(SECONDS)
    tell(test="a short one behind long ones", long=count, waited_s=round(float(waited), 2))


def tell(**facts: Any) -> None:
    """Write figures, where a file for them is named."""
    if path := os.environ.get("PKTMASK_CROWD_TO"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(facts)}\n")
