"""The parts about work: what ended, day by day, and the two arms against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.figures import ARM_NAMES, byte_scale, figure, line
from monitoring.metrics.series import Line, Series
from monitoring.reports.arms import arms_part
from monitoring.reports.choices import ReportKind
from monitoring.reports.parts import Chart, Figure, Kind, Part, Table, Value, moment
from monitoring.reports.periods import before
from monitoring.reports.sections import Span, sections
from monitoring.reports.tally import DaySums, Ended, Tally, tally_of
from trimming.blame import of_kinds
from trimming.choices import OutcomeKind, RunOutcome
from trimming.models import TrimRun
from trimming.quantities import percent, size

FIELDS = (
    *("strategy", "outcome", "blame", "finished_at", "duration_ms", "input_bytes"),
    *("messages", "masked_bytes", "job__failed_on"),
)
# rows that are held at once
AT_ONCE = 5_000


@sections.register("traffic", gettext_lazy("Traffic"), 10)
def work(span: Span) -> Iterator[Part]:
    """Give both parts from one walk over the runs."""
    found = tally(span)
    yield traffic_part(span, found)
    yield arms_part(span, found)


def tally(span: Span) -> Tally:
    """Return what the runs that ended in a span come to."""
    rows = TrimRun.objects.filter(finished_at__gte=span.begin, finished_at__lt=span.until)
    rows = rows.exclude(outcome=RunOutcome.RUNNING).order_by()
    ended = (Ended(*row) for row in rows.values_list(*FIELDS).iterator(chunk_size=AT_ONCE))
    days = [day.first for day in span.period.days()]
    return tally_of(ended, span.steps, days, span.period.zone)


def traffic_part(span: Span, found: Tally) -> Part:
    """Return what ended, against the period before where both are whole."""
    title, measured = _("Traffic"), _measured(span)
    if not found.ended and not span.measured_share:
        said = _("Nothing was measured and no capture ended in this time: nothing is known of it.")
        return Part("traffic", title, said, is_known=False)
    if not found.ended:
        return Part("traffic", title, f"{_('No capture ended in this time.')} {measured}")
    judged = found.total("succeeded") + found.total("failed")
    said = ngettext(
        "%(n)s run ended with a result, with %(bytes)s; %(failed)s of %(judged)s failed.",
        "%(n)s runs ended with a result, with %(bytes)s; %(failed)s of %(judged)s failed.",
        found.total("succeeded"),
    ) % {
        "n": f"{found.total('succeeded'):,}",
        "bytes": size(found.total("input_bytes")),
        "failed": f"{found.total('failed'):,}",
        "judged": f"{judged:,}",
    }
    return Part(
        "traffic",
        title,
        f"{said} {measured}",
        figures=list(_figures(span, found)),
        tables=_days(span, found),
        charts=[_chart(span, found)],
    )


def _measured(span: Span) -> str:
    if not span.measured_share:
        return _("The service was not measured.")
    return _("It was measured for %(share)s of the time.") % {
        "share": percent(span.measured_share, 1)
    }


def _figures(span: Span, found: Tally) -> Iterator[Figure]:
    earlier = sums_before(span)
    for name, kind, value, key in (
        (_("Runs with a result"), Kind.COUNT, found.total("succeeded"), "succeeded"),
        (_("Failed runs"), Kind.COUNT, found.total("failed"), "failed"),
        (_("Bytes of captures"), Kind.BYTES, found.total("input_bytes"), "input_bytes"),
        (_("Bytes masked"), Kind.BYTES, found.total("masked_bytes"), "masked_bytes"),
        (_("HTTP messages"), Kind.COUNT, found.total("messages"), "messages"),
        (_("Throughput"), Kind.RATE, found.total("input_bytes") / span.seconds, ""),
        (_("Served by legacy after a failure"), Kind.COUNT, found.fallbacks, ""),
        (_("Outputs that failed verification"), Kind.COUNT, found.unverified, ""),
        (
            _("Outputs refused whoever made them"),
            *(Kind.COUNT, found.kinds[OutcomeKind.ODD_CAPTURE], ""),
        ),
        (
            _("Captures that cannot be used"),
            *(Kind.COUNT, found.kinds[OutcomeKind.REFUSED_INPUT], ""),
        ),
        (
            _("Runs that a fault around them ended"),
            *(Kind.COUNT, found.kinds[OutcomeKind.INFRASTRUCTURE], ""),
        ),
    ):
        was = earlier.get(key)
        yield Figure(name, Value(kind, value), None if was is None else Value(kind, was))


def sums_before(span: Span) -> dict[str, int]:
    """Return sums of the period before; nothing without any run in it, or while this one lasts."""
    if span.until < span.period.end:
        return {}
    earlier = before(span.period)
    done = of_kinds(OutcomeKind.SUCCEEDED)
    rows = TrimRun.objects.filter(finished_at__gte=earlier.begin, finished_at__lt=earlier.end)
    found: dict[str, Any] = rows.exclude(outcome=RunOutcome.RUNNING).aggregate(
        ended=Count("pk"),
        succeeded=Count("pk", filter=done),
        failed=Count("pk", filter=of_kinds(OutcomeKind.STRATEGY_FAILURE)),
        **{
            f"sum_{name}": Sum(name, filter=done)
            for name in ("input_bytes", "masked_bytes", "messages")
        },
    )
    if not found.pop("ended"):
        return {}
    return {name.removeprefix("sum_"): value or 0 for name, value in found.items()}


def _days(span: Span, found: Tally) -> list[Table]:
    if span.period.kind is ReportKind.DAY:
        return []
    rows = [
        (moment(day.begin, Kind.WEEKDAY), *_day(found.days[day.first], is_known))
        for day in span.period.days()
        if day.begin < span.until
        for is_known in [span.is_measured(day.begin, day.end)]
    ]
    columns = (_("Day"), _("Runs with a result"), _("Failed"), _("Bytes"))
    return [Table(_("Day by day"), columns, rows)]


def _day(sums: DaySums, is_measured: bool) -> tuple[Value, Value, Value]:
    is_known = is_measured or sums.succeeded + sums.failed > 0
    return (
        Value(Kind.COUNT, sums.succeeded if is_known else None),
        Value(Kind.COUNT, sums.failed if is_known else None),
        Value(Kind.BYTES, sums.input_bytes if is_known else None),
    )


def _chart(span: Span, found: Tally) -> Chart:
    lines = {
        ARM_NAMES[arm.value]: (arm.value, _rates(sums.step_bytes, span))
        for arm, sums in found.arms.items()
    }
    scale = byte_scale(each for _role, each in lines.values())
    drawn = [line(name, role, each.values, scale) for name, (role, each) in lines.items()]
    note = _("one point for each %(hours)d h") % {"hours": span.steps.hours}
    return Chart("traffic", _("Throughput"), figure(series_of(span), scale.unit, drawn), note)


def series_of(span: Span) -> Series:
    """Return the steps of the charts of a span."""
    return Series(span.begin, span.steps.seconds, span.steps.size, {}, 0)


def _rates(sums: Sequence[float], span: Span) -> Line:
    steps = zip(sums, span.steps.lengths(), span.measured_steps, strict=True)
    rates = [each / seconds if each or is_known else None for each, seconds, is_known in steps]
    return Line(values=rates, amounts=[], whole=None, amount=None, p50=[])
