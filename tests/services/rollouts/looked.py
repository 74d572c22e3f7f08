"""What there is of a rollout: what was decided and counted, and what its rows say."""

from __future__ import annotations

from collections import Counter
from typing import Any

from migration.choices import PhaseName
from migration.counting import COUNTED
from migration.decision import step_name
from migration.gates.evidence import tally_from_json
from migration.models import Attempt, ComparedCapture, Rollout, ServedCapture, StepPolicy
from trimming.models import RoutingPolicy
from trimming.routing_choices import ShadowOutcome


def facts(rollout: Rollout) -> dict[str, Any]:
    """Return what is decided, and what is counted, as plain values."""
    rollout.refresh_from_db()
    decisions = rollout.decisions.order_by("pk")
    return {
        "state": str(rollout.state),
        "revision": rollout.revision,
        "moves": [str(move) for move in decisions.values_list("move", flat=True)],
        "policies": RoutingPolicy.objects.count(),
        "counted": tallied(rollout.attempt),
        "rows": recounted(rollout.attempt),
    }


def tallied(attempt: Attempt) -> dict[str, Any]:
    """Return what the tally says: finished and failed for each step and arm, pairs, assigned."""
    tally = tally_from_json(attempt.tally)
    steps = {
        f"{name} {arm}": list(count)
        for name, both in sorted(tally.steps.items())
        for arm, count in (("control", both.control), ("treatment", both.treatment))
        if count.finished
    }
    assigned = {str(each.w): [each.control, each.treatment] for each in tally.assigned.shared}
    pairs = [tally.matched, tally.mismatched]
    return {"steps": steps, "pairs": pairs, "assigned": assigned}


def recounted(attempt: Attempt) -> dict[str, Any]:
    """Return the same, from the rows alone."""
    policies = StepPolicy.objects.filter(step__phase__attempt=attempt).select_related("step__phase")
    names = {
        each.policy_version: step_name(PhaseName(each.step.phase.name), each.step.number)
        for each in policies
    }
    steps: dict[str, list[int]] = {}
    shares: Counter[tuple[float, bool]] = Counter()
    for row in ServedCapture.objects.filter(attempt=attempt).select_related("run"):
        shares[row.share, row.on_treatment] += 1
        if row.run is None:
            continue
        assert row.run.outcome in COUNTED  # nothing else says anything of a strategy
        arm = "treatment" if row.on_treatment else "control"
        count = steps.setdefault(f"{names[row.run.policy_version]} {arm}", [0, 0])
        count[0] += 1
        count[1] += row.failed
    compared = ComparedCapture.objects.filter(attempt=attempt)
    outcomes = Counter(compared.values_list("shadow__outcome", flat=True))
    return {
        "steps": dict(sorted(steps.items())),
        "pairs": [outcomes[ShadowOutcome.MATCHED], outcomes[ShadowOutcome.MISMATCHED]],
        "assigned": {
            str(share): [shares[share, False], shares[share, True]]
            for share in dict.fromkeys(share for share, _ in shares)
            if 0 < share < 1
        },
    }
