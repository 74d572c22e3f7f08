"""What django-q2 calls.  Tasks carry ids only; the database holds the truth."""

from __future__ import annotations

import os
import socket
from uuid import UUID

CLUSTER_VARIABLE = "PKTMASK_CLUSTER"


def worker_name() -> str:
    """Return the name of this worker: its cluster's, then its process."""
    cluster = os.environ.get(CLUSTER_VARIABLE) or socket.gethostname()
    return f"{cluster}/{os.getpid()}"


def run_shadow(shadow_id: str) -> None:
    """Do one attempt at a comparison, under one version of the settings and within its limits."""
    from config.current import adopt_newest, pinned
    from trimming.shadow_runner import run_shadow as run
    from trimming.worker_limits import limited_job

    with pinned(adopt_newest()), limited_job():
        run(UUID(shadow_id), worker_name())


def run_job(job_id: str) -> None:
    """Do one attempt at a job, under one version of the settings and within its limits."""
    from config.current import adopt_newest, pinned
    from trimming.runner import run_job as run
    from trimming.worker_limits import limited_job

    with pinned(adopt_newest()), limited_job():
        run(UUID(job_id), worker_name())
