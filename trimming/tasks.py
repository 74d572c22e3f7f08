"""What django-q2 calls.  Tasks carry ids only; the database holds the truth."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

CLUSTER_VARIABLE = "PKTMASK_CLUSTER"


def worker_name() -> str:
    """Return the name of this worker: its cluster's, then its process."""
    cluster = os.environ.get(CLUSTER_VARIABLE) or socket.gethostname()
    return f"{cluster}/{os.getpid()}"


@contextmanager
def one_piece_of_work() -> Iterator[None]:
    """Work under one version of the settings, and within the limits of a worker."""
    from config.current import adopt_newest, pinned
    from trimming.worker_limits import limited_job

    with pinned(adopt_newest()), limited_job():
        yield


def run_shadow(shadow_id: str) -> None:
    """Do one attempt at a comparison."""
    from trimming.apart.readers import doing
    from trimming.shadow_runner import run_shadow as run

    with one_piece_of_work():
        run(UUID(shadow_id), worker_name(), doing())


def run_job(job_id: str) -> None:
    """Do one attempt at the job whose turn it is; ``job_id`` waited when the message was sent."""
    from trimming.apart.readers import doing
    from trimming.runner import run_next
    from trimming.waiting import call_next

    with one_piece_of_work():
        run_next(worker_name(), doing())
    call_next()
