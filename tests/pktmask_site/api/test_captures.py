"""Captures for scripts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from config.models import AuditEvent
from pktmask_site.api.choices import Scope
from tests.factories import capture_bytes, make_job, make_user
from tests.pktmask_site.api.scripts import fetch, get, issued_to, said, upload
from tests.trimming.results import finish
from trimming import quarantine
from trimming.choices import JobState
from trimming.models import Capture, Download, Profile, TrimJob

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> User:
    return make_user()


@pytest.fixture
def text(operator: User) -> str:
    return issued_to(operator)


def answer_of(response: Any) -> Any:
    return response.json()


def test_an_upload_is_kept_and_waits_with_the_profile_that_was_named(text: str) -> None:
    answer = upload(text, [("edge.pcap", capture_bytes())], profile="share_safe")
    assert answer.status_code == 201
    (kept,) = answer_of(answer)["accepted"]
    capture = Capture.objects.get(pk=kept["capture"])
    assert capture.name == "edge.pcap"
    assert capture.current_job is not None
    assert capture.current_job.profile.name == "share_safe"


def test_files_are_refused_one_by_one_and_the_others_are_kept(text: str) -> None:
    answer = upload(text, [("a.pcap", capture_bytes()), ("b.pcap", b"no capture at all")])
    found = answer_of(answer)
    assert answer.status_code == 201
    assert [each["name"] for each in found["accepted"]] == ["a.pcap"]
    assert [each["name"] for each in found["refused"]] == ["b.pcap"]


@pytest.mark.parametrize(
    ("files", "fields", "words"),
    [
        ([], {}, "No file was chosen"),
        ([("a.pcap", b"no capture at all")], {}, "a.pcap"),
        ([("a.pcap", capture_bytes())], {"profile": "no-such"}, "not offered"),
        ([("a.pcap", capture_bytes())], {"profile": ""}, "Choose a profile"),
        ([("a.pcap", capture_bytes())], {"strategy": "scanning"}, "may not choose the strategy"),
        ([("a.pcap", capture_bytes())], {"priority": "7"}, "7"),
    ],
)
def test_an_upload_of_which_nothing_is_kept_says_why(
    text: str, files: list[tuple[str, bytes]], fields: dict[str, object], words: str
) -> None:
    answer = upload(text, files, **fields)
    assert answer.status_code == 422
    assert words in said(answer) + str(answer_of(answer)["refused"])
    assert not Capture.objects.exists()


def test_a_profile_that_is_not_offered_any_more_cannot_be_named(text: str) -> None:
    Profile.objects.update(is_offered=False)
    assert upload(text, [("a.pcap", capture_bytes())]).status_code == 422
    assert answer_of(get(text, "profiles")) == {"profiles": []}


def test_where_too_many_wait_already_nothing_more_is_taken(
    text: str, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trimming import backpressure
    from trimming.conf import TrimmingSettings

    limits = TrimmingSettings(person_waiting_files=1)
    monkeypatch.setattr(backpressure, "trimming_settings", lambda: limits)
    make_job(operator)
    answer = upload(text, [("a.pcap", capture_bytes())])
    assert answer.status_code == 429
    assert "trimming.person_waiting_files" in said(answer)


def test_the_list_has_ones_own_captures_and_can_be_narrowed(text: str, operator: User) -> None:
    done, waiting = make_job(operator, name="done.pcap"), make_job(operator, name="waits.pcap")
    finish(done)
    make_job(make_user(), name="of-another.pcap")
    found = answer_of(get(text, "captures"))
    assert {each["name"] for each in found["captures"]} == {"done.pcap", "waits.pcap"}
    assert (found["page"], found["pages"], found["total"]) == (1, 1, 2)
    narrowed = answer_of(get(text, "captures", state="waiting"))
    assert [each["id"] for each in narrowed["captures"]] == [str(waiting.capture_id)]
    assert answer_of(get(text, "captures", search="DONE", page=9))["total"] == 1


@pytest.mark.parametrize("query", [{"stat": "done"}, {"state": "odd"}, {"page": 0}, {"page": "x"}])
def test_a_wish_that_is_not_understood_is_refused_with_its_place(
    text: str, query: dict[str, Any]
) -> None:
    answer = get(text, "captures", **query)
    assert answer.status_code == 422
    assert next(iter(query))[:4] in said(answer)


def test_the_state_of_a_capture_tells_what_a_script_waits_for(text: str, operator: User) -> None:
    job = make_job(operator)
    path = f"captures/{job.capture_id}"
    before = answer_of(get(text, path))
    assert (before["state"], before["has_result"], before["profile"]) == (
        "waiting",
        False,
        "standard",
    )
    finish(job)
    after = answer_of(get(text, path))
    assert (after["state"], after["has_result"], after["percent"]) == ("done", True, 100)


def test_a_capture_that_failed_says_why(text: str, operator: User) -> None:
    job = make_job(operator)
    TrimJob.objects.filter(pk=job.pk).update(state=JobState.FAILED, reason="It is broken.")
    assert answer_of(get(text, f"captures/{job.capture_id}"))["reason"] == "It is broken."
    answer = get(text, f"captures/{job.capture_id}/report")
    assert answer.status_code == 409
    assert "It is broken." in said(answer)


def test_the_report_is_that_of_the_newest_result(text: str, operator: User) -> None:
    job = make_job(operator)
    run = finish(job)
    found = answer_of(get(text, f"captures/{job.capture_id}/report"))
    assert found["report"] == run.report
    assert (found["verdict"], found["profile"], found["attempt"]) == ("ok", "standard", 1)


@pytest.mark.parametrize("what", ["report", "result"])
def test_before_there_is_a_result_a_script_is_told_to_ask_again(
    text: str, operator: User, what: str
) -> None:
    answer, _body = fetch(text, f"captures/{make_job(operator).capture_id}/{what}")
    assert answer.status_code == 409
    assert "Ask again" in said(answer)


def test_a_result_is_given_and_that_is_noted(text: str, operator: User) -> None:
    job = make_job(operator, name="edge.pcap")
    finish(job)
    answer, body = fetch(text, f"captures/{job.capture_id}/result")
    assert (answer.status_code, body) == (200, b"out")
    assert "edge" in answer["Content-Disposition"]
    assert Download.objects.get().user == operator
    assert AuditEvent.objects.filter(action="download").count() == 1


def test_a_result_in_quarantine_is_not_given(text: str, operator: User) -> None:
    job = make_job(operator)
    run = finish(job)
    quarantine.put([run.pk], "It may leak")
    answer, _body = fetch(text, f"captures/{job.capture_id}/result")
    assert answer.status_code == 409
    assert "It may leak." in said(answer)
    assert not Download.objects.exists()


def test_a_storage_that_does_not_answer_is_told(
    text: str, operator: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("away")

    monkeypatch.setattr("pktmask_site.api.captures.newest_results", fail)
    job = make_job(operator)
    answer = get(issued_to(operator, [Scope.DOWNLOAD]), f"captures/{job.capture_id}/result")
    assert answer.status_code == 503
    assert "Try again" in said(answer)
