"""Facts become items of the live feed, in whatever process they happen.

Item and outbox row are made in one transaction, and writers take turns: so the outbox has a
capture's items in the order of its states, whichever processes changed it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.dispatch import receiver

from config.faults import type_and_place
from monitoring.live.items import (
    News,
    deleted_item,
    item_of,
    news_of_kind,
    news_of_report,
    news_of_sample,
    news_of_strip,
)
from monitoring.live.kinds import kinds
from monitoring.live.publish import publish
from monitoring.live.topics import SERVICE_PREFIX, capture_topic
from monitoring.models import HealthReport, MetricSample
from monitoring.signals import health_checked, sample_taken
from monitoring.strip import newest_report
from trimming.models import Capture, TrimJob
from trimming.signals import capture_changed, job_changed

log = structlog.get_logger("pktmask.live")


@receiver(job_changed)
def publish_job(job_id: UUID, **_: Any) -> None:
    """Tell of a job whose state or progress changed."""
    _quietly(lambda: _publish_job(job_id))


@receiver(capture_changed)
def publish_capture(capture_id: UUID, owner_id: int, **_: Any) -> None:
    """Tell of a capture that appeared or was deleted, or whose result may be taken away or not."""
    _quietly(lambda: _publish_capture(capture_id, owner_id))


@receiver(sample_taken)
def publish_sample(at: datetime, **_: Any) -> None:
    """Tell of a new sample, and what the strip says by now."""
    _quietly(
        lambda: _publish_news("sample", map(news_of_sample, MetricSample.objects.filter(at=at)))
    )
    _quietly(_publish_strip)


@receiver(health_checked)
def publish_report(report_id: int, **_: Any) -> None:
    """Tell of a health check, and what the strip says after it."""
    found = HealthReport.objects.filter(pk=report_id)
    _quietly(lambda: _publish_news("health", map(news_of_report, found)))
    _quietly(_publish_strip)


def publish_kind(key: str) -> None:
    """Tell what is so now of a kind that another app has added (``live.kinds``)."""
    _quietly(lambda: _publish_kind(key))


def _publish_kind(key: str) -> None:
    with transaction.atomic():  # of two processes that tell of it, the later one must know more
        figures = kinds.newest_of(key)
        if figures is not None:
            _publish_news(key, [news_of_kind(key, figures)])


def _publish_news(kind: str, found: Iterable[News]) -> None:
    for news in found:
        publish(f"{SERVICE_PREFIX}{kind}", news)


def _publish_strip() -> None:
    with transaction.atomic():  # two processes tell of it: the later one must know more
        _publish_news("strip", [news_of_strip(newest_report())])


def _publish_job(job_id: UUID) -> None:
    with transaction.atomic():
        row = TrimJob.objects.filter(pk=job_id).values_list("capture_id", "capture__owner_id")
        for capture_id, owner_id in row:
            _publish_capture(capture_id, owner_id)


def _publish_capture(capture_id: UUID, owner_id: int) -> None:
    with transaction.atomic():
        rows = Capture.objects.select_related("current_job__published_run__quarantine")
        # a report may be long, and nothing of it is told
        rows = rows.defer("current_job__published_run__report")
        capture = rows.filter(pk=capture_id).first()
        item = deleted_item(str(capture_id)) if capture is None else item_of(capture)
        publish(capture_topic(capture_id), {**item, "owner": owner_id})


def _quietly(tell: Callable[[], None]) -> None:
    try:
        tell()
    except Exception as error:  # news that is lost must never undo or stop what it is about
        log.warning("live_update_lost", **type_and_place(error))
