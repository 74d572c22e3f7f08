"""How a capture ended: pure decisions about what the processes answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from trimming.ab_test.draw import ROLES, Role

Answer = Mapping[str, Any]

# outcomes of one strategy on one capture, as the runs of the service have them
SUCCEEDED, REFUSED_INPUT = "succeeded", "refused_input"
STRATEGY_FAILURE, INFRASTRUCTURE = "strategy_failure", "infrastructure"
# outcomes of a capture
MATCHED, MISMATCHED, FAILED, REFUSED, BROKEN = (
    "matched",
    "mismatched",
    "failed",
    "refused",
    "broken",
)
OUTCOMES = (MATCHED, MISMATCHED, FAILED, REFUSED, BROKEN)


def merged(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return one answer for the repetitions of a run: median times, the largest memory.

    One that failed stands for all; so does a difference between the outputs.
    """
    for answer in answers:
        if answer["outcome"] != SUCCEEDED:
            return dict(answer)
    found = dict(answers[0])
    if len({answer["output_sha256"] for answer in answers}) > 1:
        reason = "its output is another one when it runs again"
        return {**found, "outcome": STRATEGY_FAILURE, "reason": reason}
    for key in ("seconds", "cpu_seconds"):
        found[key] = median(answer[key] for answer in answers)
    for key in ("peak_memory_bytes", "start_memory_bytes"):
        found[key] = max(answer[key] for answer in answers)
    return found


def settled(sides: Mapping[Role, Answer]) -> dict[Role, dict[str, Any]]:
    """Return both answers; what only one strategy refuses, that strategy failed on."""
    found = {role: dict(sides[role]) for role in ROLES}
    refused = [role for role in ROLES if found[role]["outcome"] == REFUSED_INPUT]
    if len(refused) == 1:
        side = found[refused[0]]
        side["outcome"] = STRATEGY_FAILURE
        side["reason"] = f"refused what the other strategy can use: {side['reason']}"
    return found


def is_comparable(sides: Mapping[Role, Answer]) -> bool:
    """Tell whether both strategies came to a plan, though it may have failed its verification."""
    return all("verified" in side for side in sides.values())


def judge(sides: Mapping[Role, Answer], comparison: Answer | None) -> tuple[str, str]:
    """Return the outcome of a capture and its reason, a sentence.

    ``sides`` are settled; ``comparison`` is the answer of comparing, None when it was not tried.
    """
    outcomes = {role: sides[role]["outcome"] for role in ROLES}
    if all(outcome == REFUSED_INPUT for outcome in outcomes.values()):
        return REFUSED, f"both refuse it: {sides['legacy']['reason']}"
    for role in ROLES:
        if outcomes[role] == INFRASTRUCTURE:
            return BROKEN, f"{role} could not run: {sides[role]['reason']}"
    failed = [role for role in ROLES if outcomes[role] != SUCCEEDED]
    if failed:
        return FAILED, "; ".join(f"{role} failed: {sides[role]['reason']}" for role in failed)
    if comparison is None or comparison["outcome"] != SUCCEEDED:
        why = "not tried" if comparison is None else comparison["reason"]
        return FAILED, f"the plans could not be compared: {why}"
    if not comparison["equal"]:
        return MISMATCHED, _difference(comparison)
    if sides["legacy"]["output_sha256"] != sides["scanning"]["output_sha256"]:
        return MISMATCHED, "the plans are equal, the outputs are not"
    return MATCHED, ""


def _difference(comparison: Answer) -> str:
    parts = (
        (comparison["leaked_bytes"], "bytes leaked"),
        (comparison["over_masked_bytes"], "bytes masked too much"),
        (comparison["ranges"], "ranges differ"),
        (comparison["checksums"], "checksums differ"),
        (comparison["frame_checks"], "frame checks differ"),
    )
    return ", ".join(f"{count:,} {what}" for count, what in parts if count)
