"""What a check says: parts make a finding, findings make the whole.  Pure.

In the order of badness: not applicable, ok, warn, unknown, fail.  What is unknown is never healthy,
and never as bad as what is known to be broken: a failure stays one beside it, a warning does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.choices import Dimension, Verdict

ORDER: Final = (Verdict.NOT_APPLICABLE, Verdict.OK, Verdict.WARN, Verdict.UNKNOWN, Verdict.FAIL)
WEIGHTS: Final[Mapping[Dimension, float]] = {
    Dimension.STRATEGY_SELECTION: 0.25,
    Dimension.PERFORMANCE: 0.25,
    Dimension.ERROR_RATE: 0.30,
    Dimension.RESOURCES: 0.15,
    Dimension.BUSINESS: 0.05,
}
# that the whole gives: it is read in the strip of every page and in the head of the overview
MOST_REASONS: Final = 2
# a failure or a warning anywhere holds the score below what people take for good
CAPS: Final = ((Verdict.FAIL, 0.29), (Verdict.WARN, 0.79))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that a verdict rests on, with the limit that it is held to."""

    name: str
    value: float | None
    limit: float | None
    unit: str = ""
    n: int | None = None
    age_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule says."""

    verdict: Verdict
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one dimension.  ``score`` is from 0 to 1.

    ``sentence`` says all of it, ``reasons`` only what its verdict came from.
    """

    dimension: Dimension
    verdict: Verdict
    score: float | None
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    reasons: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what a report keeps."""
        return {
            "dimension": self.dimension.value,
            "verdict": self.verdict.value,
            "score": self.score,
            "weight": WEIGHTS[self.dimension],
            "sentence": self.sentence,
            "evidence": [asdict(each) for each in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Overall:
    """What is said of the whole.  ``mean`` is the weighted mean before it was capped."""

    verdict: Verdict
    score: float | None
    mean: float | None
    sentence: str


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst verdict; not applicable when there is none."""
    return max(verdicts, key=ORDER.index, default=Verdict.NOT_APPLICABLE)


def overall(findings: Sequence[Finding]) -> Overall:
    """Return the whole: the worst dimension decides, whatever the mean."""
    verdict = worst(each.verdict for each in findings)
    scored = [each for each in findings if each.score is not None]
    weight = sum(WEIGHTS[each.dimension] for each in scored)
    mean = (
        sum(WEIGHTS[each.dimension] * (each.score or 0.0) for each in scored) / weight
        if weight
        else None
    )
    is_unknown = any(each.verdict is Verdict.UNKNOWN for each in findings)
    score = None if is_unknown or mean is None else _capped(mean, verdict)
    if verdict is Verdict.NOT_APPLICABLE:
        verdict = Verdict.UNKNOWN  # nothing was judged
    deciding = [each.reasons or (each.sentence,) for each in findings if each.verdict is verdict]
    sentence = _("Nothing is wrong.") if verdict is Verdict.OK else _in_short(chain(*deciding))
    return Overall(verdict, score, mean, sentence or _("Nothing could be judged yet."))


def _in_short(reasons: Iterable[str]) -> str:
    """Return the first reasons, and how many more there are: one line that is read at a glance."""
    known = tuple(dict.fromkeys(reasons))
    more = len(known) - MOST_REASONS
    if more <= 0:
        return " ".join(known)
    rest = ngettext("%(n)d more reason.", "%(n)d more reasons.", more) % {"n": more}
    return " ".join((*known[:MOST_REASONS], rest))


def _capped(mean: float, verdict: Verdict) -> float:
    return min(mean, dict(CAPS).get(verdict, 1.0))
