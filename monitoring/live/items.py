"""Items: what the live feed says of one capture.  Read from the database, and shown in a language.

An item is of the capture's current job, whichever of its jobs changed: so an item that was read
later is never older than one that was read before.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, TypedDict
from uuid import UUID

from monitoring.live.topics import Topic
from trimming.choices import OPEN_STATES, JobStage, JobState
from trimming.models import AnyUser, Capture, CaptureQuerySet

MAX_OPEN: Final = 200


class Item(TypedDict):
    """One capture now.  ``capture`` and ``job`` are ids, ``percent`` is 0 to 100.

    ``stage`` is empty unless the job is running.  Of a deleted capture only the id means anything.
    """

    capture: str
    job: str | None
    state: str
    percent: int
    stage: str
    deleted: bool


class ShownItem(Item):
    """An item as it is sent: with its words in the language of the connection."""

    label: str
    stage_label: str


def is_open(item: Item) -> bool:
    """Tell whether the job of ``item`` is still to end."""
    return item["state"] in OPEN_STATES and item["job"] is not None and not item["deleted"]


def deleted_item(capture_id: str) -> Item:
    """Return what is said of a capture that is gone, or that its viewer may not see any more."""
    return Item(
        capture=capture_id,
        job=None,
        state=JobState.CANCELLED.value,
        percent=0,
        stage="",
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
        deleted=False,
    )


def read_items(user: AnyUser, topic: Topic, ids: Collection[UUID]) -> list[Item]:
    """Return the items of ``topic`` that ``user`` may see: at most two queries beside permissions.

    For ``captures``: those of ``ids`` and those with an open job (at most 200 of these).  For one
    capture: its item; nothing when it is not visible.
    """
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
    fields = ("state", "stage", "done_bytes", "total_bytes")
    needed = captures.select_related("current_job").only(
        "deleted_at", *(f"current_job__{field}" for field in fields)
    )
    return [item_of(capture) for capture in needed]


def shown(item: Item) -> ShownItem:
    """Return ``item`` with its words in the language that is active now."""
    stage = item["stage"]
    return {
        **item,
        "label": str(JobState(item["state"]).label),
        "stage_label": str(JobStage(stage).label) if stage in JobStage.values else "",
    }
