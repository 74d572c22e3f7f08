"""What is kept of an upload: once per owner, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from config.models import AuditEvent
from tests.factories import capture_bytes, make_user, standard
from trimming import intake
from trimming.intake import Accepted, remove_orphans, take_in
from trimming.models import Capture, Profile, TrimJob
from trimming.profiles import latest
from trimming.retention import delete_capture, delete_original
from trimming.signals import capture_changed
from trimming.uploads import ReceivedCapture

DATA = capture_bytes()


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    heard: list[dict[str, Any]] = []

    def hear(sender: object, capture_id: object, owner_id: object, **_: object) -> None:
        heard.append({"capture_id": capture_id, "owner_id": owner_id})

    capture_changed.connect(hear)
    yield heard
    capture_changed.disconnect(hear)


def received(folder: Path, data: bytes = DATA, name: str = "edge.pcap") -> ReceivedCapture:
    path = folder / f"upload-{len(list(folder.iterdir()))}.part"
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return ReceivedCapture(path, name, len(data), digest, "pcap", "")


def share_safe() -> Profile:
    profile = latest("share_safe")
    assert profile is not None
    return profile


def kept(media: Path) -> list[Path]:
    return [path for path in media.rglob("*") if path.is_file()]


def take(
    folder: Path, owner: User, name: str = "edge.pcap", profile: Profile | None = None
) -> Accepted:
    return take_in(received(folder, name=name), owner, profile or standard(), "")


def test_a_new_capture_is_kept_with_a_job_and_an_audit_event(
    owner: User, tmp_path: Path, media: Path
) -> None:
    accepted = take(tmp_path, owner)
    capture = Capture.objects.get()
    assert accepted == Accepted(capture, duplicate=False, note="")
    assert (capture.name, capture.size_bytes, capture.file_format) == (
        "edge.pcap",
        len(DATA),
        "pcap",
    )
    assert capture.original.read() == DATA
    capture.original.close()
    assert kept(media) == [Path(capture.original.path)]
    job = TrimJob.objects.get()
    assert (job.capture, job.profile, job.strategy_override) == (capture, standard(), "")
    assert capture.current_job == job
    event = AuditEvent.objects.get(action="upload")
    assert event.target_id == str(capture.pk)
    assert event.details["sha256"] == capture.sha256


def test_the_apps_above_are_told_on_commit(
    owner: User,
    tmp_path: Path,
    told: list[dict[str, Any]],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        accepted = take(tmp_path, owner)
        assert not told
    assert told == [{"capture_id": accepted.capture.pk, "owner_id": owner.pk}]


def test_the_same_bytes_and_profile_only_point_to_what_is_there(
    owner: User, tmp_path: Path, media: Path
) -> None:
    first = take(tmp_path, owner)
    again = take(tmp_path, owner, "copy of edge.pcap")
    assert again.capture == first.capture
    assert again.duplicate
    assert again.note == "Already here as edge.pcap."
    assert TrimJob.objects.count() == 1
    assert len(kept(media)) == 1
    assert AuditEvent.objects.filter(action="upload").count() == 2


def test_the_same_bytes_with_another_profile_are_trimmed_again(
    owner: User, tmp_path: Path, media: Path
) -> None:
    first = take(tmp_path, owner)
    again = take(tmp_path, owner, profile=share_safe())
    assert again.duplicate
    assert "trimmed again with the profile share_safe" in again.note
    assert TrimJob.objects.count() == 2
    first.capture.refresh_from_db()
    assert first.capture.current_job is not None
    assert first.capture.current_job.profile == share_safe()
    assert len(kept(media)) == 1


def test_another_owner_keeps_the_same_bytes_for_himself(
    owner: User, tmp_path: Path, media: Path
) -> None:
    take(tmp_path, owner)
    assert not take(tmp_path, make_user()).duplicate
    assert Capture.objects.count() == 2
    assert len(kept(media)) == 2


def test_a_deleted_capture_is_no_duplicate(
    owner: User,
    tmp_path: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first = take(tmp_path, owner)
    TrimJob.objects.update(state="done")
    with django_capture_on_commit_callbacks(execute=True):
        delete_capture(first.capture)
    assert not take(tmp_path, owner).duplicate


def test_a_deleted_original_is_restored_and_its_time_begins_anew(
    owner: User,
    tmp_path: Path,
    media: Path,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    first = take(tmp_path, owner)
    TrimJob.objects.update(state="done")
    with django_capture_on_commit_callbacks(execute=True):
        delete_original(first.capture)
    assert not kept(media)
    before = timezone.now()
    again = take(tmp_path, owner)
    assert again.duplicate
    assert "kept again" in again.note
    capture = Capture.objects.get()
    assert capture.has_original
    assert capture.uploaded_at >= before
    assert kept(media)[0].read_bytes() == DATA
    assert TrimJob.objects.count() == 1


def test_an_original_that_somebody_else_restored_is_not_stored_twice(
    owner: User, tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = take(tmp_path, owner)
    stale = Capture.objects.get()
    stale.original.name, stale.original_deleted_at = "", timezone.now()
    monkeypatch.setattr(intake, "_known", lambda *_: stale)
    again = take(tmp_path, owner)
    assert again.note == "Already here as edge.pcap."
    assert kept(media) == [Path(first.capture.original.path)]
    assert Capture.objects.get().has_original


def test_of_two_uploads_at_a_time_one_is_the_duplicate(
    owner: User, tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(tmp_path, owner)
    real = intake._known
    answers = iter([None])
    monkeypatch.setattr(intake, "_known", lambda *asked: next(answers, real(*asked)))
    again = take(tmp_path, owner)
    assert again.duplicate
    assert Capture.objects.count() == 1
    assert len(kept(media)) == 1


@pytest.mark.parametrize("step", ["create_job", "record"])
def test_what_fails_leaves_neither_row_nor_file(
    step: str, owner: User, tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr(intake, step, fail)
    with pytest.raises(DatabaseError):
        take(tmp_path, owner)
    assert not Capture.objects.exists()
    assert not TrimJob.objects.exists()
    assert not kept(media)


@pytest.mark.django_db(transaction=True)
def test_a_failure_after_the_commit_keeps_what_was_committed(
    tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("nobody listens")

    monkeypatch.setattr(intake, "_tell", fail)
    accepted = take(tmp_path, make_user())
    assert Capture.objects.get() == accepted.capture
    assert len(kept(media)) == 1


def test_a_capture_that_is_deleted_again_in_the_moment_of_a_race_is_an_error(
    owner: User, tmp_path: Path, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(tmp_path, owner)
    monkeypatch.setattr(intake, "_known", lambda *_: None)
    with pytest.raises(IntegrityError):
        take(tmp_path, owner)
    assert len(kept(media)) == 1


def test_originals_that_no_capture_has_are_removed_when_they_are_old(
    owner: User, tmp_path: Path, media: Path
) -> None:
    assert remove_orphans(timedelta(hours=1)) == 0
    capture = take(tmp_path, owner).capture
    own = Path(capture.original.path)
    for name in ("old", "new"):
        (own.parent / name).write_bytes(b"left over")
    for path in (own, own.parent / "old"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert remove_orphans(timedelta(hours=1)) == 1
    assert sorted(kept(media)) == sorted([own, own.parent / "new"])


def test_a_strategy_that_was_chosen_is_the_jobs(owner: User, tmp_path: Path) -> None:
    take(tmp_path, owner)
    again = take_in(received(tmp_path), owner, standard(), "legacy")
    assert again.duplicate
    assert set(TrimJob.objects.values_list("strategy_override", flat=True)) == {"", "legacy"}
