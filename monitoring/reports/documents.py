"""A report as a file of its own and as a mail: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from config.faults import type_and_place
from monitoring.channels.conf import public_url
from monitoring.reports.models import Report
from monitoring.reports.pictures import png
from monitoring.reports.shown import about, in_words, measured, parts_for, time_of, title_of

log = structlog.get_logger("pktmask.reports")

# a mail has room for so many rows of a table
MAIL_ROWS: Final = 10
Pictures = Mapping[str, bytes]


def as_json(report: Report, user: Any = None) -> dict[str, Any]:
    """Return a report as plain values, without the parts that ``user`` may not see."""
    return {
        "version": report.version,
        "kind": report.kind,
        "begin": report.begin.isoformat(),
        "end": report.end.isoformat(),
        "until": report.until.isoformat(),
        "is_whole": report.is_whole,
        "zone": report.zone,
        "made_at": report.made_at.isoformat(),
        "measured_share": report.measured_share,
        "parts": parts_for(report, user),
    }


def as_html(report: Report, user: Any = None) -> str:
    """Return a report as one file, with its pictures inside."""

    def source(name: str, picture: bytes) -> str:
        return f"data:image/png;base64,{base64.b64encode(picture).decode()}"

    return render_to_string("monitoring/report_file.html", _context(report, user, source))


def mail_texts(report: Report, source: Callable[[str, bytes], str]) -> tuple[str, str]:
    """Return the text and the HTML of the mail; ``source`` keeps a picture and names it."""
    context = _context(report, None, source, rows=MAIL_ROWS)
    site = public_url()
    context["address"] = f"{site}/reports/{report.pk}/" if site else ""
    text = render_to_string("monitoring/mail/report.txt", context).strip() + "\n"
    return text, render_to_string("monitoring/mail/report.html", context)


def subject_of(report: Report) -> str:
    """Return the subject of the mail."""
    return _("%(what)s: %(title)s") % {"what": "PktMask", "title": title_of(report)}


def file_name(report: Report, ending: str) -> str:
    """Return the name under which a report is saved."""
    first = report.begin.astimezone(report.time_zone)
    so_far = "" if report.is_whole else "-unfinished"
    return f"pktmask-{report.kind}-{first:%Y-%m-%d}{so_far}.{ending}"


def _context(
    report: Report, user: Any, source: Callable[[str, bytes], str], rows: int | None = None
) -> dict[str, Any]:
    zone = report.time_zone
    stored = parts_for(report, user)
    return {
        "report": report,
        "title": title_of(report),
        "time": time_of(report),
        "about": about(report),
        "measured": measured(report),
        "parts": [
            {
                **part,
                "tables": [_cut(table, rows) for table in part["tables"]],
                "pictures": _pictures(report, part, each["charts"], source),
            }
            for part, each in zip(in_words(stored, zone, {}), stored, strict=True)
        ],
    }


def _cut(table: Mapping[str, Any], rows: int | None) -> Mapping[str, Any]:
    if rows is None or len(table["rows"]) <= rows:
        return table
    left_out = table["left_out"] + len(table["rows"]) - rows
    return {**table, "rows": table["rows"][:rows], "left_out": left_out}


def _pictures(
    report: Report,
    part: Mapping[str, Any],
    stored: Sequence[Mapping[str, Any]],
    source: Callable[[str, bytes], str],
) -> list[dict[str, str]]:
    found = []
    for chart, each in zip(part["charts"], stored, strict=True):
        picture = _drawn(report, each)
        if picture is not None:
            spoken = _("Chart: %(title)s over time") % {"title": chart["title"]}
            found.append(
                {
                    "source": source(chart["name"], picture),
                    "title": chart["title"],
                    "note": chart["note"],
                    "spoken": spoken,
                }
            )
    return found


def _drawn(report: Report, chart: Mapping[str, Any]) -> bytes | None:
    try:
        return png(chart["figure"], report.time_zone)
    except Exception as error:  # it is only the picture; the report goes without it
        log.warning("picture_not_drawn", **type_and_place(error))
        return None
