"""One attempt at a job, with the real engine and the real storage."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from tests.factories import capture_bytes, make_job, make_user
from trimming import jobs, runner, worker_limits
from trimming.choices import JobStage, JobState, RunOutcome
from trimming.engine.errors import VerificationError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally
from trimming.models import TrimJob, TrimRun
from trimming.worker_limits import CpuTimeError

pytestmark = pytest.mark.django_db
SECRET = b"the payload that nobody may read"


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> TrimJob:
    """A waiting job whose capture holds SECRET in a body."""
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    return make_job(make_user(), capture_bytes(SECRET))


def run(job: TrimJob) -> TrimRun:
    """Do one attempt and return what was written of it."""
    runner.run_job(job.pk, "one/1")
    job.refresh_from_db()
    return TrimRun.objects.get(job=job)


def left_behind() -> list[Path]:
    """Private copies, and outputs in storage."""
    outputs = Path(default_storage.path("outputs"))
    kept = [path for path in outputs.rglob("*") if path.is_file()] if outputs.exists() else []
    return [*Path(settings.WORK_ROOT).iterdir(), *kept]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, settings: Any) -> None:
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT.mkdir()


def test_a_job_ends_with_a_verified_output_its_digest_and_its_report(job: TrimJob) -> None:
    done = run(job)
    with done.output.open() as file:
        written = file.read()
    assert job.state == JobState.DONE
    assert job.published_run == done
    assert done.outcome == RunOutcome.DONE
    assert len(written) == done.output_bytes == job.capture.size_bytes
    assert SECRET not in written
    assert (done.messages, done.masked_bytes) == (2, len(SECRET))
    assert done.report is not None
    assert done.report["verification"]["passed"] is True
    assert done.duration_ms is not None
    assert list(Path(settings.WORK_ROOT).iterdir()) == []


def test_the_profile_of_the_job_is_used_not_the_newest(job: TrimJob) -> None:
    job.profile.options = {**job.profile.options, "body_keep_bytes": 3}
    job.profile.save()
    with run(job).output.open() as file:
        assert SECRET[:3] in file.read()


def test_a_capture_that_cannot_be_used_is_refused_with_the_place_and_no_payload() -> None:
    job = make_job(make_user(), capture_bytes(SECRET)[:24] + b"\xff" * 64)
    refused = run(job)
    assert (job.state, refused.outcome) == (JobState.REFUSED, RunOutcome.REFUSED)
    assert job.reason.startswith("Byte 32: expected ")
    assert str(settings.WORK_ROOT) not in job.reason
    assert left_behind() == []


class Failing:
    """A strategy that raises what a test gives it."""

    name, version = "failing", "1"
    error: BaseException = ValueError()

    def plan(self, capture: CaptureFile, plan: MaskPlan, tally: Tally, progress: Any) -> None:
        """Fail in the middle."""
        next(capture.packets(progress))
        raise self.error


@pytest.fixture
def fail_with(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Let the strategy raise."""
    settings.TRIMMING_STRATEGIES = {"legacy": f"{__name__}:Failing"}
    return lambda error: monkeypatch.setattr(Failing, "error", error)


def test_a_strategy_that_crashes_fails_the_job_by_kind_and_place_without_its_text(
    job: TrimJob, fail_with: Callable[[BaseException], None], capfd: pytest.CaptureFixture[str]
) -> None:
    fail_with(RuntimeError(SECRET.decode()))
    failed = run(job)
    assert (job.state, failed.outcome) == (JobState.FAILED, RunOutcome.FAILED)
    assert "RuntimeError at test_runner.py:" in job.reason
    said = capfd.readouterr()
    assert SECRET.decode() not in job.reason + failed.reason + said.out + said.err
    assert left_behind() == []


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate"),
        RuntimeError(worker_limits.NO_THREAD),
    ],
)
def test_want_of_memory_is_named_as_such_and_its_worker_replaced(
    job: TrimJob,
    fail_with: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    replaced: list[bool] = []
    monkeypatch.setattr(runner, "replace_worker", lambda: replaced.append(True))
    fail_with(error)
    failed = run(job)
    assert (job.state, failed.outcome) == (JobState.FAILED, RunOutcome.FAILED)
    assert job.reason == (
        "The job needs more memory than a worker may use (workers.memory_bytes: 4,000,000,000)."
    )
    assert replaced == [True]
    assert left_behind() == []


def test_a_job_out_of_cpu_time_fails_and_says_so(
    job: TrimJob, fail_with: Callable[[BaseException], None]
) -> None:
    fail_with(CpuTimeError())
    failed = run(job)
    assert (job.state, failed.outcome) == (JobState.FAILED, RunOutcome.FAILED)
    assert job.reason == (
        "The job needs more CPU time than it may take (workers.cpu_seconds: 21,600)."
    )
    assert left_behind() == []


def test_an_output_that_fails_its_verification_is_not_kept(
    job: TrimJob, fail_with: Callable[[BaseException], None]
) -> None:
    source = Path(settings.WORK_ROOT) / f"{job.pk}-1" / "input"
    fail_with(VerificationError(f"{source}: the output failed its verification"))
    failed = run(job)
    assert (job.state, failed.outcome) == (JobState.FAILED, RunOutcome.UNVERIFIED)
    assert job.reason == "edge.pcap: the output failed its verification"
    assert left_behind() == []


def test_a_disk_that_fails_is_named_as_such(job: TrimJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runner, "copy_out", fail)
    run(job)
    assert job.state == JobState.WAITING
    assert job.reason == "The storage or the disk failed: No space left on device."


def during(monkeypatch: pytest.MonkeyPatch, stage: JobStage, act: Callable[[], Any]) -> None:
    """Do something once, as soon as the attempt has reached a stage."""
    real = runner.Watch.look
    acted: list[bool] = []

    def look(self: Any, now_in: JobStage, done: int, total: int, *, now: bool = False) -> None:
        if now_in == stage and not acted:
            acted.append(True)
            act()
        real(self, now_in, done, total, now=True)

    monkeypatch.setattr(runner.Watch, "look", look)


@pytest.mark.parametrize("stage", JobStage)
def test_a_job_is_cancelled_in_whatever_stage_it_is(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch, stage: JobStage
) -> None:
    during(monkeypatch, stage, lambda: jobs.cancel(job.pk))
    cancelled = run(job)
    assert (job.state, cancelled.outcome) == (JobState.CANCELLED, RunOutcome.CANCELLED)
    assert left_behind() == []


@pytest.mark.parametrize("stage", JobStage)
def test_a_job_past_its_deadline_stops_in_whatever_stage_it_is(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch, stage: JobStage
) -> None:
    past = timezone.now() - timedelta(seconds=1)
    during(monkeypatch, stage, lambda: TrimJob.objects.update(deadline_at=past))
    late = run(job)
    assert (job.state, late.outcome) == (JobState.FAILED, RunOutcome.LATE)
    assert left_behind() == []


@pytest.mark.parametrize("stage", JobStage)
def test_an_attempt_whose_job_was_taken_over_publishes_nothing(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch, stage: JobStage
) -> None:
    def take_over() -> None:
        mine = TrimRun.objects.get(job=job)
        jobs.lose(mine, RunOutcome.LOST, "gone")
        assert jobs.claim(job.pk, "two/2") is not None

    during(monkeypatch, stage, take_over)
    runner.run_job(job.pk, "one/1")
    job.refresh_from_db()
    assert (job.state, job.lease_owner, job.published_run) == (JobState.RUNNING, "two/2", None)
    assert left_behind() == []


def test_a_job_that_was_taken_over_at_the_last_moment_is_not_published(
    job: TrimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = jobs.publish

    def late(run: TrimRun, **values: Any) -> bool:
        jobs.lose(run, RunOutcome.LOST, "gone")
        return real(run, **values)

    monkeypatch.setattr(jobs, "publish", late)
    run(job)
    assert (job.state, job.published_run) == (JobState.WAITING, None)
    assert left_behind() == []


def test_a_second_message_for_the_same_job_does_nothing(job: TrimJob) -> None:
    run(job)
    runner.run_job(job.pk, "two/2")
    assert TrimRun.objects.count() == 1
    assert len(left_behind()) == 1
