"""The part about the two arms: what each did, with intervals, and the pairs of comparisons.

The unit is the distinct capture, as in the rules of health and rollouts.  Intervals are confidence
sequences: they hold at every look, so also for a report of a time that is not over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from monitoring.confidence import rate_confidence_sequence
from monitoring.figures import ARM_NAMES
from monitoring.metrics.histograms import Histogram
from monitoring.reports.parts import Figure, Kind, Part, Table, Value, text
from monitoring.reports.sections import Span
from monitoring.reports.tally import ArmSums, Tally
from trimming.blame import of_kinds
from trimming.choices import OutcomeKind
from trimming.models import Shadow, TrimRun
from trimming.routing import CONTROL
from trimming.routing_choices import Arm, LeakState, ShadowOutcome, ShadowState

ALPHA: Final = 0.05
HAS_FAILED: Final = of_kinds(OutcomeKind.STRATEGY_FAILURE)
IS_JUDGED: Final = of_kinds(OutcomeKind.SUCCEEDED, OutcomeKind.STRATEGY_FAILURE)
DIGEST: Final = "job__capture__sha256"


@dataclass(frozen=True, slots=True)
class Share:
    """So many of all captures, and the interval of the share in %."""

    part: int
    whole: int

    def value(self) -> Value:
        """Return the share with its interval; unknown without captures."""
        if not self.whole:
            return Value(Kind.PERCENT, None)
        low, high = rate_confidence_sequence(self.part, self.whole, ALPHA)
        return Value(Kind.PERCENT, 100 * self.part / self.whole, 100 * low, 100 * high)


class Pairs(NamedTuple):
    """The comparisons of a span, each capture once."""

    compared: int
    mismatched: int
    leaks: int
    ratios: list[float]


def arms_part(span: Span, found: Tally) -> Part:
    """Return the comparison of both arms."""
    title = _("Legacy and scanning")
    shares = {arm: failures(span, arm) for arm in found.arms}
    pairs = pairs_of(span)
    if not any(share.whole for share in shares.values()) and not pairs.compared:
        said = _("Neither strategy ended a run in this time, so there is nothing to compare.")
        return Part("arms", title, said, is_known=False)
    return Part(
        "arms",
        title,
        said_of(shares),
        figures=_of_pairs(pairs),
        tables=[_table(found.arms, shares)],
    )


def failures(span: Span, arm: Arm) -> Share:
    """Return on how many distinct captures the strategy of an arm failed at least once."""
    is_its = Q(strategy=CONTROL) if arm is Arm.CONTROL else ~Q(strategy=CONTROL)
    rows = TrimRun.objects.filter(
        is_its, IS_JUDGED, finished_at__gte=span.begin, finished_at__lt=span.until
    )
    counts = rows.aggregate(
        whole=Count(DIGEST, distinct=True),
        part=Count(DIGEST, distinct=True, filter=HAS_FAILED),
    )
    return Share(counts["part"], counts["whole"])


def said_of(shares: Mapping[Arm, Share]) -> str:
    """Return who failed how often, and whether that is a difference."""
    words = [
        _("%(arm)s failed on %(part)s of %(whole)s captures.")
        % {
            "arm": ARM_NAMES[arm.value].capitalize(),
            "part": f"{share.part:,}",
            "whole": f"{share.whole:,}",
        }
        for arm, share in shares.items()
        if share.whole
    ]
    if len(words) < len(shares):
        return " ".join([*words, _("The other strategy had no work to compare with.")])
    control, treatment = (shares[arm].value() for arm in (Arm.CONTROL, Arm.TREATMENT))
    assert None not in (control.low, control.high, treatment.low, treatment.high)  # both have work
    if _is_above(treatment, control):
        verdict = _("The intervals lie apart: scanning fails more often.")
    elif _is_above(control, treatment):
        verdict = _("The intervals lie apart: legacy fails more often.")
    else:
        verdict = _("The intervals overlap: no difference is shown.")
    return " ".join([*words, verdict])


def _is_above(one: Value, other: Value) -> bool:
    return (one.low or 0.0) > (100.0 if other.high is None else other.high)


def _table(arms: Mapping[Arm, ArmSums], shares: Mapping[Arm, Share]) -> Table:
    times = {arm: sums.message_ms.histogram() for arm, sums in arms.items()}
    # an arm without work has done nothing, and that is no measure of it
    has_work = {arm: shares[arm].whole > 0 for arm in arms}
    rows = [
        (_("Captures"), [Value(Kind.COUNT, shares[arm].whole) for arm in arms]),
        (_("Captures that failed"), [shares[arm].value() for arm in arms]),
        (_("Time for one message, median"), [quantile(times[arm], 0.5) for arm in arms]),
        (_("Time for one message, 95 %"), [quantile(times[arm], 0.95) for arm in arms]),
        *(
            (
                name,
                [Value(kind, getattr(sums, key) if has_work[arm] else None) for arm, sums in pairs],
            )
            for name, kind, key in (
                (_("Runs with a result"), Kind.COUNT, "succeeded"),
                (_("Failed runs"), Kind.COUNT, "failed"),
                (_("Bytes of captures"), Kind.BYTES, "input_bytes"),
                (_("HTTP messages"), Kind.COUNT, "messages"),
            )
            for pairs in [arms.items()]
        ),
    ]
    return Table(
        _("By strategy"),
        (_("Figure"), *(ARM_NAMES[arm.value] for arm in arms)),
        [(text(name), *values) for name, values in rows],
        # xgettext:no-python-format
        note=_("Intervals are 95 % confidence sequences, valid at every look."),
    )


def quantile(times: Histogram, q: float) -> Value:
    """Return a quantile in ms with its interval, both within 1 %; an open end is None."""
    value = times.quantile(q)
    if value is None:
        return Value(Kind.MILLISECONDS, None)
    # it costs a second and much memory, and only workers and this page need it
    from monitoring.statistics import quantile_confidence_sequence

    low, high = quantile_confidence_sequence(times.count, q, ALPHA)
    return Value(
        Kind.MILLISECONDS,
        value,
        times.at_rank(low - 1) if low else None,
        times.at_rank(high) if high < times.count else None,
    )


def pairs_of(span: Span) -> Pairs:
    """Return the comparisons that ended in a span; the first one of each capture counts."""
    rows = Shadow.objects.filter(
        state=ShadowState.DONE,
        finished_at__gte=span.begin,
        finished_at__lt=span.until,
        outcome__in=(ShadowOutcome.MATCHED, ShadowOutcome.MISMATCHED),
    ).order_by("finished_at", "pk")
    columns = rows.values_list("digest", "outcome", "leak", "control_ms", "treatment_ms")
    first: dict[str, tuple[str, str, float | None, float | None]] = {}
    for digest, outcome, leak, control_ms, treatment_ms in columns.iterator():
        first.setdefault(digest, (outcome, leak, control_ms, treatment_ms))
    found = first.values()
    return Pairs(
        compared=len(first),
        mismatched=sum(outcome == ShadowOutcome.MISMATCHED for outcome, *_rest in found),
        leaks=sum(leak == LeakState.CONFIRMED for _outcome, leak, *_rest in found),
        ratios=[
            treatment / control for *_rest, control, treatment in found if control and treatment
        ],
    )


def _of_pairs(pairs: Pairs) -> list[Figure]:
    if not pairs.compared:
        return []
    mismatched = Share(pairs.mismatched, pairs.compared).value()
    return [
        Figure(_("Captures compared"), Value(Kind.COUNT, pairs.compared)),
        Figure(_("Captures that differ"), mismatched),
        Figure(_("Confirmed leaks"), Value(Kind.COUNT, pairs.leaks)),
        Figure(_("Time of scanning to legacy, median"), _ratio(pairs.ratios)),
    ]


def _ratio(ratios: list[float]) -> Value:
    if not ratios:
        return Value(Kind.NUMBER, None)
    from statistics import median

    from monitoring.statistics import quantile_interval

    low, high = quantile_interval(ratios, 0.5, ALPHA)
    return Value(
        Kind.NUMBER,
        median(ratios),
        low if low > float("-inf") else None,
        high if high < float("inf") else None,
    )
