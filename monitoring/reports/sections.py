"""The parts of reports: every app adds its own when it starts, without being known here.

A source is asked once for each report.  One that fails costs its own part, which says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

import structlog
from django.utils.translation import gettext as _

from config.faults import type_and_place
from monitoring.metrics.rollups import HOUR, span_of
from monitoring.models import MetricRollup
from monitoring.reports.parts import Part
from monitoring.reports.periods import Period, Steps, steps_of

log = structlog.get_logger("pktmask.reports")

ONE_HOUR: Final = timedelta(seconds=HOUR)


@dataclass(frozen=True)
class Span:
    """The time that is asked about: a period, up to ``until`` where it is not over."""

    period: Period
    until: datetime

    @property
    def begin(self) -> datetime:
        """Its first moment."""
        return self.period.begin

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.until - self.begin).total_seconds()

    @property
    def steps(self) -> Steps:
        """The steps of its charts."""
        return steps_of(self.period.kind, self.begin, self.until)

    @cached_property
    def _hours(self) -> list[tuple[datetime, float]]:
        """The hours of which there are samples, and for how many seconds."""
        rows = MetricRollup.objects.filter(
            resolution_seconds=HOUR, at__gte=span_of(self.begin, HOUR).start, at__lt=self.until
        )
        return list(rows.order_by("at").values_list("at", "covers_seconds"))

    @property
    def measured_share(self) -> float:
        """For how much of the time there are samples, from 0 to 1."""
        covered = math.fsum(seconds for _at, seconds in self._hours)
        return min(1.0, covered / self.seconds) if self.seconds > 0 else 0.0

    def is_measured(self, begin: datetime, end: datetime) -> bool:
        """Tell whether there are samples of an hour that lies between, or partly so."""
        return any(at < end and begin < at + ONE_HOUR for at, _seconds in self._hours)

    @cached_property
    def measured_steps(self) -> list[bool]:
        """Whether each step of the charts is measured; what is not must not be drawn as zero."""
        found, begin = [], self.begin
        for seconds in self.steps.lengths():
            end = begin + timedelta(seconds=seconds)
            found.append(self.is_measured(begin, end))
            begin = end
        return found


Source = Callable[[Span], Iterable[Part]]


@dataclass(frozen=True, slots=True)
class _Section:
    place: int
    name: str
    title: Any
    source: Source


class Sections:
    """Sources of parts, in the order of their places."""

    def __init__(self) -> None:
        self._sections: dict[str, _Section] = {}

    def register(self, name: str, title: Any, place: int) -> Callable[[Source], Source]:
        """Add a source, as a decorator; ``title`` stands over it where it fails.

        The parts of this app have the places 10, 20 and so on.
        """

        def add(source: Source) -> Source:
            self._sections[name] = _Section(place, name, title, source)
            return source

        return add

    def parts(self, span: Span) -> list[Part]:
        """Return all parts of a report."""
        ordered = sorted(self._sections.values(), key=lambda each: (each.place, each.name))
        return [part for each in ordered for part in _asked(each, span)]


def _asked(section: _Section, span: Span) -> list[Part]:
    try:
        return list(section.source(span))
    except Exception as error:  # a source may fail in any way; the report must still be made
        log.error("section_failed", section=section.name, **type_and_place(error))
        said = _("This part could not be made; the log says why. Nothing is known of it.")
        return [Part(section.name, str(section.title), said, is_known=False)]


sections: Final = Sections()
