"""The gates as the page lists them: the worst first, each with what is still missing.  Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from config.languages.told import told
from migration.choices import GATE_LOOKS, GateVerdict, RuleKind
from migration.traffic import Traffic
from trimming.choices import Look
from trimming.routing_words import share_text, span_text

Unit = Literal["", "seconds", "share", "count", "evidence", "times", "score"]

# what people call a rule, and the unit of what it compares; "" where it compares no numbers
RULES: Final[Mapping[str, tuple[Any, Unit]]] = {
    "leak": (_("Leaks"), "count"),
    "failures_in_a_row": (_("Failures in a row"), "count"),
    "overall_error_rate": (_("Failures of all runs"), "share"),
    "errors": (_("Failures, between the arms"), "evidence"),
    "slow_runs": (_("Slow runs, between the arms"), "evidence"),
    "pairs_errors": (_("Failures, in comparisons"), "evidence"),
    "pairs_latency": (_("Times, in comparisons"), "evidence"),
    "errors_against_baseline": (_("Failures, against the baseline"), "evidence"),
    "critical": (_("Memory and latency"), "seconds"),
    "stale": (_("Samples"), "seconds"),
    "routing": (_("Policy in force"), ""),
    "arms": (_("Arms as assigned"), ""),
    "build": (_("Versions of the strategies"), ""),
    "dwell": (_("Least time"), "seconds"),
    "enough": (_("Least sample"), "count"),
    "legacy_success": (_("Success of legacy"), "share"),
    "overall_success": (_("Success of both"), "share"),
    "treatment_success": (_("Success of scanning"), "share"),
    "error_rate": (_("Failures of scanning"), "share"),
    "refused_outputs": (_("Refused outputs"), "count"),
    "degradation": (_("Time against legacy"), "times"),
    "sample_ratio": (_("Split of captures"), "evidence"),
    "health": (_("Health"), "score"),
    "health_low": (_("Low health"), "score"),
    "slow_against_baseline": (_("Slow runs, against the baseline"), "evidence"),
    "mismatch": (_("Equal outputs"), "evidence"),
    "legacy_unused": (_("Legacy unused"), "seconds"),
    "drill": (_("Rollback drill"), "seconds"),
    "archive": (_("Archive"), ""),
    "baseline": (_("Baseline"), ""),
}
LABELS: Final[Mapping[GateVerdict, Any]] = {
    GateVerdict.PASSED: pgettext_lazy("gate", "Passed"),
    GateVerdict.INCONCLUSIVE: pgettext_lazy("gate", "Waits"),
    GateVerdict.ERROR: pgettext_lazy("gate", "Error"),
    GateVerdict.FAILED: pgettext_lazy("gate", "Failed"),
}
# a gate that fails only holds: red is for what rolls back
HOLDS: Final = (Look("warn", "hold"), pgettext_lazy("gate", "Holds"))
# what is inconclusive until time has passed and captures have come, and then is not any more
PATIENT: Final = frozenset(
    {
        "dwell",
        "enough",
        "mismatch",
        "legacy_success",
        "overall_success",
        "treatment_success",
        "error_rate",
        "refused_outputs",
        "degradation",
        "legacy_unused",
        "drill",
        "archive",
        "baseline",
    }
)
# met as soon as all others are
LAST: Final = "baseline"
ORDER: Final = list(GateVerdict)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or float(value).is_integer() else f"{value:.3g}"


FORMATS: Final[Mapping[Unit, Callable[[float], str]]] = {
    "": _number,
    "seconds": span_text,
    "share": share_text,
    "count": _number,
    "evidence": _number,
    "times": lambda value: f"{value:.3f}",
    "score": lambda value: f"{value:.2f}",
}


@dataclass(frozen=True, slots=True)
class GateRow:
    """One gate as it is listed.  ``needed``: so many more captures, ``seconds`` until they came.

    ``held_up`` says why they do not come, and what helps; empty where they do.
    """

    rule: str
    title: Any
    kind: RuleKind
    verdict: GateVerdict
    message: str
    value: str
    limit: str
    share: float | None
    needed: int | None
    seconds: float | None
    held_up: str
    is_dry: bool

    @property
    def look(self) -> Look:
        """Its tone and shape."""
        return HOLDS[0] if self._holds else GATE_LOOKS[self.verdict]

    @property
    def label(self) -> Any:
        """Its verdict in a word."""
        return HOLDS[1] if self._holds else LABELS[self.verdict]

    @property
    def is_passed(self) -> bool:
        """Whether it passes, with an effect or without."""
        return self.verdict is GateVerdict.PASSED

    @property
    def comes_by_itself(self) -> bool:
        """Whether nothing but time and captures is missing."""
        return self.verdict is GateVerdict.INCONCLUSIVE and self.rule in PATIENT

    @property
    def _holds(self) -> bool:
        return self.verdict is GateVerdict.FAILED and self.kind is RuleKind.GATE

    @property
    def stands(self) -> bool:
        """Whether it stands against going on."""
        return self.verdict is not GateVerdict.PASSED and not self.is_dry

    @property
    def edge(self) -> str:
        """How its row is marked: what breaks, what only waits."""
        return {"fail": "breaks", "warn": "holds"}.get(self.look.tone, "")

    @property
    def width(self) -> str:
        """How much of what is needed is there, for an SVG attribute; empty where it is no part."""
        return "" if self.share is None else f"{100 * self.share:.1f}%"


def gate_rows(results: Iterable[Mapping[str, Any]], traffic: Traffic) -> list[GateRow]:
    """Return the gates of one look, the worst first; dry ones stand behind all others.

    ``results`` are results.Result as plain values, as they are stored with a look.
    """
    found = [_row(each, traffic) for each in results]
    harm_first = sorted(found, key=lambda row: row.kind is not RuleKind.HARM)
    worst_first = sorted(harm_first, key=lambda row: -ORDER.index(row.verdict))
    return sorted(worst_first, key=lambda row: row.is_dry)


def _row(result: Mapping[str, Any], traffic: Traffic) -> GateRow:
    rule, verdict = str(result["rule"]), GateVerdict(result["verdict"])
    # a rule of another version of this program keeps its name
    title, unit = RULES.get(rule, (rule, ""))
    value, limit, needed = result.get("value"), result.get("limit"), result.get("needed")
    shown = FORMATS[unit]
    passed = verdict is GateVerdict.PASSED
    return GateRow(
        rule=rule,
        title=title,
        kind=RuleKind(result["kind"]),
        verdict=verdict,
        message=told(result["message"]),
        value="" if value is None else shown(value),
        limit="" if limit is None else shown(limit),
        share=_share(rule, value, limit),
        needed=None if passed else needed,
        seconds=None if passed else _seconds(rule, value, limit, needed, traffic),
        held_up="" if passed or not needed else _held_up(traffic.held_up_of(rule)),
        is_dry=bool(result.get("is_dry", False)),
    )


def _share(rule: str, value: float | None, limit: float | None) -> float | None:
    """Return how much of a least time or a least sample is there."""
    if rule not in ("dwell", "enough", "legacy_unused") or value is None or not limit:
        return None
    return min(1.0, max(0.0, value / limit))


def _seconds(
    rule: str, value: float | None, limit: float | None, needed: int | None, traffic: Traffic
) -> float | None:
    """Return after how long a gate may be met; None where nobody knows."""
    if rule in ("dwell", "legacy_unused") and value is not None and limit is not None:
        return max(0.0, limit - value)
    if not needed:
        return None
    rate = traffic.of(rule)
    return needed / rate if rate > 0 else None


def _held_up(waiting: int) -> str:
    """Return why comparisons do not begin, and what helps."""
    if not waiting:
        return ""
    said = ngettext(
        "%(count)s comparison waits, as workers do jobs first: more workers or less load let it "
        "begin.",
        "%(count)s comparisons wait, as workers do jobs first: more workers or less load let them "
        "begin.",
        waiting,
    )
    return said % {"count": f"{waiting:,}"}


def count_text(rows: Iterable[GateRow]) -> tuple[int, int]:
    """Return how many gates stand against going on, and how many there are with an effect."""
    found = [row for row in rows if not row.is_dry]
    return sum(row.stands for row in found), len(found)


def longest_wait(rows: Iterable[GateRow]) -> float | None:
    """Return after how many seconds all gates that wait may be met; None where nobody knows."""
    waits = [row.seconds for row in rows if row.stands and row.rule != LAST]
    known = [each for each in waits if each is not None]
    return max(known, default=0.0) if len(known) == len(waits) else None
