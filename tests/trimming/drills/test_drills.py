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
from tests.trimming.shadows import compare_all, make_shadow, reread
from trimming import drills, jobs, runner
from trimming.choices import JobState, RunOutcome
from trimming.conf import DrillSettings
from trimming.drills import faults, rows
from trimming.files import work_root
from trimming.models import Drill, Shadow, TrimJob, TrimRun
from trimming.routing_choices import FaultKind, LeakState, ShadowOutcome, ShadowState
from trimming.shadow_runner import run_shadow

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
    ("kind", "outcome", "state"),
    [
        (FaultKind.FAILING, RunOutcome.FAILED, JobState.FAILED),
        (FaultKind.LEAKING, RunOutcome.UNVERIFIED, JobState.FAILED),
        # put off until there is space
        (FaultKind.FULL_DISK, RunOutcome.BROKEN, JobState.WAITING),
    ],
)
def test_a_fault_ends_a_run_and_nothing_of_it_is_offered(
    job: TrimJob, kind: FaultKind, outcome: RunOutcome, state: JobState
) -> None:
    drills.start(kind, "legacy", 1.0, MINUTE)
    run = attempt(job)
    assert (run.outcome, job.state) == (outcome, state)
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
    nothing: Any = None  # it is killed before it looks
    afflicted.plan(nothing, nothing, nothing, nothing)
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


def compared(kind: FaultKind, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Shadow:
    """Give the treatment a fault, and do one attempt at a comparison in the background."""
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 2}
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    compare_all()
    shadow = make_shadow(capture_bytes(SECRET))
    drills.start(kind, "scanning", 1.0, MINUTE)
    run_shadow(shadow.pk, "one/1", treatment_first=False)
    return reread(shadow)


@pytest.mark.usefixtures("permitted")
def test_a_comparison_confirms_the_leak_of_a_drill(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    shadow = compared(FaultKind.LEAKING, monkeypatch, settings)
    assert (shadow.outcome, shadow.leak) == (ShadowOutcome.MISMATCHED, LeakState.CONFIRMED)
    assert shadow.leaked_bytes >= len(SECRET)


@pytest.mark.usefixtures("permitted")
def test_a_comparison_notes_the_failure_of_a_drill_and_the_other_one_is_timed(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    shadow = compared(FaultKind.FAILING, monkeypatch, settings)
    assert shadow.outcome == ShadowOutcome.MISMATCHED
    assert "EngineError" in shadow.treatment_failure
    assert not shadow.control_failure
    assert shadow.control_ms is not None


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("kind", [FaultKind.LOST_WORKER, FaultKind.FULL_DISK])
def test_a_comparison_does_not_meet_what_befalls_a_machine(
    kind: FaultKind, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(os, "kill", lambda *given: pytest.fail("a worker would have been killed"))
    shadow = compared(kind, monkeypatch, settings)
    assert (shadow.state, shadow.outcome) == (ShadowState.DONE, ShadowOutcome.MATCHED)


def test_where_drills_are_not_permitted_nobody_asks_for_one(
    django_assert_num_queries: Any, job: TrimJob
) -> None:
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    with django_assert_num_queries(0):
        assert drills.fault_of(run) is drills.NO_FAULT
        assert drills.fault_in_comparison("scanning", "0" * 64) is drills.NO_FAULT


@pytest.mark.usefixtures("permitted")
def test_a_worker_is_lost_in_the_middle_of_a_run(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[bool] = []
    work = work_root()
    monkeypatch.setattr(os, "kill", lambda *given: copied.append(any(work.glob("*/input"))))
    drills.start(FaultKind.LOST_WORKER, "legacy", 1.0, MINUTE)
    attempt(job)
    assert copied == [True]
