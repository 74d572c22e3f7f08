"""Whether an exercise was done.  Pure.

What somebody read is compared with what was so lately, because a page that was read a minute ago
may show another phase by now.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from migration.choices import ApprovalState, PhaseName
from monitoring.choices import Verdict

# an answer is right when it was so within this time
LATELY_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Judged:
    """Whether it was done, and a sentence about why or why not."""

    is_done: bool
    sentence: str


def read_the_overview(
    phase: str, verdict: str, phases: Collection[str], verdicts: Collection[str]
) -> Judged:
    """Judge what somebody read, by what was so lately."""
    if not phase or not verdict:
        return Judged(
            False,
            "Say what the overview shows: --phase one of "
            f"{', '.join(PhaseName.values)} and --health one of {', '.join(Verdict.values)}.",
        )
    wrong = [
        f"{name} {given} was not so in the last {LATELY_SECONDS:.0f} s, which had {_listed(right)}"
        for name, given, right in (("phase", phase, phases), ("health", verdict, verdicts))
        if given not in right
    ]
    if wrong:
        return Judged(False, f"Not as it is: {'; '.join(wrong)}. Look again.")
    return Judged(True, f"Right: the phase is {phase}, the health is {verdict}.")


def _listed(found: Collection[str]) -> str:
    return " or ".join(sorted(found)) or "none"


@dataclass(frozen=True, slots=True)
class Decided:
    """One approval that was decided."""

    state: str
    by: str
    reason: str


def approve(decided: Sequence[Decided], reason_of_the_demo: str) -> Judged:
    """Judge the approvals, newest first; those that the demo gave by itself do not count."""
    for each in decided:
        if each.state == ApprovalState.APPROVED and each.reason != reason_of_the_demo:
            return Judged(True, f'Done: {each.by} approved, because "{each.reason}".')
    if decided:
        return Judged(False, "Approvals were given, but by the demo itself: be faster than 10 s.")
    return Judged(False, "Nothing was approved yet.")


def roll_back(by: str, *, stands: bool, published_since: int) -> Judged:
    """Judge the newest policy: ``by`` is who rolled back, empty where the rules did."""
    if not stands:
        return Judged(False, "No rollback stands: captures may go to scanning.")
    if not by:
        return Judged(False, "A rollback stands, but the rules made it, and nobody did by hand.")
    if published_since:
        return Judged(False, f"{published_since} results of scanning were published after it.")
    return Judged(True, f"Done: {by} rolled back, and no result of scanning came after that.")


def restore(*, is_restored: bool, files: int, damaged: Sequence[str]) -> Judged:
    """Judge an installation: whether it came from a backup, and has all its files."""
    if not is_restored:
        return Judged(
            False,
            "This installation was not restored from a backup: name the restored one in "
            "PKTMASK_DATA_DIR.",
        )
    if damaged:
        return Judged(False, f"Results that are missing or damaged: {', '.join(damaged)}.")
    if not files:
        return Judged(False, "It was restored, and holds no result: take a backup with files.")
    return Judged(True, f"Done: restored, and all {files} results are what their rows say.")
