"""What rollouts add to the apps below: the evaluator, marks on time axes, kept originals.

Every process imports this when it starts; what needs SciPy is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from config.languages.told import told
from migration import alerts  # noqa: F401 - importing registers
from migration.choices import ACTIVE, Move
from migration.models import Decision, ServedCapture
from monitoring.exposition.collectors import collectors
from monitoring.health.baseline import baselines
from monitoring.loop import Step, strands
from monitoring.marks import Mark, marks
from monitoring.readiness import Answer, probes
from trimming import retention
from trimming.policy import is_watched

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family

# from a run that ended to the look at it: at most this, and the time of a look
LOOK_SECONDS = 0.25
TONES = {
    Move.ROLL_BACK: ("fail", "back"),
    Move.FAIL: ("fail", "fail"),
    Move.ABORT: ("fail", "stop"),
    Move.COMPLETE: ("ok", "ok"),
}


@strands.register("rollout")
def steps() -> tuple[Step, ...]:
    """Return what is done in a thread of its own, by the monitor whose turn it is."""
    from migration.drills import drill_if_due
    from migration.evaluator import Evaluator

    evaluator = Evaluator()
    return (
        Step("evaluate", LOOK_SECONDS, lambda: evaluator.look(timezone.now())),
        Step("drill", 30, lambda: drill_if_due(timezone.now())),
    )


@strands.register("rollout_work")
def work() -> tuple[Step, ...]:
    """Return what may take long: looks at the rollout must not wait for it."""
    from migration.limits_changes import back_test_waiting
    from migration.report import store_final_reports

    return (
        Step("suspects", 5, _suspects),
        Step("back_tests", 1, lambda: back_test_waiting(timezone.now())),
        Step("reports", 60, lambda: store_final_reports(timezone.now())),
    )


def _suspects() -> None:
    from migration.suspects import begin_reruns, compare_reruns, list_suspects

    list_suspects()
    begin_reruns()
    compare_reruns()


@marks.register
def decisions(start: datetime, end: datetime) -> Iterable[Mark]:
    """Return the moves of rollouts; a raised share has the mark of its policy."""
    rows = Decision.objects.filter(at__gt=start, at__lte=end).exclude(
        move__in=(Move.STEP, Move.FREEZE, Move.REQUEST, Move.WITHDRAW)
    )
    for row in rows.select_related("phase", "rollout")[:200]:
        move = Move(row.move)
        tone, shape = TONES.get(move, ("run", "up"))
        phase = row.phase.get_name_display() if row.phase else ""
        title = _("%(rollout)s %(move)s") % {"rollout": row.rollout.name, "move": move.label}
        yield Mark(
            row.at,
            str(move.label),
            f"{title} ({phase})" if phase else title,
            detail=f"{row.actor_name}: {told(row.reason)}",
            tone=tone,
            shape=shape,
            permission="migration.view_rollout",
        )


@retention.register
def originals() -> Q:
    """Return which originals must stay: those of suspects, and of active rollouts."""
    from migration.suspects import unsettled

    served = ServedCapture.objects.filter(attempt__rollout__state__in=ACTIVE, on_treatment=True)
    return Q(jobs__runs__suspect__in=unsettled()) | Q(sha256__in=served.values("digest"))


@baselines.register
def throughput() -> float | None:
    """Return the frozen throughput of control, in bytes for each second of work."""
    from migration.evaluator import active_rollout
    from migration.gates.evidence import baseline_from_json

    rollout = active_rollout()
    if rollout is None:
        return None
    baseline = baseline_from_json(rollout.attempt.baseline)
    return None if baseline is None else baseline.bytes_per_second


@collectors.register("rollout")
def exposition(now: datetime) -> Iterable[Family]:
    """Return what Prometheus is told of rollouts."""
    from migration.exposition import decisions, gates, rollout

    return [*rollout(now), *decisions(now), *gates(now)]


@probes.register("evaluator")
def evaluator(now: datetime) -> Answer:
    """See whether somebody looks at what a rollout does: its lease has not run out."""
    if is_watched():
        return Answer(True, _("It looks."))
    return Answer(False, _("It has not looked lately; trials wait, and legacy serves."))
