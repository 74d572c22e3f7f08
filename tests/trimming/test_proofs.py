"""Proofs of results: what is stated, when there is none, and that anybody can verify them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from pktmask.proofs import checked, read_keys
from tests.factories import make_job, make_user
from tests.pktmask_site.api.scripts import get, issued_to, said
from tests.trimming.reports import stored_report
from tests.trimming.results import finish
from trimming import quarantine
from trimming.models import Capture, TrimRun

pytestmark = pytest.mark.django_db
DIGEST = "1f" * 32


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


@pytest.fixture
def operator() -> User:
    return make_user()


def proved(owner: User, **changes: Any) -> tuple[Capture, TrimRun]:
    """Return a capture with a result that can be proved, but for what is changed."""
    report = changes.pop("report", ...)
    job = make_job(owner, name="edge & co.pcap")
    run = finish(job, report)
    TrimRun.objects.filter(pk=run.pk).update(**{"output_sha256": DIGEST, **changes})
    run.refresh_from_db()
    return Capture.objects.get(pk=job.capture_id), run


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def keys() -> dict[str, bytes]:
    """The public keys, as somebody without an account gets them."""
    return read_keys(Client().get("/proof-keys.json").content.decode())


def test_the_file_states_what_was_done_and_anybody_can_verify_it(operator: User) -> None:
    capture, run = proved(operator)
    answer = client_of(operator).get(f"/captures/{capture.pk}/proof.json")
    assert "attachment" in answer["Content-Disposition"]
    found = checked(answer.content.decode(), keys())
    assert found["capture"] == {"id": str(capture.pk), "name": capture.name}
    assert found["input"]["sha256"] == capture.sha256
    assert found["output"] == {"sha256": DIGEST, "bytes": run.output_bytes}
    assert found["profile"]["name"] == "standard"
    assert found["profile"]["options"]["uncertain"] == "mask"
    assert found["counts"]["masked_bytes"] == 5_000
    assert found["verification"] == {
        "passed": True,
        "packets": 1_234,
        "masked_bytes": 5_000,
        "http_streams": 3,
        "header_blocks": 6,
    }
    assert found["made_by"].startswith("PktMask ")


def test_scripts_get_the_same_proof_as_people(operator: User) -> None:
    capture, _run = proved(operator)
    file = client_of(operator).get(f"/captures/{capture.pk}/proof.json").json()
    assert get(issued_to(operator), f"captures/{capture.pk}/proof").json() == file  # type: ignore[attr-defined]


def test_the_page_shows_digests_key_and_signature_in_full(operator: User) -> None:
    capture, _run = proved(operator)
    page = client_of(operator).get(f"/captures/{capture.pk}/proof/").content.decode()
    file = client_of(operator).get(f"/captures/{capture.pk}/proof.json").json()
    (key,) = Client().get("/proof-keys.json").json()["keys"]
    for text in (capture.sha256, DIGEST, file["signature"]["value"], key["public_key"]):
        assert text.replace("+", "&#x2B;") in page or text in page
    capture_page = client_of(operator).get(f"/captures/{capture.pk}/").content.decode()
    assert f"/captures/{capture.pk}/proof/" in capture_page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"output_sha256": ""}, "digest"),
        ({"report": None}, "verified"),
        ({"report": stored_report(verification=None)}, "verified"),
        ({"report": stored_report(verified={"packets": 7})}, "verified"),
    ],
)
def test_of_what_was_not_verified_there_is_no_proof(
    operator: User, changes: dict[str, Any], words: str
) -> None:
    capture, _run = proved(operator, **changes)
    client = client_of(operator)
    for path in (f"/captures/{capture.pk}/proof/", f"/captures/{capture.pk}/proof.json"):
        answer = client.get(path)
        assert answer.status_code == 409
        assert words in answer.content.decode()
        assert b"Ed25519" not in answer.content
    answer_ = get(issued_to(operator), f"captures/{capture.pk}/proof")
    assert answer_.status_code == 409
    assert words in said(answer_)


def test_of_a_result_in_quarantine_there_is_no_proof(operator: User) -> None:
    capture, run = proved(operator)
    quarantine.put([run.pk], "It may leak")
    answer = client_of(operator).get(f"/captures/{capture.pk}/proof.json")
    assert answer.status_code == 409
    assert "It may leak" in answer.content.decode()


def test_without_a_result_there_is_no_proof(operator: User) -> None:
    job = make_job(operator)
    answer = client_of(operator).get(f"/captures/{job.capture_id}/proof/")
    assert answer.status_code == 409
    assert "Run the capture first" in answer.content.decode()


def test_a_proof_holds_after_the_secret_key_was_replaced(
    operator: User, settings: Settings
) -> None:
    capture, _run = proved(operator)
    text = client_of(operator).get(f"/captures/{capture.pk}/proof.json").content.decode()
    before = keys()
    settings.AUDIT_OLD_KEYS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one" * 6
    after = keys()
    assert before.items() < after.items()
    assert list(after) != list(before)
    checked(text, after)


def test_the_key_of_proofs_is_not_the_secret_key_and_no_page_has_it(
    operator: User, settings: Settings
) -> None:
    capture, _run = proved(operator)
    told = json.dumps(Client().get("/proof-keys.json").json())
    assert settings.SECRET_KEY not in told
    page = client_of(operator).get(f"/captures/{capture.pk}/proof/").content.decode()
    assert settings.SECRET_KEY not in page
