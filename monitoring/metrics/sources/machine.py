"""How the machine and its parts are now."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import psutil
from django.conf import settings
from django.db.models import Count, Min
from django.utils.translation import gettext_lazy as _

from monitoring.heartbeats import pulse_now
from monitoring.metrics.registry import Kind, Metric, Values, Window, registry
from monitoring.pulse import Pulse
from trimming.choices import OPEN_STATES, JobState
from trimming.models import Breaker, RoutingPolicy, TrimJob
from trimming.routing_choices import BreakerState

MACHINE = (
    Metric("cpu_percent", "%", Kind.GAUGE, _("CPU in use")),
    Metric("memory_percent", "%", Kind.GAUGE, _("memory in use")),
    Metric("disk_percent", "%", Kind.GAUGE, _("disk in use")),
    Metric("worker_rss_bytes", "bytes", Kind.GAUGE, _("memory of the largest process")),
    Metric("service_cpu_percent", "%", Kind.GAUGE, _("CPU that the service itself uses")),
)
QUEUE = (
    Metric("jobs_waiting", "captures", Kind.GAUGE, _("captures waiting")),
    Metric("jobs_running", "captures", Kind.GAUGE, _("captures being trimmed")),
    Metric("oldest_waiting_seconds", "s", Kind.GAUGE, _("how long the oldest one waits")),
    Metric("workers_answer", "", Kind.GAUGE, _("workers answer (1) or not (0)")),
)
ROUTING = (
    Metric("policy_version", "", Kind.GAUGE, _("routing policy in force")),
    Metric("fence_epoch", "", Kind.GAUGE, _("epoch of the routing policy")),
    Metric("treatment_share", "", Kind.GAUGE, _("share of captures to scanning")),
    Metric("breakers_open", "", Kind.GAUGE, _("strategies that are given no work")),
)

_seen: dict[int, psutil.Process] = {}


def machine(window: Window) -> Values:
    """Measure this machine, and the processes of the service on it."""
    disk = psutil.disk_usage(str(settings.DATA_DIR))
    processes = _own_processes()
    sizes, used = [], 0.0
    for process in processes:
        try:
            sizes.append(process.memory_info().rss)
            used += process.cpu_percent()
        except psutil.Error:
            continue
    values = {
        "cpu_percent": psutil.cpu_percent(),
        "memory_percent": psutil.virtual_memory().percent,
        "disk_percent": disk.percent,
        # as the machine is counted: 100 is all cores
        "service_cpu_percent": round(used / (psutil.cpu_count() or 1), 2),
    }
    return values | ({"worker_rss_bytes": max(sizes)} if sizes else {})


def _own_processes() -> list[psutil.Process]:
    """Return the processes below whoever started this one; the same objects each time."""
    root = psutil.Process(os.getppid() if os.getppid() > 1 else os.getpid())
    found = {each.pid: each for each in [root, *root.children(recursive=True)]}
    for pid in list(_seen):
        if pid not in found or _seen[pid] != found[pid]:
            del _seen[pid]
    for pid, process in found.items():
        _seen.setdefault(pid, process)
    return list(_seen.values())


def queue(window: Window) -> Values:
    """Look at what waits and who works."""
    now = datetime.now(UTC)
    rows = TrimJob.objects.filter(state__in=OPEN_STATES).order_by().values_list("state")
    found = {
        state: (count, oldest)
        for state, count, oldest in rows.annotate(Count("pk"), Min("created_at"))
    }
    waiting, oldest = found.get(JobState.WAITING, (0, None))
    values: dict[str, float] = {
        "jobs_waiting": waiting,
        "jobs_running": found.get(JobState.RUNNING, (0, None))[0],
        "oldest_waiting_seconds": 0.0 if oldest is None else max(0, (now - oldest).total_seconds()),
    }
    pulse = pulse_now(now)
    if pulse is not Pulse.UNKNOWN:
        values["workers_answer"] = float(pulse is Pulse.WORKING)
    return values


def routing(window: Window) -> Values:
    """Look at the policy in force and the breakers."""
    policy = RoutingPolicy.objects.order_by("-version").first()
    open_ones = Breaker.objects.exclude(state=BreakerState.CLOSED).count()
    if policy is None:
        return {"breakers_open": open_ones}
    return {
        "policy_version": policy.version,
        "fence_epoch": policy.fence_epoch,
        "treatment_share": policy.treatment_share,
        "breakers_open": open_ones,
    }


registry.register(machine, *MACHINE)
registry.register(queue, *QUEUE)
registry.register(routing, *ROUTING)
