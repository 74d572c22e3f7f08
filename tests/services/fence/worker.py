"""A process that does jobs through the real worker task, one after the other, until it is told.

``python -m tests.services.fence.worker FOLDER [--without-fence] [--once JOB]``; it ends when
``FOLDER/stop`` is there, and makes the jobs that it does itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.fence.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - apps must be there first

from tests.captures import pcap  # noqa: E402 - see above
from tests.factories import make_job  # noqa: E402 - see above
from trimming import jobs, tasks  # noqa: E402 - see above
from trimming.choices import JobState  # noqa: E402 - see above
from trimming.models import TrimJob  # noqa: E402 - see above
from trimming.worker_limits import step_back  # noqa: E402 - see above


@contextlib.contextmanager
def no_fence(*, exclusive: bool = False) -> Iterator[None]:
    """Hold nothing: what a test must notice."""
    yield


def main() -> None:
    """Do jobs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--without-fence", action="store_true")
    parser.add_argument("--once", type=uuid.UUID)
    asked = parser.parse_args()
    patch.object(jobs, "send").start()  # the race is not about messages
    if asked.without_fence:
        patch.object(jobs, "fence", no_fence).start()
    if asked.once:
        tasks.run_job(str(asked.once))
        return
    step_back()
    owner = User.objects.get(username="race")
    done = 0
    while not (asked.folder / "stop").exists():
        job = make_job(owner, data=_capture())
        while TrimJob.objects.filter(pk=job.pk, state=JobState.WAITING).exists():
            tasks.run_job(str(job.pk))
        done += 1
    sys.stdout.write(f"{done}\n")


def _capture() -> bytes:
    return pcap([uuid.uuid4().bytes * 4])


if __name__ == "__main__":
    main()
