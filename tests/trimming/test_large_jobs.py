"""Jobs that take long: how often they are heard of, that they keep their lease, how soon they stop.

Small captures run every time, and show that no step is large; the long test has the real size.
"""

from __future__ import annotations

import filecmp
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from benchmarks.datasets import write_web
from tests.factories import make_job, make_user
from trimming import jobs, runner
from trimming.choices import JobStage, JobState
from trimming.conf import TrimmingSettings
from trimming.engine.formats.batches import WINDOW_BYTES
from trimming.models import Capture, TrimJob, TrimRun

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# a job never does more than so much without being heard of
# what is told is what was read: up to three windows, since one is read ahead
STEP_BYTES = 3 * WINDOW_BYTES
# what is promised on a machine with nothing else to do; tests allow for a busy one
HEARD_OF_SECONDS = 1.0
STOPPED_SECONDS = 1.0
BUSY_MACHINE = 2.0


@dataclass(frozen=True)
class Look:
    """One time that a job was heard of."""

    stage: JobStage
    done_bytes: int
    at: float


@dataclass
class Large:
    """A waiting job for a large capture; ``is_real`` when its size is one to measure at."""

    job: TrimJob
    expected: Path
    is_real: bool


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """Give a function that returns a folder with a capture of a size, and its masked form."""
    folders: dict[int, Path] = {}

    def made(size_bytes: int) -> Path:
        if size_bytes not in folders:
            folder = folders[size_bytes] = tmp_path_factory.mktemp("web")
            write_web(folder / "capture.pcap", folder / "expected.pcap", size_bytes, seed=8)
        return folders[size_bytes]

    return made


@pytest.fixture(
    params=[
        pytest.param(("legacy", 2_500_000, False), id="legacy"),
        pytest.param(("scanning", 12_000_000, False), id="scanning"),
        pytest.param(("scanning", 1_000_000_000, True), id="1 GB", marks=pytest.mark.long),
    ]
)
def large(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: Any,
    web: Callable[[int], Path],
) -> Large:
    strategy, size_bytes, is_real = request.param
    settings.WORK_ROOT = tmp_path / "work"
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.WORK_ROOT.mkdir()
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    job = make_job(make_user(), name="large.pcap")
    original = Path(job.capture.original.path)
    original.unlink()
    original.hardlink_to(web(size_bytes) / "capture.pcap")
    Capture.objects.update(size_bytes=original.stat().st_size)
    TrimJob.objects.update(strategy_override=strategy)
    if not is_real:
        often = TrimmingSettings().model_copy(update={"beat_seconds": 0.0})
        monkeypatch.setattr(runner, "trimming_settings", lambda: often)
    return Large(job, web(size_bytes) / "expected.pcap", is_real)


def watched(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[Look, int], None] = lambda look, total: None
) -> list[Look]:
    """Return a list that gets every look of the job that runs next; ``act`` comes before each."""
    looks: list[Look] = []
    real = runner.Watch.look

    def look(self: Any, stage: JobStage, done: int, total: int, *, now: bool = False) -> None:
        looks.append(Look(stage, done, time.monotonic()))
        act(looks[-1], total)
        real(self, stage, done, total, now=now)

    monkeypatch.setattr(runner.Watch, "look", look)
    return looks


def test_a_large_job_is_heard_of_step_by_step_and_its_result_is_right(
    large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = watched(monkeypatch)
    runner.run_job(large.job.pk, "one/1")
    large.job.refresh_from_db()
    assert large.job.state == JobState.DONE, large.job.reason
    assert list(dict.fromkeys(look.stage for look in looks)) == list(JobStage)
    for before, after in pairwise(looks):
        if before.stage == after.stage:
            assert 0 <= after.done_bytes - before.done_bytes <= STEP_BYTES
    if large.is_real:
        longest = max(pairwise(looks), key=lambda pair: pair[1].at - pair[0].at)
        assert longest[1].at - longest[0].at <= HEARD_OF_SECONDS * BUSY_MACHINE, longest
    assert filecmp.cmp(TrimRun.objects.get().output.path, large.expected, shallow=False)


def test_a_large_job_keeps_its_lease_in_every_stage(
    large: Large, monkeypatch: pytest.MonkeyPatch
) -> None:
    leases: dict[JobStage, list[Any]] = {stage: [] for stage in JobStage}
    ends: list[bool] = []

    def note(look: Look, total: int) -> None:
        lease = TrimJob.objects.values_list("lease_until", flat=True).get()
        assert lease is not None
        ends.append(lease > timezone.now())
        leases[look.stage].append(lease)

    watched(monkeypatch, note)
    runner.run_job(large.job.pk, "one/1")
    assert all(ends)
    for before, after in pairwise(leases.values()):
        assert max(before) < max(after)


@pytest.mark.parametrize("stage", JobStage)
def test_a_large_job_that_is_cancelled_stops_before_its_next_step(
    large: Large, monkeypatch: pytest.MonkeyPatch, stage: JobStage
) -> None:
    cancelled: list[float] = []

    def cancel(look: Look, total: int) -> None:
        if look.stage == stage and 2 * look.done_bytes >= total and not cancelled:
            jobs.cancel(large.job.pk)
            cancelled.append(time.monotonic())

    looks = watched(monkeypatch, cancel)
    runner.run_job(large.job.pk, "one/1")
    ended = time.monotonic()
    large.job.refresh_from_db()
    assert large.job.state == JobState.CANCELLED
    assert list(Path(settings.WORK_ROOT).iterdir()) == []
    (at,) = cancelled
    if large.is_real:
        assert ended - at <= STOPPED_SECONDS * BUSY_MACHINE
    else:
        assert len([look for look in looks if look.at > at]) <= 1
