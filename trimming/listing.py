"""The list of captures: what is found, in which order, and what a row of it shows.

One grouped query counts by state, one finds the captures of a page with their owners, jobs and
profiles, one their runs: the same number whatever the page holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import PermissionsMixin
from django.db.models import Count, F, OrderBy, Prefetch, Q, QuerySet
from django.db.models.fields.json import KeyTransform

from trimming.choices import JobState, RunOutcome
from trimming.models import AnyUser, Capture, TrimJob, TrimRun
from trimming.routing_words import Route, route_of

PAGE_SIZE: Final = 50
RECENT: Final = timedelta(hours=1)
# the beginning of a digest, long enough that it is no word
DIGEST: Final = re.compile(r"[0-9a-f]{6,64}")
SINCE: Final[Mapping[str, timedelta]] = {
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
# in an address: the fields to sort by, each also turned round with "-" before its name
SORTS: Final[Mapping[str, str]] = {
    "name": "name",
    "state": "current_job__state",
    "size": "size_bytes",
    "started": "current_job__claimed_at",
    "uploaded": "uploaded_at",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a person looks for.  Empty values ask for everything, newest uploads first."""

    state: str = ""
    search: str = ""
    since: str = ""
    sort: str = ""

    @property
    def narrows(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.state or self.search or self.since)


@dataclass(frozen=True, slots=True)
class Counts:
    """Captures by state: all that a user sees (``kept``), and those that a filter finds."""

    kept: Mapping[str, int]
    found: Mapping[str, int]
    refused_lately: int

    @property
    def kept_in_all(self) -> int:
        """All that the user sees."""
        return sum(self.kept.values())

    def found_in(self, state: str) -> int:
        """Return how many the filter finds in ``state``; in all of them for ""."""
        return self.found.get(state, 0) if state else sum(self.found.values())


@dataclass(frozen=True, slots=True)
class Row:
    """One capture with what the list shows of it."""

    capture: Capture
    job: TrimJob | None
    run: TrimRun | None

    @property
    def state(self) -> str:
        """The state of the current job; empty without one."""
        return self.job.state if self.job else ""

    @property
    def is_open(self) -> bool:
        """Whether the job is waiting or running."""
        return self.job is not None and self.job.is_open

    @property
    def is_running(self) -> bool:
        """Whether a worker is at it."""
        return self.state == JobState.RUNNING

    @property
    def strategy(self) -> str:
        """The strategy that ran, or that was asked for; empty while it is not chosen."""
        if self.run is not None:
            return self.run.strategy
        return self.job.strategy_override if self.job else ""

    @property
    def route(self) -> Route | None:
        """Why it went to its strategy; None without a job."""
        return None if self.job is None else route_of(self.job, self.job.runs.all())

    @property
    def reason(self) -> str:
        """Why there is no result; empty in other states."""
        ended = self.state in (JobState.FAILED, JobState.REFUSED)
        return self.job.reason if self.job is not None and ended else ""

    @property
    def can_retry(self) -> bool:
        """Whether trying again may end otherwise: a refused capture would be refused again."""
        ended = self.state in (JobState.FAILED, JobState.CANCELLED)
        return ended and self.capture.has_original

    @property
    def has_result(self) -> bool:
        """Whether the current job has a result whose file is there."""
        run = self.run
        return (
            self.state == JobState.DONE
            and run is not None
            and run.outcome == RunOutcome.DONE
            and bool(run.output)
        )

    @property
    def is_in_quarantine(self) -> bool:
        """Whether the result is refused to everybody for the time being."""
        run = self.run
        return self.has_result and run is not None and run.quarantine_in_force is not None

    @property
    def can_download(self) -> bool:
        """Whether the current job has a result that may be taken away."""
        return self.has_result and not self.is_in_quarantine

    @property
    def whole_bytes(self) -> int | None:
        """Of what the masked bytes are a share: the file, or its packets where it was packed."""
        packets = getattr(self.run, "packet_bytes", None)
        if self.run is None or not isinstance(packets, int):
            return None
        is_packed = "," in self.capture.file_format
        return packets if is_packed else max(packets, self.run.input_bytes)

    def ran_seconds(self, now: datetime) -> float | None:
        """Return how long the attempt ran, up to ``now`` when it still runs; None without one."""
        if self.run is None:
            return None
        if self.run.duration_ms is not None:
            return self.run.duration_ms / 1000
        end = self.run.finished_at or (now if self.is_running else None)
        return (end - self.run.started_at).total_seconds() if end else None


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the list.  ``first`` and ``last`` count from 1; both are 0 on an empty page."""

    number: int
    pages: int
    total: int
    rows: list[Row] = field(default_factory=list)

    @property
    def first(self) -> int:
        """Place of the first row in the whole list."""
        return (self.number - 1) * PAGE_SIZE + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """Place of the last row in the whole list."""
        return self.first + len(self.rows) - 1 if self.rows else 0


def found_by(user: AnyUser, wanted: Filter, now: datetime) -> Q:
    """Return the condition of ``wanted`` except its state."""
    condition = Q()
    if wanted.since in SINCE:
        condition &= Q(uploaded_at__gte=now - SINCE[wanted.since])
    if wanted.search:
        condition &= _matches(user, wanted.search)
    return condition


def _matches(user: AnyUser, search: str) -> Q:
    condition = Q(name__icontains=search)
    if DIGEST.fullmatch(search.lower()):
        condition |= Q(sha256__startswith=search.lower())
    if sees_owners(user):
        condition |= Q(owner__username__icontains=search)
    return condition


def sees_owners(user: AnyUser) -> bool:
    """Tell whether ``user`` sees captures of others, so that it matters whose they are."""
    return isinstance(user, PermissionsMixin) and user.has_perm("trimming.view_all_captures")


def counts_by_state(user: AnyUser, wanted: Filter, now: datetime) -> Counts:
    """Count what ``user`` sees, and what ``wanted`` finds of it, by state, in one query."""
    lately = Q(current_job__state=JobState.REFUSED, current_job__finished_at__gte=now - RECENT)
    condition = found_by(user, wanted, now)
    grouped = (
        Capture.objects.visible_to(user)
        .order_by()
        .values_list("current_job__state")
        .annotate(
            kept=Count("pk"),
            found=Count("pk", filter=condition) if condition else Count("pk"),
            lately=Count("pk", filter=lately),
        )
    )
    rows = list(grouped)
    return Counts(
        kept={state or "": kept for state, kept, _, _ in rows},
        found={state or "": found for state, _, found, _ in rows},
        refused_lately=sum(lately for _, _, _, lately in rows),
    )


def page_of(user: AnyUser, wanted: Filter, counts: Counts, number: int, now: datetime) -> Page:
    """Return one page, in the order of ``wanted``; the nearest one for a number out of range."""
    total = counts.found_in(wanted.state)
    pages = max(1, -(-total // PAGE_SIZE))
    number = min(max(1, number), pages)
    start = (number - 1) * PAGE_SIZE
    captures = with_runs(found(user, wanted, now))[start : start + PAGE_SIZE]
    return Page(number, pages, total, [row_of(capture) for capture in captures])


def found(user: AnyUser, wanted: Filter, now: datetime) -> QuerySet[Capture]:
    """Return the captures that ``wanted`` finds, in its order."""
    captures = Capture.objects.visible_to(user).filter(found_by(user, wanted, now))
    if wanted.state:
        captures = captures.filter(current_job__state=wanted.state)
    return captures.order_by(*ordering(wanted.sort))


def ordering(sort: str) -> list[OrderBy | str]:
    """Return the fields that a sort stands for; what has no value comes last either way."""
    name = sort.removeprefix("-")
    if name not in SORTS:
        return ["-uploaded_at", "-id"]
    field = F(SORTS[name])
    first = field.desc(nulls_last=True) if sort.startswith("-") else field.asc(nulls_last=True)
    return [first, "-uploaded_at", "-id"]


def with_runs(captures: QuerySet[Capture]) -> QuerySet[Capture]:
    """Return the captures with all that ``row_of`` reads, in two queries however many they are."""
    # of a report, which may be long, only the number that the list shows
    runs = TrimRun.objects.defer("report").select_related("quarantine")
    runs = runs.annotate(packet_bytes=KeyTransform("bytes", "report"))
    return captures.select_related("owner", "current_job").prefetch_related(
        Prefetch("current_job__runs", queryset=runs.order_by("attempt"))
    )


def row_of(capture: Capture) -> Row:
    """Return what the list shows of a capture that came from ``with_runs``."""
    job = capture.current_job
    if job is None:
        return Row(capture, None, None)
    by_id = {run.pk: run for run in job.runs.all()}
    newest = next((run for run in by_id.values() if run.attempt == job.attempt), None)
    if job.state == JobState.WAITING:
        newest = None  # an attempt that was lost says nothing about the next one
    return Row(capture, job, by_id.get(job.published_run_id or 0, newest))
