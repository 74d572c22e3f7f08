"""Faults on purpose: what each does to a job, and that none happens unasked."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from config.models import AuditEvent
from tests.factories import capture_bytes, make_job, make_user
from trimming import drills, jobs, runner
from trimming.choices import JobState, RunOutcome
from trimming.conf import DrillSettings
from trimming.drills import faults, rows
from trimming.models import Drill, TrimJob, TrimRun
from trimming.routing_choices import FaultKind

pytestmark = pytest.mark.django_db
SECRET = b"the payload that nobody may read"
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Any) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT.mkdir()


@pytest.fixture
def permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "drill_settings", lambda: DrillSettings(permitted=True))


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> TrimJob:
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    return make_job(make_user(), capture_bytes(SECRET))


def attempt(job: TrimJob) -> TrimRun:
    runner.run_job(job.pk, "one/1")
    job.refresh_from_db()
    return TrimRun.objects.filter(job=job).latest("attempt")


def test_where_drills_are_not_permitted_none_begins_and_none_has_effect(job: TrimJob) -> None:
    with pytest.raises(drills.DrillRefusedError, match=r"drills\.permitted"):
        drills.start(FaultKind.FAILING, "legacy", 1.0, MINUTE)
    now = timezone.now()
    Drill.objects.create(
        kind=FaultKind.FAILING, strategy="legacy", share=1, until=now + MINUTE, started_at=now
    )
    assert attempt(job).outcome == RunOutcome.DONE


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize(
    ("share", "lasting"),
    [(0.0, MINUTE), (1.1, MINUTE), (0.5, timedelta(0)), (0.5, timedelta(days=1))],
)
def test_a_drill_has_a_share_and_an_end(share: float, lasting: timedelta) -> None:
    with pytest.raises(drills.DrillRefusedError):
        drills.start(FaultKind.SLOW, "legacy", share, lasting)
    assert not Drill.objects.exists()


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (FaultKind.FAILING, RunOutcome.FAILED),
        (FaultKind.LEAKING, RunOutcome.UNVERIFIED),
        (FaultKind.FULL_DISK, RunOutcome.BROKEN),
    ],
)
def test_a_fault_ends_a_run_and_nothing_of_it_is_offered(
    job: TrimJob, kind: FaultKind, outcome: RunOutcome
) -> None:
    drills.start(kind, "legacy", 1.0, MINUTE)
    run = attempt(job)
    assert (run.outcome, job.state) == (outcome, JobState.FAILED)
    assert not run.output
    assert job.published_run is None


@pytest.mark.usefixtures("permitted")
def test_a_slow_strategy_takes_its_time_and_masks_all_the_same(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    naps: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("trimming.drills.faults.time.monotonic", lambda: now[0])
    monkeypatch.setattr("trimming.drills.faults.time.sleep", sleep)
    drills.start(FaultKind.SLOW, "legacy", 1.0, MINUTE)
    run = attempt(job)
    assert run.outcome == RunOutcome.DONE
    assert sum(naps) >= faults.SHORTEST_SECONDS
    with run.output.open() as file:
        assert SECRET not in file.read()


@pytest.mark.usefixtures("permitted")
def test_a_worker_is_killed_once_and_the_next_attempt_is_let_alone(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *given: killed.append(given))
    drills.start(FaultKind.LOST_WORKER, "legacy", 1.0, MINUTE)
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    afflicted = drills.fault_of(run).afflict(faults.Failing(_Named()))
    afflicted.plan(*[None] * 4)  # type: ignore[arg-type]
    assert killed == [(os.getpid(), signal.SIGKILL)]
    run.attempt = 2
    assert drills.fault_of(run) is drills.NO_FAULT


class _Named:
    name = "legacy"
    version = "1"

    def plan(self, *given: object) -> None:
        """Plan nothing."""


@pytest.mark.usefixtures("permitted")
def test_a_drill_that_was_stopped_or_is_over_has_no_effect(job: TrimJob) -> None:
    drill = drills.start(FaultKind.FAILING, "legacy", 1.0, MINUTE)
    drills.stop(drill)
    drills.stop(drill)
    assert attempt(job).outcome == RunOutcome.DONE
    actions = AuditEvent.objects.filter(action__startswith="drill_").values_list(
        "action", flat=True
    )
    assert sorted(actions) == ["drill_started", "drill_stopped"]


@pytest.mark.usefixtures("permitted")
def test_another_strategy_is_let_alone(job: TrimJob) -> None:
    drills.start(FaultKind.FAILING, "scanning", 1.0, MINUTE)
    assert attempt(job).outcome == RunOutcome.DONE


def test_a_share_always_means_the_same_captures() -> None:
    digests = [f"{number:064x}" for number in range(2000)]
    half = {digest for digest in digests if rows.is_chosen(digest, 0.5)}
    assert 900 < len(half) < 1100
    assert {digest for digest in digests if rows.is_chosen(digest, 0.2)} < half
    assert all(rows.is_chosen(digest, 1.0) for digest in digests)
