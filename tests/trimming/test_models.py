"""Who sees what, and looks."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError
from django.utils import timezone

from tests.factories import make_capture, make_job, make_user
from trimming.choices import JOB_LOOKS, RUN_LOOKS, JobState, RunOutcome
from trimming.jobs import claim, publish
from trimming.models import Capture, TrimJob, TrimRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def run() -> TrimRun:
    """A published run whose output is there."""
    job = make_job(make_user())
    run = claim(job.pk, "one/1")
    assert run is not None
    publish(run, output="outputs/x", output_bytes=1)
    run.refresh_from_db()
    return run


def sees(user: User | AnonymousUser, run: TrimRun) -> tuple[bool, bool, bool, bool]:
    """Whether ``user`` sees the capture, its job, its run, and may take the output away."""
    return (
        Capture.objects.visible_to(user).filter(pk=run.job.capture_id).exists(),
        TrimJob.objects.visible_to(user).filter(pk=run.job_id).exists(),
        TrimRun.objects.visible_to(user).filter(pk=run.pk).exists(),
        TrimRun.objects.downloadable_by(user).filter(pk=run.pk).exists(),
    )


def test_the_owner_sees_everything_of_a_capture(run: TrimRun) -> None:
    assert all(sees(run.job.capture.owner, run))


@pytest.mark.parametrize("role", ["viewer", "operator", "approver"])
def test_nobody_else_sees_anything_of_it(run: TrimRun, role: str) -> None:
    assert not any(sees(make_user(role), run))
    assert not any(sees(AnonymousUser(), run))


def test_an_administrator_sees_everything(run: TrimRun) -> None:
    assert all(sees(make_user("administrator"), run))


def test_somebody_who_was_deactivated_sees_nothing(run: TrimRun) -> None:
    owner = run.job.capture.owner
    owner.is_active = False
    assert not any(sees(owner, run))


def test_a_deleted_capture_is_seen_by_nobody(run: TrimRun) -> None:
    Capture.objects.update(deleted_at=timezone.now())
    assert not any(sees(run.job.capture.owner, run))
    assert not any(sees(make_user("administrator"), run))


@pytest.mark.parametrize("outcome", [o for o in RunOutcome if o != RunOutcome.DONE])
def test_only_a_run_that_ended_well_can_be_downloaded(run: TrimRun, outcome: RunOutcome) -> None:
    TrimRun.objects.update(outcome=outcome)
    assert sees(run.job.capture.owner, run) == (True, True, True, False)


def test_a_run_that_was_not_published_cannot_be_downloaded(run: TrimRun) -> None:
    TrimJob.objects.update(published_run=None)
    assert sees(run.job.capture.owner, run) == (True, True, True, False)


def test_the_same_bytes_are_kept_once_for_each_owner() -> None:
    owner = make_user()
    capture = make_capture(owner, b"same")
    make_capture(make_user(), b"same")
    capture.deleted_at = timezone.now()
    capture.save()
    make_capture(owner, b"same")
    with pytest.raises(IntegrityError):
        make_capture(owner, b"same")


def test_names_that_people_gave_never_become_paths() -> None:
    capture = make_capture(make_user(), name="../../etc/passwd")
    assert str(capture.original) == f"originals/{capture.pk}"


def test_every_state_and_outcome_has_a_look() -> None:
    assert set(JOB_LOOKS) == set(JobState)
    assert set(RUN_LOOKS) == set(RunOutcome)
