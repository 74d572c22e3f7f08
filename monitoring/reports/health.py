"""The part about health: for how much of the time it was how, and the longest bad stretches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from config.languages.told import listed
from monitoring.choices import Dimension, Verdict
from monitoring.conf import health_settings
from monitoring.figures import NEUTRAL, Scale, figure, line
from monitoring.health_history import WORST
from monitoring.models import HealthReport
from monitoring.reports.parts import Chart, Figure, Kind, Part, Table, Value, moment, text
from monitoring.reports.sections import Span, sections
from monitoring.reports.traffic import series_of
from monitoring.standing import CHECKS_MISSED, verdict_of
from trimming.quantities import percent

BAD: Final = (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN)
MOST_STRETCHES: Final = 10


@dataclass(frozen=True, slots=True)
class Check:
    """One health check."""

    pk: int
    at: datetime
    score: float | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Stretch:
    """Checks of one verdict in a row, without one missing between them."""

    first: Check
    until: datetime

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.until - self.first.at).total_seconds()


@sections.register("health", gettext_lazy("Health"), 20)
def health(span: Span) -> Iterator[Part]:
    """Give the part."""
    title = _("Health")
    found = checks(span)
    if not found:
        said = _("The health was not checked in this time: nothing is known of it.")
        yield Part("health", title, said, is_known=False)
        return
    # what was not checked must not be taken for well
    expected = max(len(found), round(span.seconds / (60 * health_settings().check_minutes)))
    counts = Counter(check.verdict for check in found)
    shares = [(str(verdict.label), counts[verdict]) for verdict in WORST if counts[verdict]]
    if len(found) < expected:
        shares.append((_("Not checked"), expected - len(found)))
    parts = listed(f"{percent(count, expected)} {name.lower()}" for name, count in shares)
    said = ngettext(
        "%(n)s check of about %(expected)s was made: %(parts)s.",
        "%(n)s checks of about %(expected)s were made: %(parts)s.",
        len(found),
    ) % {"n": f"{len(found):,}", "expected": f"{expected:,}", "parts": parts}
    scores = [check.score for check in found if check.score is not None]
    yield Part(
        "health",
        title,
        said,
        figures=[
            *(
                Figure(str(verdict.label), Value(Kind.PERCENT, 100 * counts[verdict] / expected))
                for verdict in (Verdict.OK, *BAD)
            ),
            Figure(_("Not checked"), Value(Kind.PERCENT, 100 * (expected - len(found)) / expected)),
            Figure(_("Lowest score"), Value(Kind.NUMBER, min(scores, default=None))),
        ],
        tables=[*_dimensions(span), *_stretches(found)],
        charts=[_chart(span, found)],
    )


def checks(span: Span) -> list[Check]:
    """Return the checks of a span, the oldest first."""
    rows = HealthReport.objects.filter(at__gte=span.begin, at__lt=span.until).order_by("at", "id")
    fields = ("pk", "at", "score", "verdict")
    return [
        Check(pk, at, score, verdict_of(verdict))
        for pk, at, score, verdict in rows.values_list(*fields).iterator()
    ]


def stretches(found: Sequence[Check]) -> list[Stretch]:
    """Return what was not well, in the order of time.

    A check stands until the next one, or for as long as it would count on a page.
    """
    stands = timedelta(minutes=CHECKS_MISSED * health_settings().check_minutes)
    until = [min(check.at + stands, after.at) for check, after in pairwise(found)]
    until.append(found[-1].at + timedelta(minutes=health_settings().check_minutes))
    result: list[Stretch] = []
    pairs = zip(found, until, strict=True)
    for verdict, group in groupby(pairs, key=lambda pair: pair[0].verdict):
        if verdict not in BAD:
            continue
        for check, end in group:
            if result and result[-1].until == check.at and result[-1].first.verdict is verdict:
                result[-1] = Stretch(result[-1].first, end)
            else:
                result.append(Stretch(check, end))
    return result


def _stretches(found: Sequence[Check]) -> list[Table]:
    worst = sorted(
        stretches(found), key=lambda each: (BAD.index(each.first.verdict), -each.seconds)
    )
    shown = worst[:MOST_STRETCHES]
    if not shown:
        return []
    words = dict(
        HealthReport.objects.filter(pk__in=[each.first.pk for each in shown]).values_list(
            "pk", "sentence"
        )
    )
    rows = [
        (
            moment(each.first.at),
            Value(Kind.VERDICT, each.first.verdict.value),
            Value(Kind.SECONDS, each.seconds),
            text(words.get(each.first.pk, "")),
        )
        for each in shown
    ]
    columns = (_("Began"), _("Verdict"), _("Lasted"), _("Why, when it began"))
    left_out = len(worst) - len(shown)
    return [Table(_("What was not well, the worst first"), columns, rows, left_out)]


def _dimensions(span: Span) -> list[Table]:
    """Return which dimensions were to blame, in how many checks."""
    rows = HealthReport.objects.filter(at__gte=span.begin, at__lt=span.until).exclude(
        verdict__in=(Verdict.OK, Verdict.NOT_APPLICABLE)
    )
    counts: Counter[tuple[str, Verdict]] = Counter()
    for found in rows.order_by().values_list("dimensions", flat=True).iterator(chunk_size=500):
        counts.update(
            (str(each.get("dimension", "")), verdict_of(each.get("verdict"))) for each in found
        )
    shown = [
        (
            text(dimension.label),
            *(Value(Kind.COUNT, counts[dimension.value, verdict]) for verdict in BAD),
        )
        for dimension in Dimension
        if any(counts[dimension.value, verdict] for verdict in BAD)
    ]
    if not shown:
        return []
    columns = (_("Dimension"), *(str(verdict.label) for verdict in BAD))
    return [Table(_("Checks in which a dimension was not well"), columns, shown)]


def _chart(span: Span, found: Sequence[Check]) -> Chart:
    steps = span.steps
    lowest: list[float | None] = [None] * steps.size
    for check in found:
        step = steps.number(check.at)
        if check.score is not None:
            known = lowest[step]
            lowest[step] = check.score if known is None else min(known, check.score)
    drawn = line(_("score"), NEUTRAL, lowest, Scale(1, ""))
    note = _("the lowest score of each %(hours)d h") % {"hours": steps.hours}
    return Chart("score", _("Health score"), figure(series_of(span), "", [drawn]), note)
