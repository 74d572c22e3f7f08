"""Removing files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from config.models import AuditEvent
from tests.factories import make_job, make_user
from trimming import retention
from trimming.conf import TrimmingSettings
from trimming.jobs import claim, publish
from trimming.models import Capture, TrimRun

pytestmark = pytest.mark.django_db
Commit = DjangoCaptureOnCommitCallbacks


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def capture() -> Capture:
    """A capture with an original and a published output."""
    job = make_job(make_user())
    run = claim(job.pk, "one/1")
    assert run is not None
    publish(run, output=default_storage.save("outputs/x/1", ContentFile(b"out")), output_bytes=3)
    return Capture.objects.get(pk=job.capture_id)


def files() -> int:
    return sum(path.is_file() for path in Path(default_storage.path("")).rglob("*"))


def test_deleting_a_capture_removes_all_its_files_and_keeps_its_history(
    capture: Capture, django_capture_on_commit_callbacks: Commit
) -> None:
    assert files() == 2
    with django_capture_on_commit_callbacks(execute=True):
        retention.delete_capture(capture)
        assert files() == 2, "nothing is removed before the rows are committed"
    capture.refresh_from_db()
    assert files() == 0
    assert capture.deleted_at is not None
    assert not capture.has_original
    assert str(TrimRun.objects.get().output) == ""
    event = AuditEvent.objects.get(action="delete")
    assert (event.target_id, event.details) == (str(capture.pk), {"sha256": capture.sha256})


def test_deleting_the_original_keeps_the_result(
    capture: Capture, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        retention.delete_original(capture)
    capture.refresh_from_db()
    assert files() == 1
    assert not capture.has_original
    assert capture.deleted_at is None
    assert str(TrimRun.objects.get().output) == "outputs/x/1"


def test_a_process_that_dies_before_the_files_are_gone_leaves_them_to_the_monitor(
    capture: Capture,
) -> None:
    retention.delete_capture(capture)  # what would follow the commit does not happen here
    assert files() == 2
    assert not Capture.objects.visible_to(capture.owner).exists()
    retention.remove_deleted_files()
    assert files() == 0
    capture.refresh_from_db()
    assert str(capture.original) == ""
    retention.remove_deleted_files()


def test_nothing_is_deleted_while_a_job_works_on_it() -> None:
    capture = make_job(make_user(), name="busy.pcap").capture
    for delete in (retention.delete_capture, retention.delete_original):
        with pytest.raises(retention.BusyError, match=r"busy\.pcap\. Cancel it first"):
            delete(capture)
    capture.refresh_from_db()
    assert capture.has_original
    assert not AuditEvent.objects.exists()


def test_deleting_twice_is_harmless(
    capture: Capture, django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            retention.delete_original(capture)
        for _ in range(2):
            retention.delete_capture(capture)
    assert AuditEvent.objects.count() == 2


def aged(capture: Capture, days: float) -> Capture:
    Capture.objects.filter(pk=capture.pk).update(uploaded_at=timezone.now() - timedelta(days=days))
    return capture


def test_originals_are_deleted_after_seven_days(
    capture: Capture, django_capture_on_commit_callbacks: Commit
) -> None:
    aged(capture, 6.9)
    assert retention.delete_expired_originals() == 0
    aged(capture, 7.1)
    with django_capture_on_commit_callbacks(execute=True):
        assert retention.delete_expired_originals() == 1
        assert retention.delete_expired_originals() == 0
    assert files() == 1
    assert AuditEvent.objects.get().actor_name == "system"


def test_an_original_that_a_job_needs_is_kept_until_after_the_job() -> None:
    aged(make_job(make_user()).capture, 8)
    assert retention.delete_expired_originals() == 0


def test_a_setting_keeps_originals_for_ever(
    capture: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(capture, 4000)
    keep = TrimmingSettings(keep_originals_days=0)
    monkeypatch.setattr(retention, "trimming_settings", lambda: keep)
    assert retention.delete_expired_originals() == 0


@pytest.fixture
def holds() -> Iterator[list[retention.Hold]]:
    """The registry, empty, and afterwards as it was."""
    before = list(retention.holds)
    retention.holds.clear()
    yield retention.holds
    retention.holds[:] = before


@pytest.fixture
def another() -> Capture:
    """A second capture with a published output."""
    job = make_job(make_user())
    run = claim(job.pk, "one/1")
    assert run is not None
    publish(run, output=default_storage.save("outputs/y/1", ContentFile(b"out")), output_bytes=3)
    return aged(Capture.objects.get(pk=job.capture_id), 8)


@pytest.mark.parametrize("is_query", [False, True])
def test_an_original_that_a_hold_names_does_not_expire(
    capture: Capture,
    another: Capture,
    holds: list[retention.Hold],
    is_query: bool,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    aged(capture, 9)
    condition = Q(jobs__published_run__isnull=False, sha256=capture.sha256)

    @retention.register
    def needed() -> Q | QuerySet[Any, Any]:
        return Capture.objects.filter(condition).values("pk") if is_query else condition

    with django_capture_on_commit_callbacks(execute=True):
        assert retention.delete_expired_originals() == 1
    capture.refresh_from_db()
    another.refresh_from_db()
    assert (capture.has_original, another.has_original) == (True, False)
    holds.clear()
    assert retention.delete_expired_originals() == 1


def test_any_of_several_holds_spares_an_original_and_each_is_registered_once(
    capture: Capture, another: Capture, holds: list[retention.Hold]
) -> None:
    aged(capture, 9)

    def one() -> Q:
        return Q(pk=capture.pk)

    for hold in (one, one, lambda: Capture.objects.filter(pk=another.pk).values("pk")):
        retention.register(hold)
    assert len(holds) == 2
    assert retention.delete_expired_originals() == 0


def test_a_person_may_delete_what_a_hold_spares(
    capture: Capture, holds: list[retention.Hold]
) -> None:
    retention.register(lambda: Q(pk=capture.pk))
    retention.delete_original(capture)
    capture.refresh_from_db()
    assert not capture.has_original


def raises() -> Q:
    raise ValueError("payload: 0x47455420")


@pytest.mark.parametrize("hold", [raises, lambda: Q(no_such_field=1), lambda: "no condition"])
def test_when_a_hold_cannot_be_asked_nothing_expires_and_the_log_quotes_nothing(
    capture: Capture, holds: list[retention.Hold], hold: Any
) -> None:
    aged(capture, 9)
    retention.register(lambda: Q(pk__in=[]))
    retention.register(hold)
    with structlog.testing.capture_logs() as logged:
        assert retention.delete_expired_originals() == 0
    capture.refresh_from_db()
    assert capture.has_original
    (entry,) = logged
    assert (entry["event"], entry["log_level"]) == ("nothing_expires", "error")
    assert set(entry) == {"event", "log_level", "kind", "place"}
    assert "payload" not in str(entry)
