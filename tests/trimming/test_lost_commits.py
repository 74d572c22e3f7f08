"""A commit of which nobody heard: the connection broke after the database had done it, or before.

Whoever asked cannot know which of both it was, so a file that a row may name stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection
from pytest_django import Settings

from tests.factories import capture_bytes, make_job, make_user, standard
from trimming import intake, jobs, runner
from trimming.choices import JobState, RunOutcome
from trimming.intake import Accepted, take_in
from trimming.models import Capture, TrimJob, TrimRun
from trimming.retention import delete_original
from trimming.uploads import ReceivedCapture

pytestmark = pytest.mark.django_db(transaction=True)
DATA = capture_bytes()


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    (tmp_path / "work").mkdir()
    monkeypatch.setattr(jobs, "call", lambda *_, **__: True)


class Line:
    """The way to the database, which breaks at the next commit once it is asked to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._is_done: bool | None = None
        # the one step that reaches the database: commit() itself does more behind it
        self._commit = connection._commit  # type: ignore[attr-defined]  # not in the stubs
        monkeypatch.setattr(connection, "_commit", self._committed)

    def breaks_within(self, module: Any, name: str, *, is_done: bool) -> None:
        """Break it once, at the commit after ``name`` is called: behind it, or before."""
        real = getattr(module, name)

        def called(*arguments: Any, **values: Any) -> Any:
            self._monkeypatch.setattr(module, name, real)
            self._is_done = is_done
            return real(*arguments, **values)

        self._monkeypatch.setattr(module, name, called)

    def _committed(self) -> None:
        is_done, self._is_done = self._is_done, None
        if is_done is not False:
            self._commit()
        if is_done is not None:
            raise OperationalError("server closed the connection unexpectedly")


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    """The way to the database of this test."""
    return Line(monkeypatch)


def kept(folder: str) -> list[str]:
    """Return the names of what is stored."""
    root = Path(default_storage.path(folder))
    return sorted(str(path.relative_to(root.parent)) for path in root.rglob("*") if path.is_file())


def attempted(line: Line, *, is_done: bool) -> tuple[TrimJob, TrimRun]:
    """Return job and run after an attempt whose last commit nobody heard of."""
    job = make_job(make_user(), DATA)
    line.breaks_within(jobs, "publish", is_done=is_done)
    runner.run_job(job.pk, "one/1")
    job.refresh_from_db()
    return job, TrimRun.objects.get(job=job)


def test_a_result_that_was_published_unheard_keeps_its_output(line: Line) -> None:
    job, run = attempted(line, is_done=True)
    assert (job.state, run.outcome, job.published_run) == (JobState.DONE, RunOutcome.DONE, run)
    assert kept("outputs") == [run.output.name]


def test_a_result_that_was_not_published_leaves_no_output_and_its_job_waits(line: Line) -> None:
    job, run = attempted(line, is_done=False)
    assert (job.state, run.outcome) == (JobState.WAITING, RunOutcome.BROKEN)
    assert job.published_run is None
    assert kept("outputs") == []


@pytest.fixture
def upload(tmp_path: Path) -> Callable[[], Accepted]:
    """Take the same capture in for the same person, each time it is called."""
    owner, digest = make_user(), hashlib.sha256(DATA).hexdigest()

    def take() -> Accepted:
        path = tmp_path / "upload.part"
        path.write_bytes(DATA)
        received = ReceivedCapture(path, "edge.pcap", len(DATA), digest, "pcap", "")
        return take_in(received, owner, standard(), "")

    return take


@pytest.mark.parametrize("is_done", [True, False])
def test_an_upload_that_is_tried_again_after_a_lost_commit_has_its_original(
    line: Line, upload: Callable[[], Accepted], is_done: bool
) -> None:
    line.breaks_within(intake, "create_job", is_done=is_done)
    with pytest.raises(OperationalError):
        upload()
    assert upload().duplicate is is_done
    capture = Capture.objects.get()
    assert capture.original.name in kept("originals")
    runner.run_job(TrimJob.objects.get().pk, "one/1")
    assert TrimJob.objects.get().state == JobState.DONE


def test_an_original_that_was_restored_unheard_is_there(
    line: Line, upload: Callable[[], Accepted]
) -> None:
    capture = upload().capture
    TrimJob.objects.update(state=JobState.DONE)
    delete_original(capture)
    assert kept("originals") == []
    line.breaks_within(intake, "_stored", is_done=True)
    with pytest.raises(OperationalError):
        upload()
    capture.refresh_from_db()
    assert kept("originals") == [capture.original.name]
