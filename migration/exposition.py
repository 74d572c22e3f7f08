"""What rollouts tell Prometheus: state, phase, share, gates, decisions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import Count
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family

from migration.alerts import LOOK_AGE
from migration.badge import facts_now
from migration.choices import ACTIVE, GateVerdict, Move, PhaseName, RolloutState
from migration.models import Decision, Evaluation
from migration.suspects import unsettled
from monitoring.exposition.families import gauge, one_of

NO_ROLLOUT: Final = "none"


def rollout(now: datetime) -> Iterator[Family]:
    """Give how the active rollout stands, or the newest one; none where there is none."""
    facts = facts_now()
    state = NO_ROLLOUT if facts is None else facts["state"]
    yield one_of(
        "pktmask_rollout_state",
        "1 for the state of the active rollout, or of the newest one.",
        "state",
        (NO_ROLLOUT, *RolloutState.values),
        state,
    )
    if facts is not None and facts["phase"] is not None:
        names = PhaseName.values
        told = "1 for the phase that the rollout is in, or ended in."
        yield one_of("pktmask_rollout_phase", told, "phase", names, names[facts["phase"] - 1])
        told = "Share of captures to scanning in the step of the rollout."
        yield gauge("pktmask_rollout_share", told, facts["share"])
    yield gauge(
        "pktmask_rollout_suspects",
        "Outputs of rolled back attempts that nobody has settled.",
        unsettled().count(),
    )


def decisions(now: datetime) -> Iterator[Family]:
    """Give how often rollouts were moved, by whom."""
    family = CounterMetricFamily(
        "pktmask_rollout_moves", "Moves of rollouts.", labels=["move", "by"]
    )
    rows = Decision.objects.order_by().values_list("move", "is_automatic").annotate(Count("pk"))
    counts = {(move, is_automatic): count for move, is_automatic, count in rows}
    for move in Move:
        for is_automatic, by in ((True, "itself"), (False, "person")):
            family.add_metric([move.value, by], counts.get((move.value, is_automatic), 0))
    yield family


def gates(now: datetime) -> Iterator[Family]:
    """Give what the rules said at the newest look at the active rollout, unless it is too old."""
    newest = (
        Evaluation.objects.filter(at__gte=now - LOOK_AGE, attempt__rollout__state__in=ACTIVE)
        .defer("situation")
        .first()
    )
    if newest is None:
        return
    family = GaugeMetricFamily(
        "pktmask_rollout_gate",
        "1 for what a rule said at the newest look at the rollout.",
        labels=["rule", "verdict"],
    )
    for result in newest.results:
        for verdict in GateVerdict:
            said = float(result["verdict"] == verdict.value)
            family.add_metric([result["rule"], verdict.value], said)
    yield family
