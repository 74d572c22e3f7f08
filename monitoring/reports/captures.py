"""The part about single captures: the slowest ones, and those that failed.

Captures stand in it by their ids: who may see one sees its name on the page, and nobody else does.
Reasons stay on the page of the capture for the same cause.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.reports.parts import Kind, Part, Table, Value, moment, text
from monitoring.reports.sections import Span, sections
from trimming.blame import of_kinds
from trimming.choices import OutcomeKind, RunOutcome
from trimming.models import TrimRun
from trimming.routing import CONTROL
from trimming.routing_choices import Arm

MOST: int = 10
# whosever fault it was
HAS_FAILED = of_kinds(OutcomeKind.STRATEGY_FAILURE, OutcomeKind.ODD_CAPTURE, OutcomeKind.UNDECIDED)


@sections.register("captures", gettext_lazy("Captures"), 50)
def captures(span: Span) -> Iterator[Part]:
    """Give the part."""
    title = _("Captures")
    ended = TrimRun.objects.filter(finished_at__gte=span.begin, finished_at__lt=span.until)
    ended = ended.select_related("job").defer("report", "reason", "job__reason")
    slowest = ended.filter(outcome=RunOutcome.DONE, duration_ms__isnull=False)
    failed = ended.filter(HAS_FAILED).order_by("-finished_at", "-pk")
    slow_rows = [_slow(run) for run in slowest.order_by("-duration_ms", "pk")[:MOST]]
    count = failed.count()
    if not slow_rows and not count:
        said = _("No run ended in this time, so there is no slowest one and no failed one.")
        yield Part("captures", title, said, is_known=span.measured_share > 0)
        return
    said = ngettext("%(n)s run failed.", "%(n)s runs failed.", count) % {"n": f"{count:,}"}
    slow_table = Table(
        _("The slowest runs"),
        (_("Capture"), _("Strategy"), _("Took"), _("Size"), _("Messages"), _("Ended")),
        slow_rows,
    )
    failed_table = Table(
        _("Failed runs, newest first"),
        (_("Capture"), _("Strategy"), _("How"), _("Size"), _("Ended")),
        [_failure(run) for run in failed[:MOST]],
        max(0, count - MOST),
    )
    tables = [table for table in (failed_table, slow_table) if table.rows]
    yield Part("captures", title, said if count else _("No run failed."), tables=tables)


def _arm(run: TrimRun) -> Value:
    return Value(Kind.ARM, (Arm.CONTROL if run.strategy == CONTROL else Arm.TREATMENT).value)


def _slow(run: TrimRun) -> tuple[Value, ...]:
    return (
        Value(Kind.CAPTURE, str(run.job.capture_id)),
        _arm(run),
        Value(Kind.SECONDS, (run.duration_ms or 0.0) / 1000),
        Value(Kind.BYTES, run.input_bytes),
        Value(Kind.COUNT, run.messages),
        moment(run.finished_at),
    )


def _failure(run: TrimRun) -> tuple[Value, ...]:
    return (
        Value(Kind.CAPTURE, str(run.job.capture_id)),
        _arm(run),
        text(run.get_outcome_display()),
        Value(Kind.BYTES, run.input_bytes),
        moment(run.finished_at),
    )
