"""The parts of the service on one machine, and what is put right around their lives."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings

from monitoring import heartbeats
from pktmask_site import processes
from pktmask_site.supervisor import Part
from trimming.leftovers import remove_left_folders
from trimming.sweeper import send_all_again, take_back
from trimming.tasks import CLUSTER_VARIABLE

log = structlog.get_logger("pktmask.supervisor")

# the workers whose name starts so are all there can be on one machine
EVERY_WORKER = ""


def command(*arguments: str) -> list[str]:
    """Return the arguments that start one of our own commands."""
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]


def start_compiling() -> subprocess.Popen[bytes]:
    """Start a process that compiles the kernels that are not compiled yet, and ends."""
    paths = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    return processes.spawn(
        [sys.executable, "-m", "trimming.engine.warm"],
        {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def service_parts(host: str, port: int, compiling: subprocess.Popen[bytes]) -> list[Part]:
    """Return the parts: web server, workers, monitor.

    Workers start when ``compiling`` has ended, or each of them would compile the same kernels.
    """
    workers = Workers()
    return [
        Part("web", command("web", "--host", host, "--port", str(port))),
        Part(
            "workers",
            command("workers"),
            before=workers.before,
            after=workers.after,
            is_stuck=heartbeats.workers_are_stuck,
            may_start=lambda: compiling.poll() is not None,
        ),
        Part(
            "monitor",
            command("monitor"),
            before=_before_monitor,
            is_stuck=heartbeats.monitor_is_silent,
        ),
    ]


def _before_monitor() -> Mapping[str, str]:
    heartbeats.begin(heartbeats.MONITOR)
    return {}


class Workers:
    """A cluster has a name of its own in each life, so that its jobs can be taken back."""

    def __init__(self) -> None:
        self._cluster = ""

    def before(self) -> Mapping[str, str]:
        """Name the next cluster, and forget what was asked of the last one."""
        self._cluster = uuid.uuid4().hex
        heartbeats.begin(heartbeats.WORKERS)
        return {CLUSTER_VARIABLE: self._cluster}

    def after(self, in_order: bool) -> None:
        """Take back the jobs of a cluster that is gone, to its last process.

        After an orderly stop nothing counts against them.  After anything else it does, also when
        it was the supervisor that ended a stuck cluster: a job may be what it got stuck on.
        """
        put_right(f"{self._cluster}/", forgiven=in_order)


def put_right(worker_prefix: str, *, forgiven: bool) -> None:
    """Take back the jobs of workers that are gone, and send every waiting job anew.

    The queue is emptied first: what the dead had in memory is lost, and a job whose message is
    still there would be sent twice.
    """
    from django_q.brokers import get_broker

    taken = take_back(worker_prefix, forgiven=forgiven)
    get_broker().purge_queue()
    sent = send_all_again()
    remove_left_folders(ended_before=timedelta(0))
    if taken:
        log.warning("jobs_taken_back", count=taken, waiting=sent, forgiven=forgiven)
