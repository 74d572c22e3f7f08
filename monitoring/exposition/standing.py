"""Where the service stands: routing, its parts, what is installed."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from config.current import current, processes
from monitoring.channels.conf import public_url
from monitoring.exposition.families import gauge, info, labelled, one_of
from monitoring.models import Heartbeat
from trimming.models import Breaker, RoutingPolicy
from trimming.routing_choices import BreakerState, Mode


def routing(now: datetime) -> Iterator[Family]:
    """Give the mode of the policy in force, whether a rollback stands, and the breakers."""
    policy = RoutingPolicy.objects.first()
    if policy is not None:
        told = "1 for the mode of the policy in force."
        yield one_of("pktmask_policy_mode", told, "mode", Mode.values, policy.mode)
        yield gauge(
            "pktmask_rollback_stands", "Whether a rollback stands (1).", float(policy.stands_back)
        )
    family = GaugeMetricFamily(
        "pktmask_breaker_state",
        "1 for the state of the breaker of a strategy.",
        labels=["strategy", "state"],
    )
    for breaker in Breaker.objects.all():
        for state in BreakerState:
            family.add_metric([breaker.strategy, state.value], float(breaker.state == state))
    yield family


def parts(now: datetime) -> Iterator[Family]:
    """Give when the parts were started and last heard of, and which processes there are."""
    beats = list(Heartbeat.objects.all())
    for name, told, column in (
        ("start", "When a part was started, since 1970.", "started_at"),
        ("sign", "When a part last gave a sign of life, since 1970.", "at"),
    ):
        values = {
            beat.name: at.timestamp() for beat in beats if (at := getattr(beat, column)) is not None
        }
        yield labelled(f"pktmask_part_{name}_timestamp_seconds", told, "part", values)
    kinds: dict[str, float] = {}
    for process in processes():
        kinds[process.kind] = kinds.get(process.kind, 0) + 1
    yield labelled("pktmask_processes", "Processes that gave a sign lately.", "kind", kinds)


def installation(now: datetime) -> Iterator[Family]:
    """Give what runs here: versions, and the address for people."""
    yield info(
        "pktmask_build_info",
        "The version of the service.",
        version=settings.VERSION,
        python_version=platform.python_version(),
        environment=settings.INSTALLATION.name,
    )
    yield info("pktmask_console_info", "Where people reach the console.", url=public_url())
    yield gauge("pktmask_config_version", "Version of the settings in force.", current().version)
