"""Processes that do jobs through the real worker task, one after the other, until they are told.

``python -m tests.services.fence.worker FOLDER [--workers N] [--without-fence] [--once JOB]``; they
end when ``FOLDER/stop`` is there, and make the jobs that they do themselves.  They are forked once
all is loaded, so that many start as quickly as one.  What is printed is JSON: ``jobs`` that were
done, and how many processes were ``broken``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import traceback
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.fence.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - apps must be there first

from tests.captures import pcap  # noqa: E402 - see above
from tests.factories import make_job  # noqa: E402 - see above
from trimming import jobs, runner, tasks  # noqa: E402 - see above
from trimming.choices import JobState  # noqa: E402 - see above
from trimming.models import TrimJob  # noqa: E402 - see above
from trimming.worker_limits import step_back  # noqa: E402 - see above

ROOT = Path(__file__).resolve().parents[3]


@contextlib.contextmanager
def no_fence(*, exclusive: bool = False) -> Iterator[None]:
    """Hold nothing: what a test must notice."""
    yield


def started(folder: Path, workers: int, *, without_fence: bool) -> subprocess.Popen[str]:
    """Start so many of them, from another process."""
    flags = ["--without-fence"] if without_fence else []
    command = [sys.executable, "-m", "tests.services.fence.worker", str(folder), *flags]
    return subprocess.Popen(
        [*command, "--workers", str(workers)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def ended(processes: subprocess.Popen[str]) -> tuple[int, int]:
    """Wait for the end of what was started; return how many jobs were done and how many broke."""
    said, _ = processes.communicate()
    found = json.loads(said) if processes.returncode == 0 else {"jobs": 0, "broken": 1}
    return found["jobs"], found["broken"]


def main() -> None:
    """Do jobs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--without-fence", action="store_true")
    parser.add_argument("--once", type=uuid.UUID)
    asked = parser.parse_args()
    patch.object(jobs, "send").start()  # the race is not about messages
    if asked.without_fence:
        patch.object(jobs, "fence", no_fence).start()
    if asked.once:
        do(asked.once)
        return
    with ProcessPoolExecutor(asked.workers, get_context("fork")) as pool:
        ends = [pool.submit(_work, asked.folder) for _ in range(asked.workers)]
    whole = []
    for end in ends:
        if (error := end.exception()) is None:
            whole.append(end)
        else:
            traceback.print_exception(error)
    found = {"jobs": sum(end.result() for end in whole), "broken": len(ends) - len(whole)}
    sys.stdout.write(json.dumps(found))


def _work(folder: Path) -> int:
    """Do jobs until it is told to stop; return how many."""
    step_back()
    owner = User.objects.get(username="race")
    done = 0
    while not (folder / "stop").exists():
        job = make_job(owner, data=_capture())
        while TrimJob.objects.filter(pk=job.pk, state=JobState.WAITING).exists():
            do(job.pk)
        done += 1
    return done


def do(job_id: uuid.UUID) -> None:
    """Do one attempt at a job as a worker does."""
    with tasks.one_piece_of_work():
        runner.run_job(job_id, tasks.worker_name())


def _capture() -> bytes:
    return pcap([uuid.uuid4().bytes * 4])


if __name__ == "__main__":
    main()
