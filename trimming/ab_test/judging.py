"""How a capture ended: pure decisions about what the processes answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from trimming.ab_test.draw import ROLES, Role
from trimming.engine.words import gettext_noop, side_by_side

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
        reason = gettext_noop("its output is another one when it runs again")
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
        alone = gettext_noop("refused what the other strategy can use: %(reason)s")
        side["reason"] = alone % {"reason": side["reason"]}
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
        both = gettext_noop("both refuse it: %(reason)s")
        return REFUSED, both % {"reason": sides["legacy"]["reason"]}
    for role in ROLES:
        if outcomes[role] == INFRASTRUCTURE:
            broken = gettext_noop("%(role)s could not run: %(reason)s")
            return BROKEN, broken % {"role": role, "reason": sides[role]["reason"]}
    failed = [role for role in ROLES if outcomes[role] != SUCCEEDED]
    if failed:
        one = gettext_noop("%(role)s failed: %(reason)s")
        said = [one % {"role": role, "reason": sides[role]["reason"]} for role in failed]
        return FAILED, side_by_side(said)
    if comparison is None or comparison["outcome"] != SUCCEEDED:
        why = gettext_noop("not tried") if comparison is None else comparison["reason"]
        incomparable = gettext_noop("the plans could not be compared: %(reason)s")
        return FAILED, incomparable % {"reason": why}
    if not comparison["equal"]:
        return MISMATCHED, _difference(comparison)
    if sides["legacy"]["output_sha256"] != sides["scanning"]["output_sha256"]:
        return MISMATCHED, gettext_noop("the plans are equal, the outputs are not")
    return MATCHED, ""


def _difference(comparison: Answer) -> str:
    parts = (
        (comparison["leaked_bytes"], gettext_noop("%(n)s bytes leaked")),
        (comparison["over_masked_bytes"], gettext_noop("%(n)s bytes masked too much")),
        (comparison["ranges"], gettext_noop("%(n)s ranges differ")),
        (comparison["checksums"], gettext_noop("%(n)s checksums differ")),
        (comparison["frame_checks"], gettext_noop("%(n)s frame checks differ")),
    )
    return ", ".join(what % {"n": f"{count:,}"} for count, what in parts if count)
