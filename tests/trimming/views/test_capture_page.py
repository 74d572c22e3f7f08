"""The page of one capture, in each state of its job."""

from __future__ import annotations

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from config.roles import ADMINISTRATOR, VIEWER
from tests.factories import make_capture, make_job, make_user, standard
from tests.trimming.reports import stored_report
from tests.trimming.results import finish, reread
from trimming import jobs, quarantine
from trimming.choices import JobStage, RunOutcome
from trimming.models import Capture, Download, Profile, TrimJob, TrimRun
from trimming.moves import Move
from trimming.profiles import mirror_built_in_profiles
from trimming.views.capture_page import clock, elapsed_seconds, heading

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


class Words(HTMLParser):
    """Collects what a person reads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        self.words += data.split()


def open_page(user: User, capture: Capture) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(capture.get_absolute_url())


def page(user: User, capture: Capture) -> str:
    response = open_page(user, capture)
    assert response.status_code == 200
    return str(response.content.decode())


def text(user: User, capture: Capture) -> str:
    return " ".join(Words(page(user, capture)).words)


def done(user: User, name: str = "edge.pcap", report: Any = ...) -> TrimRun:
    return finish(make_job(user, name=name), report)


def give_up(job: TrimJob, move: Move, outcome: RunOutcome, reason: str) -> None:
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    assert jobs.give_up(run, move, outcome, reason)


def test_captures_of_others_do_not_exist() -> None:
    run = done(make_user())
    assert open_page(make_user(), run.job.capture).status_code == 404
    assert open_page(make_user(ADMINISTRATOR), run.job.capture).status_code == 200
    missing = Capture(pk=uuid4())
    assert open_page(make_user(), missing).status_code == 404


def test_only_get_is_answered() -> None:
    user = make_user()
    client = Client()
    client.force_login(user)
    assert client.post(make_capture(user).get_absolute_url()).status_code == 405


def test_a_result_is_shown_with_the_numbers_of_its_report() -> None:
    user = make_user()
    shown = text(user, done(user).job.capture)
    for words in (
        "Done, verified",
        "5.0 kB, 50.0 %",
        "5,000 bytes in a capture of 1,234 packets",
        "5 requests, 1 response",
        "BODY Zeroed 5,000 50.0 %",
        "Packet and file headers Kept 3,980 39.8 %",
        "Every payload byte was understood or masked.",
        "10,000 bytes in, 10,000 bytes out, 1,234 packets",
        "All 7 hold",
        "1,234 of 1,234",
        "Download, 10.0 kB",
    ):
        assert words in shown


def test_the_bar_fills_its_width() -> None:
    user = make_user()
    bar = re.search(r'<svg class="bytes".*?</svg>', page(user, done(user).job.capture), re.S)
    assert bar is not None
    widths = re.findall(r'<rect class="b-\w+" x="[\d.]+%" width="(\d+)\.(\d\d)%"', bar[0])
    assert len(widths) == 4
    assert sum(100 * int(whole) + int(part) for whole, part in widths) == 10_000


@pytest.mark.parametrize(
    ("report", "chip"),
    [
        (None, "No report"),
        ({"packets": 3}, "No report"),
        (stored_report(verification=None), "Not verified"),
        (stored_report(verified={"passed": False}), "Verification failed"),
    ],
)
def test_a_result_that_is_not_known_to_be_verified_never_looks_healthy(
    report: Any, chip: str
) -> None:
    user = make_user()
    capture = done(user, report=report).job.capture
    shown = text(user, capture)
    assert chip in shown
    assert "Done, verified" not in shown
    assert "hold" not in shown


@pytest.mark.parametrize(
    "name", ['<img src=x onerror="alert(1)">.pcap', "a'b\"c&d</title>.pcap", "{{ x }}{% y %}"]
)
def test_hostile_names_and_reasons_are_only_text(name: str) -> None:
    user = make_user()
    job = make_job(user, name=name)
    warnings = [{"reason": name, "packet": 1, "offset": 2}]
    finish(job, stored_report(warnings=warnings, limits_met={name: 1}))
    again = jobs.create_job(job.capture, standard(), user)
    give_up(again, Move.FAIL, RunOutcome.FAILED, name)
    shown = page(user, job.capture)
    assert "<img" not in shown
    assert 'onerror="' not in shown
    assert shown.count("</title>") == 1
    assert name in " ".join(Words(shown).words)


def test_what_to_know_is_listed() -> None:
    user = make_user()
    report = stored_report(
        warnings=[{"reason": "odd segment", "packet": 7, "offset": 54}],
        warnings_left_out=3,
        limits_met={"reorder_bytes": 2},
        unknown_link_types={"147": 5},
        dropped_metadata={"comments": 4},
        left_out_bytes=11,
    )
    shown = text(user, done(user, report=report).job.capture)
    for words in (
        "4 warnings",
        "odd segment 7 54",
        "3 more warnings are not listed",
        "Limit met: reorder_bytes 2",
        "Link type 147 is not understood 5",
        "Metadata dropped: comments 4",
        "Cut end left out 11",
    ):
        assert words in shown


def test_a_waiting_job_tells_its_place() -> None:
    user = make_user()
    first, second = make_job(make_user()), make_job(user)
    assert "1 job waits before this one." in text(user, second.capture)
    jobs.cancel(first.pk)
    shown = text(user, second.capture)
    assert "It is the next one." in shown
    assert "Cancel the job" in shown
    assert "Delete…" not in shown


def test_a_running_job_tells_stage_percent_and_time() -> None:
    user = make_user()
    job = make_job(user)
    run = jobs.claim(job.pk, "one/1")
    assert run is not None
    assert jobs.renew(run, JobStage.READ, 50, 100)
    shown = page(user, job.capture)
    assert '<progress max="100" value="29"' in shown
    assert "reading" in shown
    assert 'data-state="running"' in shown
    jobs.cancel(job.pk)
    assert "The worker stops at its next look" in text(user, job.capture)


@pytest.mark.parametrize(
    ("move", "outcome", "title", "advice"),
    [
        (Move.FAIL, RunOutcome.FAILED, "The run failed", "Retry, or run it with another profile."),
        (
            Move.REFUSE,
            RunOutcome.REFUSED,
            "The capture cannot be used",
            "Save the capture anew with the program that made it",
        ),
        (Move.STOP, RunOutcome.CANCELLED, "Cancelled", "Retry when it is wanted after all"),
    ],
)
def test_a_job_without_a_result_says_why_what_was_kept_and_what_to_do(
    move: Move, outcome: RunOutcome, title: str, advice: str
) -> None:
    user = make_user()
    job = make_job(user)
    give_up(job, move, outcome, "Byte 40: odd.")
    shown = text(user, job.capture)
    for words in (title, "Byte 40: odd.", "The upload is kept.", advice, "Retry", "Run again…"):
        assert words in shown
    assert "Download," not in shown


def test_the_result_of_an_earlier_job_stays_while_the_newest_has_none() -> None:
    user = make_user()
    run = done(user)
    jobs.create_job(run.job.capture, standard(), user)
    shown = text(user, run.job.capture)
    assert "Below is the result of an earlier job" in shown
    assert "Download, 10.0 kB" in shown
    assert "Done, verified" not in shown


def test_a_result_that_was_removed_is_told() -> None:
    user = make_user()
    run = done(user)
    TrimRun.objects.filter(pk=run.pk).update(output="")
    assert "The result is not kept any more" in text(user, run.job.capture)
    Capture.objects.update(original="")
    assert "Upload the capture again." in text(user, run.job.capture)


def test_a_result_in_quarantine_is_told_and_not_offered() -> None:
    user = make_user()
    run = done(user)
    quarantine.put([run.pk], 'A body was <b>found</b> at "offset" 40.')
    shown = text(user, run.job.capture)
    for words in (
        "In quarantine",
        "The result is in quarantine",
        'A body was <b>found</b> at "offset" 40.',
        "Nobody can download it. Run the capture again to get another result, or ask an approver",
    ):
        assert words in shown
    assert "Done, verified" not in shown
    assert "Download, " not in shown
    Capture.objects.update(original="")
    assert "Upload the capture again to get another result" in text(user, run.job.capture)
    quarantine.release(run.pk, reason="looked at")
    shown = text(user, run.job.capture)
    assert "Done, verified" in shown
    assert "quarantine" not in shown
    assert "Download, 10.0 kB" in shown


def test_a_damaged_profile_claims_nothing() -> None:
    user = make_user()
    run = done(user)
    Profile.objects.filter(pk=run.job.profile_id).update(options={"slice": 3})
    assert "BODY Not known 5,000" in text(user, run.job.capture)


def test_a_viewer_sees_and_changes_nothing() -> None:
    viewer = make_user(VIEWER)
    shown = text(viewer, done(viewer).job.capture)
    assert "Done, verified" in shown
    for words in ("Download,", "Run again", "Delete", "Retry", "Cancel"):
        assert words not in shown


def test_strategies_are_offered_only_with_the_permission() -> None:
    user, admin = make_user(), make_user(ADMINISTRATOR)
    capture = done(user).job.capture
    assert 'name="strategy"' not in page(user, capture)
    assert 'name="strategy"' in page(admin, capture)


def test_downloads_tell_who_and_how() -> None:
    user = make_user()
    run = done(user)
    for in_archive in (True, False):
        Download.objects.create(run=run, user=user, at=timezone.now(), in_archive=in_archive)
    shown = text(user, run.job.capture)
    assert f"{user.username} " in shown
    assert "in an archive" in shown
    assert "as a file" in shown


def test_nothing_is_inline() -> None:
    user = make_user()
    run = done(user)
    shown = page(user, run.job.capture)
    assert not re.search(r"<[^>]+\son\w+=", shown)
    assert " style=" not in shown
    assert not re.search(r"<script(?![^>]*\ssrc=)", shown)


def test_the_number_of_queries_does_not_grow_with_history() -> None:
    user = make_user()
    capture = done(user).job.capture
    client = Client()
    client.force_login(user)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get(capture.get_absolute_url())
        counts.append(len(queries))
        for _ in range(5):
            run = finish(jobs.create_job(capture, standard(), user))
            Download.objects.create(run=run, user=user, at=timezone.now())
    assert counts[0] == counts[1]
    assert counts[0] == 19


def test_a_capture_without_a_job_is_told() -> None:
    user = make_user()
    assert "No job" in text(user, make_capture(user))
    assert heading(None, None).tone == "unknown"


def test_elapsed_time_is_counted_from_the_claim() -> None:
    now = timezone.now()
    job = TrimJob(claimed_at=now - timedelta(seconds=3_725), finished_at=now)
    assert elapsed_seconds(job) == 3_725
    assert elapsed_seconds(None) == 0
    assert (clock(3_725), clock(72), clock(5)) == ("1:02:05", "1:12", "0:05")
    assert reread(make_capture(make_user())).current_job is None
