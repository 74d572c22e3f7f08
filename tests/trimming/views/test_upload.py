"""The upload form as people and the page's module send it."""

from __future__ import annotations

import errno
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.messages import get_messages
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from config.roles import ADMINISTRATOR, OPERATOR, VIEWER
from tests.factories import capture_bytes, make_user, standard
from tests.upload_forms import CONTENT_TYPE, form_body
from trimming import backpressure, intake, receiving
from trimming.choices import Priority
from trimming.conf import TrimmingSettings
from trimming.models import Capture, Profile, TrimJob
from trimming.views import upload

PATH = "/captures/upload/"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return tmp_path


@pytest.fixture
def operator(db: None) -> User:
    return make_user()


def numbered(number: int) -> bytes:
    return capture_bytes(f"body {number}".encode())


def send(
    user: User,
    files: list[tuple[str, bytes]],
    fields: Mapping[str, object] | None = None,
    accept: str = "application/json",
) -> HttpResponse:
    client = Client()
    client.force_login(user)
    body = form_body(files, {"profile": standard().pk, **(fields or {})})
    response = client.post(PATH, body, content_type=CONTENT_TYPE, headers={"Accept": accept})
    response.close()
    return response  # type: ignore[return-value]  # the test client's subclass


def told(response: HttpResponse) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]  # type: ignore[attr-defined]  # the test client adds it


def answer(response: HttpResponse) -> Any:
    return response.json()  # type: ignore[attr-defined]  # the test client adds it


def assert_nothing_is_left(folders: Path) -> None:
    assert not list((folders / "incoming").iterdir())


def test_one_file_is_answered_with_its_capture(operator: User, folders: Path) -> None:
    response = send(operator, [("edge.pcap", numbered(1))])
    capture = Capture.objects.get()
    assert response.status_code == 200
    assert answer(response) == {
        "accepted": [
            {
                "name": "edge.pcap",
                "capture": str(capture.pk),
                "url": f"/captures/{capture.pk}/",
                "duplicate": False,
                "note": "",
            }
        ],
        "refused": [],
    }
    assert (capture.owner, TrimJob.objects.get().requested_by) == (operator, operator)
    assert_nothing_is_left(folders)


def test_a_duplicate_points_to_what_is_there(operator: User, folders: Path) -> None:
    send(operator, [("edge.pcap", numbered(1))])
    (again,) = answer(send(operator, [("copy.pcap", numbered(1))]))["accepted"]
    assert again["duplicate"]
    assert again["name"] == "edge.pcap"
    assert again["note"] == "Already here as edge.pcap."
    assert_nothing_is_left(folders)


def test_of_twenty_files_of_which_three_are_bad_seventeen_go_through(
    operator: User, folders: Path
) -> None:
    bad = {3: ("../3.pcap", numbered(3)), 8: ("8.pcap", PNG), 12: ("12.gz", gzip.compress(PNG))}
    files = [bad.get(index, (f"{index}.pcap", numbered(index))) for index in range(20)]
    response = send(operator, files)
    assert response.status_code == 200
    result = answer(response)
    assert len(result["accepted"]) == 17
    assert [each["name"] for each in result["refused"]] == ["../3.pcap", "8.pcap", "12.gz"]
    assert Capture.objects.count() == TrimJob.objects.count() == 17
    assert_nothing_is_left(folders)


def test_without_the_pages_module_the_list_says_what_happened(operator: User) -> None:
    response = send(
        operator,
        [
            ("1.pcap", numbered(1)),
            ("2.pcap", numbered(2)),
            ("3.pcap", PNG),
            ("4.pcap", numbered(1)),
        ],
        accept="text/html,application/xhtml+xml,*/*;q=0.8",
    )
    assert response.status_code == 302
    assert response["Location"] == "/captures/"
    texts = told(response)
    assert texts[:2] == ["2 captures taken in.", "Already here as 1.pcap."]
    assert texts[2].startswith("3.pcap: Not a capture: a PNG picture")


def test_many_refusals_are_counted_behind_the_first_ones(operator: User) -> None:
    response = send(operator, [(f"{n}.pcap", PNG) for n in range(25)], accept="text/html")
    texts = told(response)
    assert len(texts) == upload.SHOWN_REFUSALS + 1
    assert texts[-1] == "5 more were refused."


def test_everything_refused_is_422_and_keeps_nothing(operator: User, folders: Path) -> None:
    response = send(operator, [("a.pcap", PNG)])
    assert response.status_code == 422
    assert not Capture.objects.exists()
    assert_nothing_is_left(folders)


def test_no_file_is_said(operator: User) -> None:
    response = send(operator, [])
    assert response.status_code == 422
    assert answer(response)["refused"] == [
        {"name": "", "reason": "No file was chosen. Choose one or more captures."}
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"profile": ""}, "Choose a profile."),
        ({"profile": "99999"}, "not offered any more"),
        ({"profile": "x"}, "not offered any more"),
        ({"strategy": "legacy"}, "may not choose the strategy"),
    ],
)
def test_wrong_choices_refuse_every_file_and_keep_nothing(
    operator: User, folders: Path, fields: dict[str, object], words: str
) -> None:
    response = send(operator, [("1.pcap", numbered(1)), ("2.pcap", numbered(2))], fields)
    assert response.status_code == 422
    refused = answer(response)["refused"]
    assert [each["name"] for each in refused] == ["1.pcap", "2.pcap"]
    assert all(words in each["reason"] for each in refused)
    assert not Capture.objects.exists()
    assert_nothing_is_left(folders)


def test_wrong_choices_are_said_although_no_file_is_left(operator: User) -> None:
    refused = answer(send(operator, [("1.pcap", PNG)], {"profile": ""}))["refused"]
    assert [each["name"] for each in refused] == ["1.pcap", ""]
    assert "Choose a profile." in refused[1]["reason"]


def test_a_profile_that_is_not_offered_is_refused(operator: User) -> None:
    Profile.objects.filter(name="standard").update(is_offered=False)
    response = send(operator, [("1.pcap", numbered(1))])
    assert "not offered any more" in answer(response)["refused"][0]["reason"]


def test_an_administrator_may_choose_the_strategy_among_those_there_are(db: None) -> None:
    administrator = make_user(ADMINISTRATOR)
    wrong = send(administrator, [("1.pcap", numbered(1))], {"strategy": "quick"})
    assert "there are: legacy" in answer(wrong)["refused"][0]["reason"]
    assert send(administrator, [("1.pcap", numbered(1))], {"strategy": "legacy"}).status_code == 200
    assert TrimJob.objects.get().strategy_override == "legacy"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (DatabaseError("locked"), "The database could not keep it"),
        (Capture.DoesNotExist(), "The database could not keep it"),
    ],
)
def test_what_could_not_be_kept_is_refused_for_itself(
    operator: User,
    folders: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    words: str,
) -> None:
    real = intake.take_in

    def fail(file: Any, *rest: Any) -> Any:
        if file.name == "bad.pcap":
            raise error
        return real(file, *rest)

    monkeypatch.setattr(receiving, "take_in", fail)
    result = answer(send(operator, [("bad.pcap", numbered(1)), ("good.pcap", numbered(2))]))
    assert [each["name"] for each in result["accepted"]] == ["good.pcap"]
    assert words in result["refused"][0]["reason"]
    assert_nothing_is_left(folders)


def test_an_unforeseen_error_leaves_no_temporary_file(
    operator: User, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(receiving, "take_in", fail)
    client = Client(raise_request_exception=False)
    client.force_login(operator)
    body = form_body([("1.pcap", numbered(1)), ("2.pcap", numbered(2))], {"profile": standard().pk})
    client.post(PATH, body, content_type=CONTENT_TYPE).close()
    assert_nothing_is_left(folders)


def test_only_a_post_by_somebody_who_may_upload_is_taken(operator: User, folders: Path) -> None:
    assert send(make_user(VIEWER), [("1.pcap", numbered(1))]).status_code == 403
    client = Client()
    anonymous = client.post(PATH, form_body([]), content_type=CONTENT_TYPE)
    assert anonymous["Location"].startswith("/sign-in/")
    client.force_login(operator)
    assert client.get(PATH).status_code == 405
    assert not Capture.objects.exists()
    assert_nothing_is_left(folders)


def test_a_form_of_another_site_is_refused(operator: User, folders: Path) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    body = form_body([("1.pcap", numbered(1))], {"profile": standard().pk})
    response = client.post(PATH, body, content_type=CONTENT_TYPE)
    assert response.status_code == 403
    response.close()
    assert not Capture.objects.exists()
    assert_nothing_is_left(folders)


def test_an_operator_may_say_what_goes_first(operator: User) -> None:
    send(operator, [("edge.pcap", numbered(1))], {"priority": Priority.HIGH.value})
    assert TrimJob.objects.get().priority == Priority.HIGH


def test_who_may_not_choose_a_priority_is_told_and_nothing_is_stored(operator: User) -> None:
    Group.objects.get(name=OPERATOR).permissions.remove(
        Permission.objects.get(codename="set_priority")
    )
    response = send(operator, [("edge.pcap", numbered(1))], {"priority": "1"})
    assert answer(response)["refused"][0]["reason"].startswith("Your role may not choose the prior")
    assert not Capture.objects.exists()


def test_a_priority_that_there_is_not_is_refused(operator: User) -> None:
    response = send(operator, [("edge.pcap", numbered(1))], {"priority": "7"})
    assert (response.status_code, TrimJob.objects.count()) == (422, 0)


class TestBackPressure:
    """When more wait than may."""

    def test_files_beyond_what_may_wait_are_refused_one_by_one(
        self, operator: User, monkeypatch: pytest.MonkeyPatch, folders: Path
    ) -> None:
        _limit(monkeypatch, person_waiting_files=2)
        response = send(operator, [(f"{n}.pcap", numbered(n)) for n in range(4)])
        found = answer(response)
        assert [each["name"] for each in found["accepted"]] == ["0.pcap", "1.pcap"]
        assert [each["name"] for each in found["refused"]] == ["2.pcap", "3.pcap"]
        assert_nothing_is_left(folders)

    def test_what_others_wait_for_counts_for_the_service_and_not_for_the_person(
        self, operator: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = make_user()
        send(other, [("a.pcap", numbered(1)), ("b.pcap", numbered(2))])
        _limit(monkeypatch, person_waiting_files=2)
        assert answer(send(operator, [("c.pcap", numbered(3))]))["accepted"]
        _limit(monkeypatch, waiting_files=3)
        [refused] = answer(send(operator, [("d.pcap", numbered(4))]))["refused"]
        assert refused["reason"] == (
            "3 captures wait already, which is as many as may (trimming.waiting_files)."
            " Nothing was stored. Upload yours when some are done."
        )


def _limit(monkeypatch: pytest.MonkeyPatch, **values: int) -> None:
    limits = TrimmingSettings(**values)
    monkeypatch.setattr(backpressure, "trimming_settings", lambda: limits)
