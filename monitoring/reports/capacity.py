"""The part about capacity: how full the machine was, and when each limit would be met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.languages.told import listed
from monitoring.figures import figure, line
from monitoring.metrics.forecast import Reach
from monitoring.metrics.rollups import HOUR
from monitoring.metrics.series import Series, series
from monitoring.reports.parts import Chart, Kind, Part, Table, Value, moment, text
from monitoring.reports.sections import Span, sections
from monitoring.trends import PERCENT, Forecast, forecasts

SHOWN: Final = (
    ("cpu_percent", gettext_lazy("CPU"), "process-1"),
    ("memory_percent", gettext_lazy("Memory"), "process-2"),
    ("disk_percent", gettext_lazy("Disk"), "process-3"),
)


@sections.register("capacity", gettext_lazy("Capacity"), 40)
def capacity(span: Span) -> Iterator[Part]:
    """Give the part."""
    title = _("Capacity")
    found = series([key for key, _title, _role in SHOWN], span.begin, span.until, HOUR)
    outlook = forecasts(span.until)
    # a trend without values of this time says nothing of how it is now
    if found.is_empty:
        said = _("Nothing was measured, so nothing can be said of what is to come.")
        yield Part("capacity", title, said, is_known=False)
        return
    rows = [row for each in outlook for row in _rows(each)]
    table = Table(
        _("When each limit would be met, if it goes on so"),
        (
            *(_("Resource"), _("Level"), _("In a day"), _("Limit")),
            *(_("Would meet"), _("Earliest"), _("Latest")),
        ),
        rows,
        # xgettext:no-python-format
        note=_("Theil-Sen slope, 90 % interval"),
    )
    yield Part(
        "capacity",
        title,
        said_of(outlook, span.period.zone),
        tables=[table] if rows else [],
        charts=[_chart(found)],
    )


def said_of(outlook: Sequence[Forecast], zone: ZoneInfo) -> str:
    """Return what will be met first."""
    met = [str(each.name) for each in outlook if any(reach.is_met for reach in each.reaches)]
    coming = [(reach.at, str(each.name)) for each in outlook for reach in each.reaches if reach.at]
    words = []
    if met:
        words.append(_("At a limit already: %(names)s.") % {"names": listed(met)})
    if coming:
        at, name = min(coming)
        words.append(
            _("The next limit would be met by %(name)s, on %(day)s.")
            % {"name": name, "day": f"{at.astimezone(zone):%Y-%m-%d}"}
        )
    if not any(each.trend for each in outlook):
        words.append(_("Too little is known yet for a forecast."))
    return " ".join(words) or _("No limit would be met within a year.")


def _rows(found: Forecast) -> Iterator[tuple[Value, ...]]:
    if found.trend is None:
        return
    trend = found.trend
    for reach in found.reaches:
        yield (
            text(found.name),
            Value(Kind.NUMBER, trend.level, unit=found.unit),
            Value(Kind.NUMBER, trend.slope, trend.low, trend.high, unit=f"{found.unit}/d"),
            Value(Kind.NUMBER, reach.limit, unit=found.unit),
            *_dates(reach),
        )


def _dates(reach: Reach) -> tuple[Value, Value, Value]:
    if reach.is_met:
        unknown = moment(None, Kind.DAY)
        return text(_("met already")), unknown, unknown
    return (
        _day_or_never(reach.at),
        _day_or_never(reach.earliest),
        _day_or_never(reach.latest),
    )


def _day_or_never(at: datetime | None) -> Value:

    return moment(at, Kind.DAY) if at else text(_("not within a year"))


def _chart(found: Series) -> Chart:
    drawn = [line(str(title), role, found.lines[key].values, PERCENT) for key, title, role in SHOWN]
    return Chart(
        "resources", _("CPU, memory and disk"), figure(found, "%", drawn), _("hourly means")
    )
