"""A stored report in words: the same for the page, the mail and the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from config.languages.told import told
from monitoring.alerts.message import Severity
from monitoring.choices import Verdict
from monitoring.figures import ARM_NAMES
from monitoring.reports.choices import ReportKind
from monitoring.reports.models import FORMAT, Report
from monitoring.reports.parts import Kind
from monitoring.templatetags.figures import figures
from trimming import quantities

Json = Mapping[str, Any]
UNKNOWN: Final = "\N{EN DASH}"
ID_CHARACTERS: Final = 8
COLUMNS: Final = (
    *("kind", "time", "begin_utc", "end_utc", "zone", "state", "measured_share", "mail"),
    *("mailed_utc", "made_utc", "made_by"),
)
NUMBERS: Final = frozenset(
    (
        *(Kind.COUNT, Kind.BYTES, Kind.RATE, Kind.SECONDS, Kind.MILLISECONDS),
        *(Kind.PERCENT, Kind.NUMBER),
    )
)
_UNITS: Final = {Kind.MILLISECONDS: "ms", Kind.PERCENT: "%"}


def title_of(report: Report) -> str:
    """Return what a report is called."""
    names = {
        ReportKind.DAY: _("Daily report"),
        ReportKind.WEEK: _("Weekly report"),
        ReportKind.MONTH: _("Monthly report"),
    }
    words = {"what": names[ReportKind(report.kind)], "title": time_of(report)}
    return _("%(what)s: %(title)s") % words


def as_table(reports: Iterable[Report]) -> Iterator[tuple[Any, ...]]:
    """Return the cells of reports, in the order of COLUMNS."""
    for each in reports:
        state = "finished" if each.is_whole else "unfinished"
        yield (
            *(each.kind, time_of(each), each.begin, each.end, each.zone, state),
            *(each.measured_share, each.mail_state, each.mailed_at, each.made_at, each.made_by),
        )


def time_of(report: Report) -> str:
    """Return the days of a report, by the clock of its zone."""
    zone = report.time_zone
    first = report.begin.astimezone(zone).date()
    # the day behind may begin late, and never early
    last = report.end.astimezone(zone).date() - timedelta(days=1)
    if report.kind == ReportKind.DAY:
        return date_format(first, _("l, j F Y"))
    if report.kind == ReportKind.MONTH:
        return date_format(first, _("F Y"))
    return _("week %(week)d, %(first)s to %(last)s") % {
        "week": first.isocalendar().week,
        "first": date_format(first, _("j F") if first.year == last.year else _("j F Y")),
        "last": date_format(last, _("j F Y")),
    }


def about(report: Report) -> str:
    """Return the exact time that a report is about, and whether it is over."""
    zone = report.time_zone
    names = {
        "begin": moment_text(report.begin, zone),
        "until": moment_text(report.until, zone),
        "zone": report.zone,
    }
    if report.is_whole:
        return _("From %(begin)s to %(until)s, %(zone)s.") % names
    return _("Not finished: from %(begin)s up to %(until)s, %(zone)s.") % names


def measured(report: Report) -> str:
    """Return for how much of the time the service was measured."""
    if not report.measured_share:
        return _("Nothing was measured in this time.")
    return _("Measured for %(share)s of the time.") % {
        "share": quantities.percent(report.measured_share, 1)
    }


def can_be_shown(report: Report) -> bool:
    """Tell whether this version of the service knows the form of a report."""
    return report.version == FORMAT


def parts_for(report: Report, user: Any = None) -> list[Json]:
    """Return the parts that ``user`` may see; all of them for None: whom settings name."""
    return [
        part
        for part in report.data
        if user is None or not part["permission"] or user.has_perm(part["permission"])
    ]


def in_words(parts: Iterable[Json], zone: ZoneInfo, names: Mapping[str, str]) -> list[Json]:
    """Return parts with each value as Shown; ``names`` are of captures that may be seen."""
    return [
        {
            **part,
            "title": told(part["title"]),
            "said": told(part["said"]),
            "has_more": bool(part["figures"] or part["tables"] or part["charts"]),
            "figures": [_figure(each, zone, names) for each in part["figures"]],
            "tables": [_table(each, zone, names) for each in part["tables"]],
            "charts": [_chart(each) for each in part["charts"]],
        }
        for part in parts
    ]


def captures_in(parts: Iterable[Json]) -> set[str]:
    """Return the ids of captures that stand in tables."""
    return {
        value["value"]
        for part in parts
        for table in part["tables"]
        for row in table["rows"]
        for value in row
        if value["kind"] == Kind.CAPTURE
    }


def _chart(chart: Json) -> Json:
    figure = chart["figure"]
    lines = [{**each, "name": told(each["name"])} for each in figure["lines"]]
    return {
        **chart,
        "title": told(chart["title"]),
        "note": told(chart["note"]),
        "figure": {**figure, "lines": lines},
    }


def _figure(figure: Json, zone: ZoneInfo, names: Mapping[str, str]) -> Json:
    before = figure["before"]
    return {
        **figure,
        "name": told(figure["name"]),
        "note": told(figure["note"]),
        "value": shown(figure["value"], zone, names),
        "before": None if before is None else shown(before, zone, names),
    }


def _table(table: Json, zone: ZoneInfo, names: Mapping[str, str]) -> Json:
    columns = [told(name) for name in table["columns"]]
    rows = [[shown(value, zone, names) for value in row] for row in table["rows"]]
    # a column of numbers stands to the right
    numbers = [any(row[place]["is_number"] for row in rows) for place in range(len(columns))]
    for row in rows:
        for place, name in enumerate(columns):
            row[place] |= {"column": name, "is_right": numbers[place]}
    heads = [
        {"name": name, "is_right": is_right}
        for name, is_right in zip(columns, numbers, strict=True)
    ]
    return {
        **table,
        "title": told(table["title"]),
        "note": told(table["note"]),
        "heads": heads,
        "rows": rows,
    }


def shown(value: Json, zone: ZoneInfo, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a value with its text; of a capture that may be seen with its name."""
    kind = Kind(value["kind"])
    written = value_text(value, zone)
    known = kind is Kind.CAPTURE and value["value"] in names
    return {
        "kind": kind.value,
        "value": value["value"],
        "text": names[value["value"]] if known else written,
        "interval": interval_text(value),
        "is_number": kind in NUMBERS,
        "is_known": value["value"] is not None,
        "is_named": known,
    }


def value_text(value: Json, zone: ZoneInfo) -> str:
    """Return a value as people read it, without its interval; a dash where it is unknown."""
    found = value["value"]
    if found is None:
        return UNKNOWN
    match Kind(value["kind"]):
        case Kind.COUNT:
            return f"{found:,}"
        case Kind.BYTES:
            return quantities.size(found)
        case Kind.RATE:
            return quantities.rate(found)
        case Kind.SECONDS:
            return quantities.duration(found)
        case Kind.MILLISECONDS | Kind.PERCENT | Kind.NUMBER as kind:
            return f"{figures(found)} {_UNITS.get(kind, value['unit'])}".rstrip()
        case Kind.MOMENT:
            return moment_text(datetime.fromisoformat(found), zone)
        case Kind.DAY:
            return date_format(datetime.fromisoformat(found).astimezone(zone), _("j M Y"))
        case Kind.WEEKDAY:
            return date_format(datetime.fromisoformat(found).astimezone(zone), _("D j M"))
        case Kind.CAPTURE:
            return str(found)[:ID_CHARACTERS]
        case Kind.ARM:
            return ARM_NAMES.get(found, found)
        case Kind.VERDICT:
            return str(Verdict(found).label)
        case Kind.SEVERITY:
            return str(Severity(found).label)
        case Kind.TEXT:
            return told(found)


def interval_text(value: Json) -> str:
    """Return an interval, in the unit of its value; nothing where there is none."""
    low, high = value["low"], value["high"]
    if low is None and high is None:
        return ""
    if high is None:
        return _("%(low)s or more") % {"low": figures(low)}
    if low is None:
        return _("up to %(high)s") % {"high": figures(high)}
    return _("%(low)s to %(high)s") % {"low": figures(low), "high": figures(high)}


def moment_text(at: datetime, zone: ZoneInfo) -> str:
    """Return a moment by the clock of a zone."""
    return date_format(at.astimezone(zone), _("j M Y, H:i"))
