"""A simulated rollout in words, for the console.  Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from migration.conf import DAY, HOUR
from migration.simulation.plan import Fault
from migration.simulation.result import Ending, Outcome

ENDINGS: Final[Mapping[Ending, str]] = {
    Ending.COMPLETED: "completed",
    Ending.ROLLED_BACK: "rolled back",
    Ending.FAILED: "failed in phase 1 and was rolled back",
    Ending.HELD: "is held",
}


def lines_of(outcome: Outcome) -> Iterator[str]:
    """Give the lines that tell of one rollout."""
    plan = outcome.plan
    fault = "no fault"
    if plan.fault is not Fault.NONE:
        fault = f"fault {plan.fault.value} from phase {plan.fault_phase} on"
    by = outcome.rule or outcome.held_by
    yield (
        f"Seed {plan.seed}, {fault}: the rollout {ENDINGS[outcome.ending]} after "
        f"{outcome.seconds / DAY:.1f} days{f' by {by}' if by else ''}."
    )
    for phase in outcome.phases:
        if phase.began_seconds is None:
            continue
        shares = ", ".join(f"{100 * share:g} %" for share in phase.shares)
        end = outcome.seconds if phase.ended_seconds is None else phase.ended_seconds
        took = (end - phase.began_seconds) / HOUR
        yield f"  {phase.name.value:20} {phase.state.value:12} {took:7.1f} h  {shares}"
    for moved in outcome.decisions:
        yield f"  {moved.at_seconds / HOUR:7.1f} h  {moved.move.value:17} {moved.reason}".rstrip()
    if outcome.detection_seconds is not None:
        yield (
            f"  Found {outcome.detection_seconds / HOUR:.2f} h and {outcome.detection_runs} runs "
            "of scanning after the first run that shows the fault; since it began "
            f"scanning served {outcome.exposed_runs} captures, {outcome.leaked_runs} with a leak."
        )
    yield (
        f"  Scanning served {outcome.treatment_runs} captures; after a rollback "
        f"{outcome.treatment_discarded} of its results were discarded and "
        f"{outcome.treatment_published_after_rollback} published."
    )


def lines_of_summary(found: Mapping[str, Any]) -> Iterator[str]:
    """Give the lines that tell of many rollouts."""
    yield f"{found['rollouts']} rollouts: {_counts(found['endings'])}."
    if found["rules"]:
        yield f"  rolled back by {_counts(found['rules'])}; without a cause {found['false_alarms']}"
    if found["held_by"]:
        yield f"  held by {_counts(found['held_by'])}"
    if found["detection_seconds"]:
        seconds, runs = found["detection_seconds"], found["detection_runs"]
        for word in ("median", "most"):
            yield f"  found after {seconds[word] / HOUR:.2f} h and {runs[word]:.0f} runs ({word})"
    yield (
        f"  results of scanning after a rollback: {found['treatment_discarded']} discarded, "
        f"{found['treatment_published_after_rollback']} published"
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or 'nothing'} {count}" for name, count in sorted(counts.items()))
