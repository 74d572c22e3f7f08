"""Giving results away."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from django.urls import reverse

from config.models import AuditEvent
from tests.factories import make_job, make_user
from trimming import giving, quarantine
from trimming.jobs import claim, create_job, publish
from trimming.models import Capture, Download, TrimJob, TrimRun
from trimming.streams import CHUNK_BYTES
from trimming.views import downloads

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


def finish(job: TrimJob, data: bytes) -> Capture:
    """Publish ``data`` as the result of a job."""
    run = claim(job.pk, "one/1")
    assert run is not None
    stored = default_storage.save(f"outputs/{job.pk}/1", ContentFile(data))
    assert publish(run, output=stored, output_bytes=len(data))
    return Capture.objects.get(pk=job.capture_id)


def done(owner: User, data: bytes = b"out", name: str = "edge.pcap") -> Capture:
    """Return a capture of ``owner`` with a result."""
    return finish(make_job(owner, name=name), data)


def get(user: User, capture_id: object) -> Any:
    client = AsyncClient()
    client.force_login(user)
    url = reverse("trimming:download", args=[capture_id])
    from asgiref.sync import async_to_sync

    return async_to_sync(client.get)(url)


def post(user: User, captures: list[object]) -> Any:
    client = AsyncClient()
    client.force_login(user)
    from asgiref.sync import async_to_sync

    ids = [str(getattr(capture, "pk", capture)) for capture in captures]
    return async_to_sync(client.post)(reverse("trimming:archive"), {"ids": ids})


def body(response: StreamingHttpResponse) -> bytes:
    from asgiref.sync import async_to_sync

    async def read() -> bytes:
        return b"".join([chunk async for chunk in response])

    return async_to_sync(read)()


def test_a_result_comes_as_a_stream_with_its_name_and_length() -> None:
    owner = make_user()
    data = bytes(range(256)) * (CHUNK_BYTES // 128)
    answer = get(owner, done(owner, data, "büro.pcapng.gz").pk)
    assert answer.is_async
    assert answer["Content-Length"] == str(len(data))
    assert answer["Content-Disposition"] == ("attachment; filename*=utf-8''b%C3%BCro.trimmed.pcap")
    assert answer["Cache-Control"] == "private, no-store"
    assert body(answer) == data


def test_taking_a_result_away_leaves_a_row_and_an_audit_event() -> None:
    owner = make_user()
    capture = done(owner)
    get(owner, capture.pk)
    row = Download.objects.get()
    assert (row.user, row.run.job.capture, row.address) == (owner, capture, "127.0.0.1")
    event = AuditEvent.objects.get(action="download")
    assert (event.actor, event.target_id) == (owner, str(capture.pk))


@pytest.mark.parametrize("role", ["operator", "approver", "viewer"])
def test_somebody_elses_result_is_not_there_or_not_allowed(role: str) -> None:
    answer = get(make_user(role), done(make_user()).pk)
    assert answer.status_code == (404 if role == "operator" else 403)
    assert not Download.objects.exists()


def test_an_administrator_may_take_everybodys_result() -> None:
    assert body(get(make_user("administrator"), done(make_user()).pk)) == b"out"


def test_without_a_result_there_is_nothing_to_download() -> None:
    owner = make_user()
    assert get(owner, make_job(owner).capture_id).status_code == 404
    assert get(owner, uuid4()).status_code == 404


def test_a_result_whose_file_is_gone_is_not_offered() -> None:
    owner = make_user()
    capture = done(owner)
    default_storage.delete(default_storage.listdir("outputs")[0][0])
    for path in Path(default_storage.path("outputs")).rglob("1"):
        path.unlink()
    assert get(owner, capture.pk).status_code == 404


def test_the_newest_result_is_the_one_that_is_given_also_while_another_job_runs() -> None:
    owner = make_user()
    capture = done(owner, b"old")
    job = make_job(owner)
    finish(create_job(capture, job.profile, owner), b"new")
    create_job(capture, job.profile, owner)
    assert body(get(owner, capture.pk)) == b"new"


def test_many_results_come_as_one_archive_of_known_length() -> None:
    owner = make_user()
    captures = [
        done(owner, b"first", "edge.pcap"),
        done(owner, b"second!", "EDGE.pcap"),
        done(owner, bytes(CHUNK_BYTES + 5), "big.pcapng"),
    ]
    answer = post(owner, [*captures, done(make_user(), b"not mine"), make_job(owner).capture])
    packed = body(answer)
    assert int(answer["Content-Length"]) == len(packed)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {
        "edge.trimmed.pcap": b"first",
        "EDGE.trimmed (2).pcap": b"second!",
        "big.trimmed.pcap": bytes(CHUNK_BYTES + 5),
    }
    assert Download.objects.filter(in_archive=True).count() == 3


def test_an_archive_of_nothing_is_refused_with_a_sentence() -> None:
    owner = make_user()
    answer = post(owner, [make_job(owner).capture, done(make_user())])
    assert (answer.status_code, answer["Location"]) == (302, reverse("trimming:captures"))
    assert not Download.objects.exists()


def test_ids_that_are_none_and_too_many_ids_are_refused() -> None:
    owner = make_user()
    assert post(owner, ["../../x"]).status_code == 400
    assert post(owner, [uuid4() for _ in range(501)]).status_code == 400


REASON = "A body was found in a result of the same time."


def run_of(capture: Capture) -> TrimRun:
    return TrimRun.objects.get(job__capture=capture)


def is_refused(answer: Any) -> bool:
    page = answer.content.decode()
    return (
        answer.status_code == 409
        and REASON in page
        and "ask an approver" in page
        and not Download.objects.exists()
        and not AuditEvent.objects.filter(action="download").exists()
    )


def test_a_result_in_quarantine_is_refused_with_the_reason_and_what_can_be_done() -> None:
    owner = make_user()
    capture = done(owner)
    quarantine.put([run_of(capture).pk], REASON)
    answer = get(owner, capture.pk)
    assert is_refused(answer)
    assert "Run the capture again" in answer.content.decode()
    assert is_refused(get(make_user("administrator"), capture.pk))
    assert get(make_user(), capture.pk).status_code == 404


def test_without_its_original_a_capture_in_quarantine_is_to_be_uploaded_again() -> None:
    owner = make_user()
    capture = done(owner)
    quarantine.put([run_of(capture).pk], REASON)
    Capture.objects.update(original="")
    assert "Upload the capture again" in get(owner, capture.pk).content.decode()


def test_a_released_result_is_given_again() -> None:
    owner = make_user()
    capture = done(owner, b"out")
    quarantine.put([run_of(capture).pk], REASON)
    quarantine.release(run_of(capture).pk, reason="looked at")
    assert body(get(owner, capture.pk)) == b"out"
    assert post(owner, [capture]).status_code == 200


def test_no_older_result_is_given_in_place_of_one_in_quarantine_but_a_newer_one_is() -> None:
    owner = make_user()
    capture = done(owner, b"old")
    job = make_job(owner)
    suspect = finish(create_job(capture, job.profile, owner), b"suspect")
    quarantine.put([TrimRun.objects.latest("started_at").pk], REASON)
    assert is_refused(get(owner, suspect.pk))
    finish(create_job(capture, job.profile, owner), b"from legacy")
    assert body(get(owner, capture.pk)) == b"from legacy"


def test_an_archive_with_a_result_in_quarantine_is_refused_and_names_it() -> None:
    from django.contrib.messages import get_messages

    owner = make_user()
    suspects = [done(owner, name=f"suspect {number}.pcap") for number in range(4)]
    quarantine.put([run_of(capture).pk for capture in suspects], REASON)
    for held, names in (
        (suspects[:1], "1 selected result is in quarantine: suspect 0.pcap."),
        (
            suspects,
            "4 selected results are in quarantine: suspect 0.pcap, suspect 1.pcap, suspect 2.pcap,"
            " ….",
        ),
    ):
        answer = post(owner, [done(owner), *held])
        assert (answer.status_code, answer["Location"]) == (302, reverse("trimming:captures"))
        (message,) = [str(each) for each in get_messages(answer.asgi_request)]
        assert message.startswith(f"{names} The reason: {REASON} Nothing was downloaded.")
    assert not Download.objects.exists()


@pytest.mark.parametrize("in_archive", [False, True])
def test_a_quarantine_that_begins_while_a_download_is_asked_for_comes_first(
    in_archive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = make_user()
    capture = done(owner)
    real = giving.newest_results

    def overtaken(*arguments: Any) -> list[TrimRun]:
        found = real(*arguments)
        quarantine.put([run.pk for run in found], REASON)
        return found

    monkeypatch.setattr(downloads, "newest_results", overtaken)
    if in_archive:
        assert post(owner, [capture])["Location"] == reverse("trimming:captures")
    else:
        assert is_refused(get(owner, capture.pk))
    assert not Download.objects.exists()


def test_what_is_deleted_while_a_download_is_asked_for_is_not_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = make_user()
    capture = done(owner)
    real = giving.newest_results

    def overtaken(*arguments: Any) -> list[TrimRun]:
        found = real(*arguments)
        Capture.objects.update(deleted_at=capture.uploaded_at)
        return found

    monkeypatch.setattr(downloads, "newest_results", overtaken)
    assert get(owner, capture.pk).status_code == 404
    assert not Download.objects.exists()
