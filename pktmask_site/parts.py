"""The parts of the service on one machine, and what is put right around their lives."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path

import structlog
from django.conf import settings

from monitoring import heartbeats
from pktmask_site import processes
from pktmask_site.environment import PARTS
from pktmask_site.supervisor import Part
from trimming.engine.ready import is_ready
from trimming.leftovers import remove_left_folders
from trimming.sweeper import call_all, take_back
from trimming.tasks import CLUSTER_VARIABLE

log = structlog.get_logger("pktmask.supervisor")

# the workers whose name starts so are all there can be on one machine
EVERY_WORKER = ""


def command(*arguments: str) -> list[str]:
    """Return the arguments that start one of our own commands."""
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]


def start_compiling() -> subprocess.Popen[bytes] | None:
    """Start a process that compiles the kernels, and ends; None where all of them are compiled."""
    if is_ready():
        return None
    paths = [str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    return processes.spawn(
        [sys.executable, "-m", "trimming.engine.warm"],
        {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )


def service_parts(
    host: str, port: int, compiling: subprocess.Popen[bytes] | None, which: Collection[str] = PARTS
) -> list[Part]:
    """Return the parts of this machine: of web server, workers and monitor, those in ``which``.

    Workers start when ``compiling`` has ended, or each of them would compile the same kernels.
    """
    workers = Workers()
    every = [
        Part("web", command("web", "--host", host, "--port", str(port))),
        Part(
            "workers",
            command("workers"),
            before=workers.before,
            after=workers.after,
            is_stuck=workers.are_stuck,
            may_start=lambda: compiling is None or compiling.poll() is not None,
        ),
        Part(
            "monitor",
            command("monitor"),
            before=_before_monitor,
            is_stuck=heartbeats.monitor_is_silent,
        ),
    ]
    return [part for part in every if part.name in which]


def _before_monitor() -> Mapping[str, str]:
    heartbeats.begin(heartbeats.MONITOR)
    return {}


class Workers:
    """A cluster has a name of its own in each life, so that its jobs can be taken back.

    The name lies in the data folder, for the next start to take back what a machine that failed
    had under way.
    """

    def __init__(self) -> None:
        self._cluster = ""

    def before(self) -> Mapping[str, str]:
        """Name the next cluster, and forget what was asked of the last one."""
        self._cluster = uuid.uuid4().hex
        _last_cluster().write_text(self._cluster, encoding="ascii")
        heartbeats.begin(heartbeats.workers_here())
        return {CLUSTER_VARIABLE: self._cluster}

    def are_stuck(self) -> bool:
        """Tell whether the cluster lives and does nothing."""
        return heartbeats.workers_are_stuck(f"{self._cluster}/")

    def after(self, in_order: bool) -> None:
        """Take back the jobs of a cluster that is gone, to its last process.

        After an orderly stop nothing counts against them.  After anything else it does, also when
        it was the supervisor that ended a stuck cluster: a job may be what it got stuck on.
        """
        put_right(f"{self._cluster}/", forgiven=in_order)


def _last_cluster() -> Path:
    return Path(settings.DATA_DIR) / "cluster"


def put_right_at_start() -> None:
    """Take back what was under way when this machine ended last.

    A machine that is alone takes back everything; among others, what its own workers had.
    """
    if settings.INSTALLATION.is_alone:
        put_right(EVERY_WORKER, forgiven=False)
    elif _last_cluster().exists():
        put_right(f"{_last_cluster().read_text(encoding='ascii')}/", forgiven=False)


def put_right(worker_prefix: str, *, forgiven: bool) -> None:
    """Take back the jobs of workers that are gone, and call workers to what waits.

    What the dead had in memory of the queue is lost.  On a machine that is alone the queue is
    emptied: nobody else reads it, and a job whose message is still there would be called twice.
    """
    from django_q.brokers import get_broker

    taken = take_back(worker_prefix, forgiven=forgiven)
    if settings.INSTALLATION.is_alone:
        get_broker().purge_queue()
    waiting = call_all()
    remove_left_folders(ended_before=timedelta(0))
    if taken:
        log.warning("jobs_taken_back", count=taken, waiting=waiting, forgiven=forgiven)
