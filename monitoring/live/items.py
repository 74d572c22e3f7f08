"""Items: what the live feed says.  Read from the database, and shown in a language.

An item is of one capture, or news of the service (the newest sample, the newest health report, and
what the strip on top of every page says).
An item is of the capture's current job, whichever of its jobs changed: so an item that was read
later is never older than one that was read before.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final, TypedDict, final
from uuid import UUID

from django.utils import timezone

from monitoring.choices import VERDICT_LOOKS, Verdict
from monitoring.live.kinds import kinds
from monitoring.live.topics import SERVICE, Topic
from monitoring.metrics.histograms import from_json
from monitoring.models import HealthReport, MetricSample
from monitoring.strip import facts_at, in_words, newest_report
from trimming.choices import OPEN_STATES, JobStage, JobState
from trimming.models import AnyUser, Capture, CaptureQuerySet

MAX_OPEN: Final = 200
STRIP: Final = "strip"


class Item(TypedDict):
    """One capture now.  ``capture`` and ``job`` are ids, ``percent`` is 0 to 100.

    ``stage`` is empty unless the job is running.  ``held``: the result is in quarantine, so nobody
    may take it away.  Of a deleted capture only the id means anything.
    """

    capture: str
    job: str | None
    state: str
    percent: int
    stage: str
    held: bool
    deleted: bool


@final
class News(TypedDict):
    """The newest of one kind of facts about the service.

    ``key`` is the kind: ``sample``, ``health``, ``strip``, or one of kinds.py.  ``figures`` are
    what pages show of it; see news_of_sample, news_of_report and news_of_strip.
    """

    key: str
    at: str
    figures: dict[str, Any]


class ShownItem(Item):
    """An item as it is sent: with its words in the language of the connection."""

    label: str
    stage_label: str


def key_of(item: Item | News) -> str:
    """Return what ``item`` is about; a newer one of the same key replaces it."""
    return item["capture"] if "capture" in item else item["key"]


def is_open(item: Item | News) -> bool:
    """Tell whether the job of ``item`` is still to end."""
    if "capture" not in item:
        return False
    return item["state"] in OPEN_STATES and item["job"] is not None and not item["deleted"]


def deleted_item(capture_id: str) -> Item:
    """Return what is said of a capture that is gone, or that its viewer may not see any more."""
    return Item(
        capture=capture_id,
        job=None,
        state=JobState.CANCELLED.value,
        percent=0,
        stage="",
        held=False,
        deleted=True,
    )


def item_of(capture: Capture) -> Item:
    """Return what is said of ``capture``."""
    if capture.deleted_at is not None:
        return deleted_item(str(capture.pk))
    job = capture.current_job
    state = JobState.WAITING if job is None else JobState(job.state)
    return Item(
        capture=str(capture.pk),
        job=None if job is None else str(job.pk),
        state=state.value,
        percent=0 if job is None else job.percent,
        stage=job.stage if job is not None and state == JobState.RUNNING else "",
        held=job is not None and job.is_held,
        deleted=False,
    )


def read_items(user: AnyUser, topic: Topic, ids: Collection[UUID]) -> Sequence[Item | News]:
    """Return the items of ``topic`` that ``user`` may see: at most two queries beside permissions.

    For ``captures``: those of ``ids`` and those with an open job (at most 200 of these).  For one
    capture: its item; nothing when it is not visible.
    """
    if topic.name == SERVICE:
        return newest_news()
    visible = Capture.objects.visible_to(user)
    if topic.capture_id is not None:
        return _items(visible.filter(pk=topic.capture_id))
    with_open_job = visible.filter(current_job__state__in=OPEN_STATES)
    # without an order the index of the open jobs is used, however many captures there are
    found = {item["capture"]: item for item in _items(with_open_job.order_by()[:MAX_OPEN])}
    wanted = [each for each in ids if str(each) not in found]
    if wanted:
        found |= {item["capture"]: item for item in _items(visible.filter(pk__in=wanted))}
    return list(found.values())


def _items(captures: CaptureQuerySet) -> list[Item]:
    fields = ("state", "stage", "done_bytes", "total_bytes", "published_run__output")
    quarantine = "current_job__published_run__quarantine"
    needed = captures.select_related(quarantine).only(
        "deleted_at", *(f"current_job__{field}" for field in fields), f"{quarantine}__released_at"
    )
    return [item_of(capture) for capture in needed]


def newest_news() -> list[News]:
    """Return the newest of each kind; the strip says something also before anything was stored."""
    sample = MetricSample.objects.first()
    report = newest_report()
    found = [] if sample is None else [news_of_sample(sample)]
    found += [] if report is None else [news_of_report(report)]
    return [*found, news_of_strip(report), *(news_of_kind(*each) for each in kinds.newest())]


def news_of_kind(key: str, figures: dict[str, Any]) -> News:
    """Return what is said of a kind that another app has added."""
    return News(key=key, at="", figures=figures)


def news_of_sample(sample: MetricSample) -> News:
    """Return what is said of a sample: rates in units per second, quantiles, and all gauges."""
    figures: dict[str, Any] = {"covers_seconds": sample.covers_seconds, **sample.values}
    for key, kept in sample.histograms.items():
        histogram = from_json(kept)
        figures[f"{key}:p50"] = histogram.quantile(0.5)
        figures[f"{key}:p95"] = histogram.quantile(0.95)
    return News(key="sample", at=sample.at.isoformat(), figures=figures)


def news_of_report(report: HealthReport) -> News:
    """Return what is said of a health check."""
    verdict = Verdict(report.verdict)
    look = VERDICT_LOOKS[verdict]
    figures = {"verdict": verdict.value, "score": report.score, "tone": look.tone}
    return News(key="health", at=report.at.isoformat(), figures=figures)


def news_of_strip(report: HealthReport | None) -> News:
    """Return what the strip says now, still without words; ``report`` is the newest one."""
    at = "" if report is None else report.at.isoformat()
    return News(key=STRIP, at=at, figures=facts_at(timezone.now(), report))


def shown(item: Item | News) -> ShownItem | News:
    """Return ``item`` with its words in the language that is active now."""
    if "capture" not in item:
        words = in_words if item["key"] == STRIP else partial(kinds.in_words, item["key"])
        return {**item, "figures": words(item["figures"])}
    stage = item["stage"]
    return {
        **item,
        "label": str(JobState(item["state"]).label),
        "stage_label": str(JobStage(stage).label) if stage in JobStage.values else "",
    }
