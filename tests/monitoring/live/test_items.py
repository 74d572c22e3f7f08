"""What is said of a capture."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from monitoring.live.items import Item, deleted_item, item_of, read_items, shown
from monitoring.live.topics import Topic
from tests.factories import make_capture, make_job, make_user
from trimming.choices import JobStage, JobState
from trimming.jobs import create_job
from trimming.models import Capture, TrimJob

pytestmark = pytest.mark.django_db
CAPTURES = Topic("captures")


def set_job(job: TrimJob, **values: Any) -> None:
    TrimJob.objects.filter(pk=job.pk).update(**values)


def only_item(job: TrimJob) -> dict[str, Any]:
    (item,) = read_items(job.capture.owner, CAPTURES, [job.capture_id])
    return dict(item)


def test_a_running_job_has_its_stage_and_percent() -> None:
    job = make_job(make_user())
    set_job(job, state=JobState.RUNNING, stage=JobStage.READ, done_bytes=50, total_bytes=100)
    assert only_item(job) == {
        "capture": str(job.capture_id),
        "job": str(job.pk),
        "state": "running",
        "percent": 29,
        "stage": "read",
        "held": False,
        "deleted": False,
    }


def test_a_job_that_ended_has_no_stage() -> None:
    job = make_job(make_user())
    set_job(job, state=JobState.DONE, stage=JobStage.STORE)
    assert (only_item(job)["stage"], only_item(job)["percent"]) == ("", 100)


def test_a_capture_without_a_job_waits() -> None:
    item = item_of(make_capture(make_user()))
    assert (item["job"], item["state"], item["percent"]) == (None, "waiting", 0)


def test_the_current_job_is_what_counts() -> None:
    owner = make_user()
    job = make_job(owner)
    set_job(job, state=JobState.FAILED)
    newer = create_job(job.capture, job.profile, owner)
    assert only_item(job)["job"] == str(newer.pk)


def test_of_a_deleted_capture_nothing_but_that_is_said() -> None:
    capture = make_capture(make_user())
    capture.deleted_at = timezone.now()
    assert item_of(capture) == deleted_item(str(capture.pk))


def read(user: User, topic: Topic, ids: list[UUID]) -> list[Item]:
    """Return what is said of captures."""
    return [item for item in read_items(user, topic, ids) if "capture" in item]


def test_open_jobs_are_found_though_the_page_does_not_show_them() -> None:
    job = make_job(make_user())
    ended = make_job(job.requested_by)
    set_job(ended, state=JobState.DONE)
    assert [each["job"] for each in read(job.requested_by, CAPTURES, [])] == [str(job.pk)]


def test_what_others_own_is_not_found_by_its_id() -> None:
    job, stranger = make_job(make_user()), make_user()
    assert read_items(stranger, CAPTURES, [job.capture_id]) == []
    topic = Topic(f"capture:{job.capture_id}", job.capture_id)
    assert read_items(stranger, topic, []) == []
    assert len(read_items(job.capture.owner, topic, [])) == 1


def test_reading_takes_two_queries_however_many_captures(
    django_assert_num_queries: Any,
) -> None:
    owner = make_user()
    jobs = [make_job(owner) for _ in range(4)]
    set_job(jobs[0], state=JobState.DONE)
    set_job(jobs[1], state=JobState.FAILED)
    owner.has_perm("trimming.view_all_captures")  # asked for, and kept, before
    with django_assert_num_queries(2):
        found = read(owner, CAPTURES, [job.capture_id for job in jobs])
    assert len(found) == 4
    assert len({item["capture"] for item in found}) == len(Capture.objects.all()) == 4


def test_words_are_added_for_sending() -> None:
    job = make_job(make_user())
    set_job(job, state=JobState.RUNNING, stage=JobStage.VERIFY)
    (item,) = read(job.capture.owner, CAPTURES, [])
    said = shown(item)
    assert "label" in said
    assert (said["label"], said["stage_label"]) == ("Running", "verifying")
    of_deleted = shown(deleted_item("x"))
    assert "stage_label" in of_deleted
    assert of_deleted["stage_label"] == ""
