"""The part about alerts: what fired, how soon somebody answered, and what reached people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from monitoring.alerts.statistics import Statistics, statistics_between
from monitoring.reports.parts import Figure, Kind, Part, Table, Value, text
from monitoring.reports.sections import Span, sections

PERMISSION = "monitoring.view_alert"


@sections.register("alerts", gettext_lazy("Alerts"), 30)
def alerts(span: Span) -> Iterator[Part]:
    """Give the part."""
    title = _("Alerts")
    # statistics end with their last moment, and reports before it
    moment = timedelta(microseconds=1)
    found = statistics_between("", span.begin - moment, span.until - moment)
    fired = sum(row.fired for row in found.severities)
    if not fired and not span.measured_share:
        said = _("Nothing was measured in this time, so no alert could fire.")
        yield Part("alerts", title, said, is_known=False, permission=PERMISSION)
        return
    said = (
        ngettext("%(n)s alert fired.", "%(n)s alerts fired.", fired) % {"n": f"{fired:,}"}
        if fired
        else _("No alert fired.")
    )
    yield Part(
        "alerts",
        title,
        said,
        figures=_figures(found, fired) if fired else [],
        tables=_tables(found) if fired else [],
        permission=PERMISSION,
    )


def _figures(found: Statistics, fired: int) -> list[Figure]:
    return [
        Figure(name, Value(Kind.COUNT, count))
        for name, count in (
            (_("Fired"), fired),
            (_("Sent"), found.sent),
            (_("Given up"), found.failed),
            (_("Suppressed"), found.suppressed),
        )
    ]


def _tables(found: Statistics) -> list[Table]:
    severities = [
        (
            Value(Kind.SEVERITY, row.severity.value),
            Value(Kind.COUNT, row.fired),
            Value(Kind.SECONDS, row.acknowledged_seconds),
            Value(Kind.SECONDS, row.resolved_seconds),
        )
        for row in found.severities
        if row.fired
    ]
    rules = [
        (text(row.title), Value(Kind.COUNT, row.fired), Value(Kind.COUNT, row.acknowledged))
        for row in found.rules
    ]
    return [
        Table(
            _("Response times"),
            (
                *(_("Severity"), _("Fired")),
                *(_("To acknowledge, median"), _("To resolve, median")),
            ),
            severities,
        ),
        Table(_("What fired most"), (_("Alert"), _("Fired"), _("Acknowledged")), rules),
    ]
