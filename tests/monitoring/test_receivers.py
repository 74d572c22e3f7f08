"""Facts of trimming become rows of the outbox, and never get in the way of what they are about."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import DatabaseError
from django.utils import timezone

from monitoring import receivers
from monitoring.models import LiveUpdate
from tests.factories import make_capture, make_job, make_user
from tests.trimming.results import finish
from trimming import quarantine
from trimming.jobs import claim
from trimming.models import Capture, TrimJob
from trimming.signals import capture_changed, job_changed

pytestmark = pytest.mark.django_db


def test_a_job_that_changed_becomes_an_item_for_its_capture() -> None:
    owner = make_user()
    job = make_job(owner)
    LiveUpdate.objects.all().delete()
    job_changed.send(TrimJob, job_id=job.pk)
    row = LiveUpdate.objects.get()
    assert row.topic == f"capture:{job.capture_id}"
    assert row.body == {
        "capture": str(job.capture_id),
        "job": str(job.pk),
        "state": "waiting",
        "percent": 0,
        "stage": "",
        "held": False,
        "deleted": False,
        "owner": owner.pk,
    }


@pytest.mark.django_db(transaction=True)
def test_what_a_worker_does_is_published_when_it_is_committed() -> None:
    job = make_job(make_user())
    claim(job.pk, "cluster/1")
    states = [body["state"] for body in LiveUpdate.objects.values_list("body", flat=True)]
    assert states == ["waiting", "running"]


def test_a_deleted_capture_is_published_as_such() -> None:
    capture = make_capture(make_user())
    Capture.objects.filter(pk=capture.pk).update(deleted_at=timezone.now())
    capture_changed.send(Capture, capture_id=capture.pk, owner_id=capture.owner_id)
    body = LiveUpdate.objects.get().body
    assert (body["deleted"], body["owner"]) == (True, capture.owner_id)


@pytest.mark.django_db(transaction=True)
def test_a_result_that_goes_into_quarantine_and_comes_out_of_it_is_published_as_such() -> None:
    run = finish(make_job(make_user()))
    LiveUpdate.objects.all().delete()
    quarantine.put([run.pk], "bodies were seen")
    quarantine.release(run.pk, reason="looked at it")
    bodies = LiveUpdate.objects.order_by("pk").values_list("body", flat=True)
    assert [(body["state"], body["held"]) for body in bodies] == [("done", True), ("done", False)]


def test_a_capture_whose_row_is_gone_is_published_as_deleted() -> None:
    capture_id = uuid4()
    capture_changed.send(Capture, capture_id=capture_id, owner_id=7)
    body = LiveUpdate.objects.get().body
    assert (body["capture"], body["deleted"]) == (str(capture_id), True)


def test_a_job_that_is_gone_is_not_published() -> None:
    job_changed.send(TrimJob, job_id=uuid4())
    assert not LiveUpdate.objects.exists()


def test_a_failure_is_logged_without_its_text_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        LiveUpdate.objects.create(topic="half a row", body={})
        raise DatabaseError("secret detail")

    job = make_job(make_user())
    monkeypatch.setattr(receivers, "publish", fail)
    job_changed.send(TrimJob, job_id=job.pk)
    assert "live_update_lost" in caplog.text
    assert "DatabaseError" in caplog.text
    assert "test_receivers.py:" in caplog.text
    assert "secret" not in caplog.text
    # the transaction around it can go on
    assert TrimJob.objects.filter(pk=job.pk).exists()
    assert not LiveUpdate.objects.filter(topic="half a row").exists()
