"""``manage.py workers``: the django-q2 cluster in the foreground."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import uuid
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connections

from config.current import Watch, adopt_newest
from pktmask_site.processes import die_with_parent_after_each_fork
from trimming.apart.readers import doing
from trimming.tasks import CLUSTER_VARIABLE
from trimming.worker_limits import limit_worker, step_back


def _begin_worker(**_: Any) -> None:
    Watch("worker").start()  # a worker that replaces another one inherits what is old by now
    limit_worker()
    step_back()


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C; both let running jobs end first."""

    help = "Run the workers that do the jobs."
    # `up` has checked them
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the cluster; exit code 1 when it ended without having been told to."""
        from django_q.cluster import Cluster
        from django_q.signals import post_execute, post_spawn

        from monitoring.tasks import note_sign

        # names of workers hold the cluster's, so that its jobs can be told from another's
        os.environ.setdefault(CLUSTER_VARIABLE, uuid.uuid4().hex)
        # the cluster hands on what it has imported and connected
        multiprocessing.set_start_method("fork", force=True)
        post_execute.connect(note_sign)
        # in each worker, once it is a process of its own
        post_spawn.connect(_begin_worker)
        adopt_newest()  # workers inherit it
        connections.close_all()
        die_with_parent_after_each_fork()
        # before the cluster's own handlers there is nothing to stop
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        # in each worker it would take seconds in which nobody does anything, as if all were stuck
        doing()
        cluster = Cluster()
        told = [False]
        stop = cluster.sig_handler

        def stop_in_order(number: int, frame: Any) -> None:
            told[0] = True
            if cluster.sentinel is None:
                sys.exit(0)
            stop(number, frame)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop_in_order)
        cluster.start()
        cluster.sentinel.join()
        if not told[0]:
            sys.exit(1)
