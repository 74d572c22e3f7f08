"""What killed workers leave behind is removed, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from tests.factories import make_job, make_user
from tests.trimming.shadows import compare_all, make_shadow
from trimming import jobs, shadow_queue
from trimming.choices import RunOutcome
from trimming.files import shadow_name, work_root
from trimming.leftovers import remove_left_folders
from trimming.models import Shadow, TrimRun, output_path
from trimming.moves import Move
from trimming.routing_choices import ShadowState

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timedelta(0)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"


def claimed() -> tuple[TrimRun, Path]:
    """Return an attempt in its middle, with its private folder."""
    run = jobs.claim(make_job(make_user()).pk, "cluster/1")
    assert run is not None
    folder = work_root() / f"{run.job_id}-{run.attempt}"
    folder.mkdir()
    (folder / "input").write_bytes(b"copy")
    return run, folder


def test_an_attempt_that_runs_keeps_its_folder() -> None:
    _, folder = claimed()
    assert remove_left_folders(NOW) == 0
    assert folder.exists()


def test_an_attempt_that_came_too_late_loses_its_folder_and_what_it_stored_without_publishing() -> (
    None
):
    run, folder = claimed()
    storage = run.output.storage
    stored = storage.save(output_path(run, ""), ContentFile(b"half"))
    assert jobs.give_up(run, Move.FAIL, RunOutcome.LATE, "late")
    assert remove_left_folders(NOW) == 1
    assert not folder.exists()
    assert not storage.exists(stored)


def test_a_published_output_stays_when_its_folder_was_left() -> None:
    run, folder = claimed()
    stored = run.output.storage.save(output_path(run, ""), ContentFile(b"whole"))
    assert jobs.publish(run, output=stored)
    assert remove_left_folders(NOW) == 1
    assert not folder.exists()
    assert run.output.storage.exists(stored)


def test_a_worker_that_only_lost_its_job_has_time_to_clean_up_itself() -> None:
    run, folder = claimed()
    jobs.give_up(run, Move.FAIL, RunOutcome.LATE, "late")
    assert remove_left_folders(timedelta(minutes=1)) == 0
    TrimRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(minutes=2))
    assert remove_left_folders(timedelta(minutes=1)) == 1
    assert not folder.exists()


def test_a_comparison_keeps_its_folder_while_it_runs_and_a_while_after() -> None:
    compare_all()
    shadow = shadow_queue.claim(make_shadow().pk, "cluster/1")
    assert shadow is not None
    folder = work_root() / shadow_name(shadow)
    folder.mkdir()
    assert remove_left_folders(NOW) == 0
    shadow_queue.end(shadow, ShadowState.DONE)
    assert remove_left_folders(timedelta(minutes=1)) == 0
    assert remove_left_folders(NOW) == 1
    assert not folder.exists()


def test_a_comparison_that_was_begun_anew_loses_the_folder_of_the_attempt_before() -> None:
    compare_all()
    shadow = shadow_queue.claim(make_shadow().pk, "cluster/1")
    assert shadow is not None
    folder = work_root() / shadow_name(shadow)
    folder.mkdir()
    Shadow.objects.update(attempt=2)
    assert remove_left_folders(NOW) == 1
    assert not folder.exists()


def test_what_no_worker_made_is_left_alone() -> None:
    stranger = work_root() / "notes"
    stranger.mkdir()
    assert remove_left_folders(NOW) == 0
    assert stranger.exists()
