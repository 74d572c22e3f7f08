"""How the health was: the score and the verdicts of a day, and all reports page by page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.core.paginator import Page, Paginator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.languages.told import listed
from monitoring.alerts.of_health import raised
from monitoring.choices import Verdict
from monitoring.conf import health_settings
from monitoring.figures import NEUTRAL, Figure, Scale, figure, line, mark_lines
from monitoring.marks import Mark
from monitoring.metrics.series import Series, Values
from monitoring.models import HealthReport

DAY: Final = timedelta(hours=24)
# a step is as long as this, or as a multiple of it that holds a check
STEP_SECONDS: Final = 300
CELLS: Final = 96
PAGE_SIZE: Final = 25
# from the worst on; a quarter of an hour is as bad as its worst check
WORST: Final = (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.OK, Verdict.NOT_APPLICABLE)
# verdicts differ in height too, not in colour alone; in parts of 100
HEIGHTS: Final = {
    Verdict.FAIL: 100,
    Verdict.WARN: 70,
    Verdict.UNKNOWN: 20,
    Verdict.OK: 40,
    Verdict.NOT_APPLICABLE: 20,
}
Checks = Sequence[tuple[datetime, float | None, str]]


@dataclass(frozen=True, slots=True)
class Cell:
    """A stretch of the strip of verdicts: where it stands, and the worst verdict in it."""

    number: int
    verdict: Verdict

    @property
    def height(self) -> int:
        """How high it is."""
        return HEIGHTS[self.verdict]

    @property
    def top(self) -> int:
        """Where it begins."""
        return 100 - self.height


def checks_of_a_day(now: datetime) -> Checks:
    """Return the checks of the last 24 hours, oldest first, in one query."""
    rows = HealthReport.objects.filter(at__gt=now - DAY, at__lte=now).order_by("at", "id")
    return list(rows.values_list("at", "score", "verdict"))


def score_figure(checks: Checks, now: datetime, marks: Sequence[Mark]) -> Figure:
    """Return the chart of the score: the lowest one of each step."""
    step_seconds = STEP_SECONDS * math.ceil(60 * health_settings().check_minutes / STEP_SECONDS)
    end = math.ceil(now.timestamp() / step_seconds) * step_seconds
    size = int(DAY.total_seconds() // step_seconds)
    start = end - size * step_seconds
    lowest: Values = [None] * size
    for at, score, _verdict in checks:
        step = math.floor((at.timestamp() - start) / step_seconds)
        if score is not None and 0 <= step < size:
            before = lowest[step]
            lowest[step] = score if before is None else min(before, score)
    steps = Series(datetime.fromtimestamp(start, UTC), step_seconds, size, {}, 0)
    drawn = line(_("score"), NEUTRAL, lowest, Scale(1, ""))
    return figure(steps, "", [drawn], marks=mark_lines(marks))


def cells_of(checks: Checks, now: datetime) -> list[Cell]:
    """Return the strip of verdicts; a stretch without a check has no cell."""
    seconds = DAY.total_seconds() / CELLS
    found: dict[int, Verdict] = {}
    for at, _score, value in checks:
        verdict = Verdict(value)
        number = min(CELLS - 1, math.floor((at - (now - DAY)).total_seconds() / seconds))
        found[number] = min(found.get(number, verdict), verdict, key=WORST.index)
    return [Cell(number, verdict) for number, verdict in sorted(found.items())]


def strip_sentence(checks: Checks) -> str:
    """Return the strip in words."""
    if not checks:
        return _("No check in the last 24 hours.")
    counts = Counter(Verdict(value) for _at, _score, value in checks)
    parts = listed(
        f"{counts[verdict]:,} {str(verdict.label).lower()}" for verdict in WORST if counts[verdict]
    )
    total = f"{len(checks):,}"
    said = ngettext(
        "%(total)s check in the last 24 hours: %(parts)s.",
        "%(total)s checks in the last 24 hours: %(parts)s.",
        len(checks),
    )
    return said % {"total": total, "parts": parts}


def reports(number: Any, user: Any) -> Page[HealthReport]:
    """Return a page of all reports, newest first; the nearest one when there is none such.

    Each has the alerts that it raised as ``raised``, for who may see alerts.
    """
    rows = HealthReport.objects.select_related("asked_by").defer("dimensions")
    alerts = raised(user)
    rows = rows.prefetch_related(alerts) if alerts else rows
    return Paginator(rows, PAGE_SIZE).get_page(number)
