"""Making reports: those that are due by the clock, and one of the time so far when asked for.

There is one report for each kind and time, whoever makes it and however often.  What was made of a
whole time is history and stays as it is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from django.db import transaction
from django.db.models import Min, QuerySet

from config.faults import type_and_place
from config.languages.told import in_record
from monitoring.alerts.hours import read_zone
from monitoring.channels.conf import listed
from monitoring.metrics.rollups import HOUR
from monitoring.models import HealthReport, MetricRollup, MetricSample
from monitoring.reports.choices import MailState, ReportKind
from monitoring.reports.conf import report_settings
from monitoring.reports.models import FORMAT, Report
from monitoring.reports.periods import Period, due, period_of
from monitoring.reports.sections import Span, sections
from trimming.models import TrimRun

log = structlog.get_logger("pktmask.reports")

# a report that is made up for later than this is not mailed: it is no news
NEWS: Final = timedelta(days=7)


def wanted_kinds() -> list[ReportKind]:
    """Return which reports are made by the clock."""
    settings = report_settings()
    switches = {
        ReportKind.DAY: settings.daily,
        ReportKind.WEEK: settings.weekly,
        ReportKind.MONTH: settings.monthly,
    }
    return [kind for kind, is_on in switches.items() if is_on]


def make_due(now: datetime) -> list[Report]:
    """Make the reports that must be there and are not, the oldest first; return them.

    One that cannot be made does not keep the others from being made, and is tried again.
    """
    made = []
    for period in missing(now):
        try:
            made.append(make(period, now))
        except Exception as error:  # the database may fail; the report is made at the next turn
            log.error("report_not_made", period=period.kind.value, **type_and_place(error))
    return made


def missing(now: datetime) -> list[Period]:
    """Return the periods whose reports must be there and are not."""
    began = known_since()
    if began is None:
        return []
    settings = report_settings()
    zone = read_zone(settings.zone)
    since = max(began, now - timedelta(days=settings.catch_up_days))
    found = [
        period
        for kind in wanted_kinds()
        for period in due(kind, zone, settings.due_hours, now, since)
    ]
    whole = Report.objects.filter(is_whole=True, end__gt=since).values_list("kind", "begin")
    there = set(whole)
    return [each for each in found if (each.kind.value, each.begin) not in there]


def known_since() -> datetime | None:
    """Return when the service began to leave traces; None before."""
    rollups = MetricRollup.objects.filter(resolution_seconds=HOUR)
    firsts = (
        TrimRun.objects.aggregate(at=Min("started_at")),
        HealthReport.objects.aggregate(at=Min("at")),
        MetricSample.objects.aggregate(at=Min("at")),
        rollups.aggregate(at=Min("at")),
    )
    return min((each["at"] for each in firsts if each["at"]), default=None)


def make_now(kind: ReportKind, now: datetime, made_by: str) -> Report:
    """Make the report of the time that is not over, up to now."""
    zone = read_zone(report_settings().zone)
    return make(period_of(kind, now, zone), now, made_by)


def make(period: Period, now: datetime, made_by: str = "") -> Report:
    """Make a report and store it; return what is stored, which somebody else may have made."""
    span = Span(period, min(period.end, now))
    is_whole = span.until == period.end
    with in_record():
        data = [part.as_json() for part in sections.parts(span)]
    facts: dict[str, Any] = {
        "end": period.end,
        "zone": period.zone.key,
        "until": span.until,
        "is_whole": is_whole,
        "made_at": now,
        "made_by": made_by,
        "version": FORMAT,
        "data": data,
        "measured_share": span.measured_share,
    }
    is_mailed = is_whole and not made_by and listed(report_settings().receivers)
    if is_mailed and now - period.end <= NEWS:
        facts |= {"mail_state": MailState.WAITING, "mail_since": now}
    report = _stored(period, facts)
    log.info("report_made", report=report.pk, kind=report.kind, is_whole=report.is_whole)
    return report


def _stored(period: Period, facts: dict[str, Any]) -> Report:
    with transaction.atomic():
        report, is_new = Report.objects.get_or_create(
            kind=period.kind.value, begin=period.begin, defaults=facts
        )
        if not is_new:
            Report.objects.filter(pk=report.pk, is_whole=False).update(**facts)
        report.refresh_from_db()
    return report


def expired(now: datetime) -> QuerySet[Report]:
    """Return the reports that were kept long enough."""
    return Report.objects.filter(end__lt=now - timedelta(days=report_settings().keep_days))


def prune(now: datetime) -> int:
    """Remove reports that were kept long enough; return how many."""
    return expired(now).delete()[0]
