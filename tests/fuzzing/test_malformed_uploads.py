"""Malformed uploads through the real form and the real job: a clear answer, and nothing is left."""

from __future__ import annotations

import gc
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest
from django.conf import settings as django_settings
from django.test import Client

from config.roles import ADMINISTRATOR
from tests.factories import make_user, standard
from tests.trimming.engine.rough_captures import rough_capture
from tests.trimming.engine.strategies.differential.raw_files import raw_file
from tests.upload_forms import CONTENT_TYPE, form_body
from trimming import jobs, runner
from trimming.choices import JobState, RunOutcome
from trimming.models import Capture, TrimJob, TrimRun
from trimming.profiles import latest
from trimming.retention import delete_capture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
SHORT_FILES, LONG_FILES = 100, 10_000
A_FORM = 20
STRATEGIES = ("legacy", "scanning")
PROFILES = ("standard", "share_safe")
# a strategy and its judge need not agree about rubbish: then nothing is offered
ENDS = (
    (JobState.DONE, RunOutcome.DONE),
    (JobState.REFUSED, RunOutcome.REFUSED),
    (JobState.FAILED, RunOutcome.UNVERIFIED),
    (JobState.WAITING, RunOutcome.UNVERIFIED),  # legacy serves it instead
)
# of the memory of the process behind the first tenth: caches that fill up, and fragments
MOST_GROWTH_BYTES = 100 << 20
# of 10,000 files each is rubbish in its own way; some must get through, and some must not
LEAST_SHARE = 0.1


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "incoming"
    settings.WORK_ROOT = tmp_path / "work"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    settings.WORK_ROOT.mkdir()
    monkeypatch.setattr(jobs, "send", lambda job_id: None)
    return tmp_path


def malformed(number: int) -> tuple[str, bytes]:
    """Return a file of the fuzzers under a name that may be rubbish as well."""
    dice = Random(f"malformed upload {number}")
    data = (raw_file if number % 2 else rough_capture)(number)
    names = ("a.pcap", "a.pcapng", "a.gz", "../../a", "a\x7f.pcap", "=1+1.pcap", "<b>.pcap", ".")
    return dice.choice(names), data


def upload(client: Client, numbers: range, strategy: str, profile: str) -> Any:
    chosen = latest(profile) or standard()
    body = form_body(map(malformed, numbers), {"profile": chosen.pk, "strategy": strategy})
    answer = client.post(
        "/captures/upload/", body, content_type=CONTENT_TYPE, headers={"Accept": "application/json"}
    )
    answer.close()
    assert answer.status_code < 500
    return answer.json()


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def judged(client: Client, count: int, folders: Path) -> Iterator[str]:
    """Upload and trim; yield how each file ended."""
    for form, first in enumerate(range(0, count, A_FORM)):
        strategy, profile = STRATEGIES[form % 2], PROFILES[form // 2 % 2]
        found = upload(client, range(first, first + A_FORM), strategy, profile)
        assert len(found["accepted"]) + len(found["refused"]) == A_FORM
        for refusal in found["refused"]:
            assert refusal["reason"]
            yield "refused at the form"
        yield from ("known" for each in found["accepted"] if each["duplicate"])
        while job := TrimJob.objects.filter(state=JobState.WAITING).first():
            runner.run_job(job.pk, "one/1")
            yield ended(job)
        assert not files_in(folders / "incoming")
        assert not list((folders / "work").iterdir())
        for capture in Capture.objects.filter(deleted_at=None):
            delete_capture(capture)
        assert not files_in(folders / "files")


def ended(job: TrimJob) -> str:
    """Return how the last attempt at a job ended."""
    job.refresh_from_db()
    run = TrimRun.objects.filter(job=job).latest("attempt")
    assert (job.state, run.outcome) in ENDS, (run.strategy, run.outcome, run.reason)
    if run.outcome == RunOutcome.UNVERIFIED:
        assert "the output failed its verification and was removed" in run.reason
        assert str(django_settings.WORK_ROOT) not in run.reason
        return "not verified, and removed"
    if job.state == JobState.REFUSED:
        assert job.reason.startswith("Byte ")
        assert str(django_settings.WORK_ROOT) not in job.reason
        return "refused by the job"
    assert run.report is not None
    assert run.report["verification"]["passed"] is True
    return "done"


def held() -> tuple[int, int]:
    """Return what a process that leaves things open would have more and more of."""
    gc.collect()
    return psutil.Process().num_fds(), threading.active_count()


def assert_clear_ends(client: Client, count: int, folders: Path) -> Counter[str]:
    client.force_login(make_user(ADMINISTRATOR))
    ends = Counter(judged(client, A_FORM * 2, folders))  # all is loaded and open
    before = held()
    ends += Counter(judged(client, count, folders))
    assert held() <= before
    assert min(ends["done"], ends["refused by the job"] + ends["refused at the form"]) >= (
        LEAST_SHARE * count
    )
    return ends


def test_malformed_uploads_are_refused_clearly_or_verified_and_leave_nothing(
    client: Client, folders: Path
) -> None:
    assert_clear_ends(client, SHORT_FILES, folders)


@pytest.mark.long
def test_ten_thousand_malformed_uploads_leave_nothing_and_take_no_memory(
    client: Client, folders: Path
) -> None:
    assert_clear_ends(client, LONG_FILES // 10, folders)
    rss = psutil.Process().memory_info().rss
    ends = assert_clear_ends(client, LONG_FILES, folders)
    grown = psutil.Process().memory_info().rss - rss
    print(f"{dict(ends)}, {grown >> 20} MiB more")  # noqa: T201 - a measurement
    assert grown < MOST_GROWTH_BYTES
