"""The whole way of a capture whose storage is a bucket."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils import timezone

from monitoring import probes
from tests.buckets import bucket_at, server_that, storage_of
from tests.factories import capture_bytes, make_user, standard
from tests.trimming.shadows import compare_all, make_shadow, reread
from tests.trimming.views.test_downloads import body
from tests.upload_forms import CONTENT_TYPE, form_body
from trimming import intake, jobs, quarantine, retention, runner
from trimming.choices import JobState, RunOutcome
from trimming.models import Capture, Download, TrimJob, TrimRun, output_path
from trimming.object_storage import ObjectStorage
from trimming.routing_choices import ShadowOutcome
from trimming.shadow_runner import run_shadow

pytestmark = [pytest.mark.django_db(transaction=True)]
SECRET = b"the payload that nobody may read"
NAME = "büro.pcap"


@pytest.fixture(autouse=True)
def _workers_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def client(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def objects(storage: Any) -> list[str]:
    return [each.name for each in storage.listed("")]


def upload(client: Client, data: bytes | None = None, name: str = NAME) -> Any:
    """Send a capture by the form; return the answer."""
    form = form_body([(name, data or capture_bytes(SECRET))], {"profile": standard().pk})
    answer = client.post(
        reverse("trimming:upload"),
        form,
        content_type=CONTENT_TYPE,
        headers={"Accept": "application/json"},
    )
    answer.close()
    return answer.json()


def trimmed(client: Client, data: bytes | None = None, name: str = NAME) -> TrimRun:
    """Upload a capture and let a worker do its job."""
    (accepted,) = upload(client, data, name)["accepted"]
    job = TrimJob.objects.get(capture=accepted["capture"])
    runner.run_job(job.pk, "one/1")
    return TrimRun.objects.select_related("job__capture").get(job=job)


def where_of(client: Client, run: TrimRun) -> Any:
    return client.get(reverse("trimming:download", args=[run.job.capture_id]))


def test_from_the_form_to_the_download_nothing_stays_on_a_disk(
    client: Client, in_a_bucket: Any, tmp_path: Path
) -> None:
    run = trimmed(client)
    capture = run.job.capture
    assert run.job.state == JobState.DONE
    assert objects(in_a_bucket) == [f"originals/{capture.pk}", output_path(run)]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    answer = where_of(client, run)
    assert (answer.status_code, answer["Cache-Control"]) == (302, "private, no-store")
    assert Download.objects.get().run == run
    with urllib.request.urlopen(answer["Location"]) as given:
        data = given.read()
        assert given.headers["Content-Disposition"] == (
            "attachment; filename*=utf-8''b%C3%BCro.trimmed.pcap"
        )
    assert len(data) == run.output_bytes
    assert SECRET not in data
    with in_a_bucket.open(str(run.output.name)) as stored:
        assert stored.read() == data
    assert "X-Amz-Expires=60&" in answer["Location"]


def test_a_job_that_is_begun_anew_after_a_restore_leaves_the_output_of_the_state_put_aside(
    client: Client, in_a_bucket: Any
) -> None:
    run = trimmed(client)
    aside = str(run.output.name)
    # the backup was made before its first attempt, so that is its next one again
    TrimJob.objects.update(state=JobState.WAITING, attempt=0, published_run=None)
    TrimRun.objects.all().delete()
    with in_a_bucket.open(aside) as file:
        before = file.read()
    lost = jobs.claim(run.job_id, "one/1")
    assert lost is not None
    assert lost.attempt == run.attempt
    jobs.lose(lost, RunOutcome.GIVEN_BACK, "", forgiven=True)
    TrimJob.objects.update(attempt=0)
    TrimRun.objects.all().delete()
    runner.run_job(run.job_id, "one/1")
    assert TrimJob.objects.get().state == JobState.DONE
    with in_a_bucket.open(aside) as file:
        assert file.read() == before
    assert len(objects(in_a_bucket)) == 3


def test_who_may_not_download_gets_no_address(client: Client, in_a_bucket: Any) -> None:
    run = trimmed(client)
    other = Client()
    other.force_login(make_user())
    assert where_of(other, run).status_code == 404
    assert not Download.objects.exists()


def test_a_result_in_quarantine_gets_no_address(client: Client, in_a_bucket: Any) -> None:
    run = trimmed(client)
    quarantine.put([run.pk], "A leak.")
    answer = where_of(client, run)
    assert (answer.status_code, "A leak." in answer.content.decode()) == (409, True)
    assert not Download.objects.exists()


def test_an_archive_comes_through_the_web_process(
    client: Client, owner: User, in_a_bucket: Any
) -> None:
    from asgiref.sync import async_to_sync

    runs = [trimmed(client, capture_bytes(each), f"{each.decode()}.pcap") for each in (b"a", b"b")]
    asking = AsyncClient()
    asking.force_login(owner)
    ids = [str(run.job.capture_id) for run in runs]
    answer: Any = async_to_sync(asking.post)(reverse("trimming:archive"), {"ids": ids})
    data = body(answer)
    assert len(data) == int(answer["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        for run in runs:
            stem = run.job.capture.name.removesuffix(".pcap")
            with in_a_bucket.open(str(run.output.name)) as stored:
                assert packed.read(f"{stem}.trimmed.pcap") == stored.read()


@pytest.mark.usefixtures("in_a_bucket")
def test_a_comparison_reads_its_original_from_the_bucket(tmp_path: Path) -> None:
    compare_all()
    shadow = make_shadow()
    run_shadow(shadow.pk, "one/1")
    assert reread(shadow).outcome == ShadowOutcome.MATCHED
    assert list((tmp_path / "work").iterdir()) == []


def test_what_is_deleted_goes_from_the_bucket(client: Client, in_a_bucket: Any) -> None:
    run = trimmed(client)
    retention.delete_original(run.job.capture)
    assert objects(in_a_bucket) == [str(run.output.name)]
    retention.delete_capture(Capture.objects.get())
    assert objects(in_a_bucket) == []


def test_what_expired_goes_from_the_bucket(client: Client, in_a_bucket: Any) -> None:
    run = trimmed(client)
    Capture.objects.update(uploaded_at=timezone.now() - timedelta(days=400))
    assert retention.delete_expired_originals() == 1
    assert objects(in_a_bucket) == [str(run.output.name)]


def test_an_original_that_is_kept_again_has_a_name_that_no_other_upload_removes(
    client: Client, in_a_bucket: Any
) -> None:
    capture = trimmed(client).job.capture
    retention.delete_original(capture)
    (accepted,) = upload(client)["accepted"]
    assert accepted["duplicate"]
    capture.refresh_from_db()
    again = str(capture.original.name)
    assert again.startswith(f"originals/{capture.pk}-")
    with in_a_bucket.open(again) as stored:
        assert stored.read() == capture_bytes(SECRET)


def test_objects_without_a_row_are_removed_when_they_are_old(
    client: Client, in_a_bucket: Any
) -> None:
    from django.core.files.base import ContentFile

    (accepted,) = upload(client)["accepted"]
    in_a_bucket.save("originals/orphan", ContentFile(b"left"))
    assert intake.remove_orphans(timedelta(hours=1)) == 0
    assert intake.remove_orphans(timedelta(hours=-1)) == 1
    assert objects(in_a_bucket) == [f"originals/{accepted['capture']}"]


def test_parts_of_cut_off_uploads_are_dropped_by_retention(in_a_bucket: Any) -> None:
    from monitoring.loop import _retention

    for name in ("originals/x", "outputs/y/1"):
        in_a_bucket.client.create_multipart_upload(Bucket=in_a_bucket.bucket_name, Key=name)
    _retention()
    found = in_a_bucket.client.list_multipart_uploads(Bucket=in_a_bucket.bucket_name)
    assert "Uploads" not in found


def test_a_storage_on_a_disk_has_no_parts_to_drop() -> None:
    assert intake.drop_unfinished(timedelta(0)) == 0


@pytest.fixture
def breaks(in_a_bucket: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let the server of the bucket be gone from then on, until ``monkeypatch`` is undone."""
    with server_that(lambda _: None) as endpoint:
        unreached = storage_of(bucket_at(endpoint), attempts=1).client
    return lambda: monkeypatch.setattr(ObjectStorage, "client", unreached)


class TestWithoutItsServer:
    def test_an_upload_is_refused_with_a_sentence_and_leaves_nothing(
        self, client: Client, breaks: Callable[[], None], tmp_path: Path
    ) -> None:
        breaks()
        (refused,) = upload(client)["refused"]
        assert refused["reason"] == (
            "Could not be written (the object storage cannot be reached "
            "(EndpointConnectionError)). Nothing was stored. Upload it again in a minute, "
            "or ask an administrator."
        )
        assert not Capture.objects.exists()
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_a_job_fails_with_a_sentence(
        self, client: Client, breaks: Callable[[], None], tmp_path: Path
    ) -> None:
        (accepted,) = upload(client)["accepted"]
        breaks()
        job = TrimJob.objects.get(capture=accepted["capture"])
        runner.run_job(job.pk, "one/1")
        job.refresh_from_db()
        assert job.reason == (
            "The storage or the disk failed: the object storage cannot be reached "
            "(EndpointConnectionError)."
        )
        assert list((tmp_path / "work").iterdir()) == []

    def test_a_download_says_so_and_is_not_noted(
        self, client: Client, breaks: Callable[[], None]
    ) -> None:
        run = trimmed(client)
        breaks()
        answer = where_of(client, run)
        assert answer.status_code == 503
        assert "The storage does not answer" in answer.content.decode()
        ids = {"ids": [str(run.job.capture_id)]}
        assert client.post(reverse("trimming:archive"), ids).status_code == 503
        assert not Download.objects.exists()

    def test_a_deletion_holds_and_its_files_go_later(
        self,
        client: Client,
        in_a_bucket: Any,
        breaks: Callable[[], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        run = trimmed(client)
        breaks()
        retention.delete_capture(run.job.capture)
        assert Capture.objects.get().deleted_at is not None
        monkeypatch.undo()
        retention.remove_deleted_files()
        assert objects(in_a_bucket) == []

    def test_it_is_not_ready(self, breaks: Callable[[], None]) -> None:
        now = timezone.now()
        assert probes.storage(now).is_ready
        breaks()
        with pytest.raises(OSError, match="cannot be reached"):
            probes.storage(now)


def test_a_bucket_that_is_missing_is_not_ready(in_a_bucket: Any) -> None:
    in_a_bucket.client.delete_bucket(Bucket=in_a_bucket.bucket_name)
    with pytest.raises(OSError):  # noqa: PT011 - that of a folder that is not there
        probes.storage(timezone.now())
