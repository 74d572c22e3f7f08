"""What became of the evidence of a request: as it was asked with, and as it is now.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.utils.translation import gettext as _

from migration.choices import GateVerdict, RuleKind
from migration.gates.results import Result

if TYPE_CHECKING:  # evidence needs SciPy, and pages are imported when a process starts
    from migration.gates.evidence import Evidence


class ThenAndNow(NamedTuple):
    """One rule at the request and now; None where it was not judged."""

    rule: str
    then: Result | None
    now: Result | None

    @property
    def is_changed(self) -> bool:
        """Whether its verdict or its sentence is another one."""
        if self.then is None or self.now is None:
            return self.then is not self.now
        before, after = self.then, self.now
        return (before.verdict, before.message, before.is_dry) != (
            after.verdict,
            after.message,
            after.is_dry,
        )

    @property
    def holds_now(self) -> bool:
        """Whether it stands against the promotion now."""
        found = self.now
        return found is not None and not found.is_dry and found.verdict is not GateVerdict.PASSED

    @property
    def has_turned(self) -> bool:
        """Whether it stands against the promotion now and did not at the request."""
        return self.holds_now and (self.then is None or self.then.verdict is GateVerdict.PASSED)


class Figure(NamedTuple):
    """A number at the request and now; None where it is not known.  ``decimals`` are shown."""

    label: str
    then: float | None
    now: float | None
    decimals: int = 0


def results_of(kept: Iterable[Mapping[str, Any]]) -> tuple[Result, ...]:
    """Return stored results as they were."""
    return tuple(
        Result(**{**each, "kind": RuleKind(each["kind"]), "verdict": GateVerdict(each["verdict"])})
        for each in kept
    )


def compared(then: Sequence[Result], now: Sequence[Result] | None) -> list[ThenAndNow]:
    """Return each rule at the request and now: what holds first, then what changed, then the rest.

    ``now`` is None where the request is decided: then nothing is compared.
    """
    if now is None:
        return [ThenAndNow(each.rule, each, each) for each in then]
    before, after = {each.rule: each for each in then}, {each.rule: each for each in now}
    names = [*after, *(name for name in before if name not in after)]
    rows = [ThenAndNow(name, before.get(name), after.get(name)) for name in names]
    return sorted(rows, key=lambda row: (not row.holds_now, not row.is_changed))


def figures(then: Evidence | None, now: Evidence | None) -> list[Figure]:
    """Return what was counted at the present share, and the score of the health."""

    def row(label: str, read: Any, decimals: int = 0) -> Figure:
        before, after = (None if each is None else read(each) for each in (then, now))
        return Figure(label, before, after, decimals)

    def score(evidence: Evidence) -> float | None:
        return None if evidence.health is None else evidence.health.score

    return [
        row(_("Captures finished on scanning"), lambda each: each.counted.treatment.finished),
        row(_("Failed on scanning"), lambda each: each.counted.treatment.failed),
        row(_("Captures finished on legacy"), lambda each: each.counted.control.finished),
        row(_("Failed on legacy"), lambda each: each.counted.control.failed),
        row(_("Captures compared"), lambda each: each.tally.pairs),
        row(_("Health"), score, 2),
    ]
