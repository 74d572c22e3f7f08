"""One action for many captures: each by itself, nothing of others, and back to the list."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from config.models import AuditEvent
from config.roles import VIEWER
from tests.factories import make_job, make_user
from trimming import jobs
from trimming.choices import JobState
from trimming.models import Capture, TrimJob

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _send_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


@pytest.fixture
def owner() -> User:
    return make_user()


def post(user: User, act: str, ids: list[Any], **data: str) -> Any:
    client = Client()
    client.force_login(user)
    return client.post("/captures/many/", {"act": act, "ids": ids, **data})


def said(answer: Any) -> list[str]:
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_each_is_done_or_left_with_the_reason_and_the_list_stays_as_it_was(owner: User) -> None:
    waiting, ended = make_job(owner, name="a.pcap"), make_job(owner, name="b.pcap")
    jobs.cancel(ended.pk)
    ids = [waiting.capture_id, ended.capture_id]
    answer = post(owner, "cancel", ids, query="state=waiting&q=a b")
    assert answer["Location"] == "/captures/?state=waiting&q=a+b"
    done, left = said(answer)
    assert done == "1 job is cancelled."
    assert left.startswith("1 was left as it is. b.pcap: Nothing to cancel")
    assert {job.state for job in TrimJob.objects.all()} == {JobState.CANCELLED}
    again = said(post(owner, "retry", ids))
    assert again == ["2 captures wait again."]
    assert TrimJob.objects.filter(state=JobState.WAITING).count() == 2


def test_captures_are_deleted_one_by_one_and_each_is_noted(owner: User) -> None:
    made = [make_job(owner) for _ in range(3)]
    for job in made:
        jobs.cancel(job.pk)
    assert said(post(owner, "delete", [job.capture_id for job in made])) == [
        "3 captures were deleted."
    ]
    assert not Capture.objects.visible_to(owner).exists()
    assert AuditEvent.objects.filter(action="delete").count() == 3


def test_those_of_others_are_left_out(owner: User) -> None:
    theirs = make_job(make_user())
    jobs.cancel(theirs.pk)
    answer = post(owner, "delete", [theirs.capture_id, uuid4()])
    assert said(answer) == ["Nothing was selected. Tick captures first."]
    assert answer["Location"] == "/captures/"
    assert Capture.objects.get(pk=theirs.capture_id).deleted_at is None


@pytest.mark.parametrize(
    ("act", "ids"), [("run_again", []), ("", []), ("delete", ["x"]), ("delete", [uuid4()] * 501)]
)
def test_what_is_no_action_or_no_id_is_refused(owner: User, act: str, ids: list[Any]) -> None:
    assert post(owner, act, ids).status_code == 400


@pytest.mark.parametrize("act", ["cancel", "retry", "delete"])
def test_who_may_not_do_it_to_one_may_not_do_it_to_many(act: str) -> None:
    viewer = make_user(VIEWER)
    job = make_job(viewer)
    assert post(viewer, act, [job.capture_id]).status_code == 403
    assert TrimJob.objects.get().state == JobState.WAITING
