"""Outputs that nobody may take away, until they are released."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoCaptureOnCommitCallbacks

from config.models import AuditEvent
from config.roles import ADMINISTRATOR
from tests.factories import make_job, make_user
from tests.trimming.admin_pages import address, client_of, staff
from tests.trimming.results import finish
from trimming import quarantine
from trimming.models import Quarantine, TrimRun
from trimming.signals import capture_changed

pytestmark = pytest.mark.django_db
Commit = DjangoCaptureOnCommitCallbacks
REASON = "A body was found in a result of the same time."


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def run(owner: User) -> TrimRun:
    """A published run whose output is there."""
    return finish(make_job(owner))


@pytest.fixture
def told() -> Iterator[list[UUID]]:
    """The captures whose change was told to the apps above."""
    found: list[UUID] = []

    def listen(capture_id: UUID, **_: Any) -> None:
        found.append(capture_id)

    capture_changed.connect(listen)
    yield found
    capture_changed.disconnect(listen)


def may_download(run: TrimRun) -> bool:
    owner = run.job.capture.owner
    return TrimRun.objects.downloadable_by(owner).filter(pk=run.pk).exists()


def row(run: TrimRun) -> dict[str, Any]:
    return dict(Quarantine.objects.filter(run=run).values().get())


def test_an_output_in_quarantine_cannot_be_downloaded_and_a_released_one_can(run: TrimRun) -> None:
    assert may_download(run)
    assert quarantine.put([run.pk], REASON) == 1
    assert not may_download(run)
    assert TrimRun.objects.published_to(run.job.capture.owner).filter(pk=run.pk).exists()
    assert quarantine.release(run.pk, reason="legacy gives the same bytes")
    assert may_download(run)


def test_twice_is_once(run: TrimRun) -> None:
    quarantine.put([run.pk, run.pk], REASON)
    before = row(run)
    assert quarantine.put([run.pk], "another reason") == 0
    assert row(run) == before
    assert AuditEvent.objects.filter(action="quarantine").count() == 1


def test_releasing_twice_is_releasing_once(run: TrimRun) -> None:
    assert not quarantine.release(run.pk, reason="it is in none")
    quarantine.put([run.pk], REASON)
    assert quarantine.release(run.pk, reason="looked at")
    before = row(run)
    assert not quarantine.release(run.pk, reason="again")
    assert row(run) == before
    assert AuditEvent.objects.filter(action="quarantine_released").count() == 1


def test_a_released_output_goes_into_quarantine_again_for_a_new_reason(run: TrimRun) -> None:
    quarantine.put([run.pk], REASON)
    quarantine.release(run.pk, reason="looked at", actor=make_user(ADMINISTRATOR))
    assert quarantine.put([run.pk], "another leak") == 1
    found = Quarantine.objects.get(run=run)
    assert (found.reason, found.released_by, found.release_reason) == ("another leak", None, "")
    assert not may_download(run)


def test_runs_that_do_not_exist_are_left_out(run: TrimRun) -> None:
    assert quarantine.put([run.pk + 1], REASON) == 0
    assert quarantine.put([], REASON) == 0
    assert quarantine.put([run.pk, run.pk + 1], REASON) == 1
    assert [event.details["runs"] for event in AuditEvent.objects.all()] == [[run.pk]]


def test_beginning_and_end_are_audited_with_who_and_why(run: TrimRun) -> None:
    person = make_user(ADMINISTRATOR)
    quarantine.put([run.pk], REASON)
    request = RequestFactory().post("/")
    request.user = person
    quarantine.release(run.pk, reason="looked at", request=request)
    first, second = AuditEvent.objects.order_by("pk")
    assert (first.action, first.actor_name) == ("quarantine", "system")
    assert first.details == {"reason": REASON, "runs": [run.pk]}
    assert (second.action, second.actor) == ("quarantine_released", person)
    assert second.target_id == str(run.job.capture_id)
    assert second.details == {"run": run.pk, "reason": "looked at"}
    assert Quarantine.objects.get().released_by == person


def test_it_is_undone_with_the_transaction_around_it(
    run: TrimRun, told: list[UUID], django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        assert quarantine.put([run.pk], REASON) == 1
        transaction.set_rollback(True)
    assert not Quarantine.objects.exists()
    assert not AuditEvent.objects.exists()
    assert told == []


def test_pages_are_told_once_it_is_committed(
    run: TrimRun, told: list[UUID], django_capture_on_commit_callbacks: Commit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        quarantine.put([run.pk], REASON)
        assert told == []
    with django_capture_on_commit_callbacks(execute=True):
        quarantine.put([run.pk], REASON)
    with django_capture_on_commit_callbacks(execute=True):
        quarantine.release(run.pk, reason="looked at")
    assert told == [run.job.capture_id] * 2


def test_many_are_done_in_batches_and_only_so_many_pages_are_told(
    owner: User,
    told: list[UUID],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Commit,
) -> None:
    monkeypatch.setattr(quarantine, "BATCH", 2)
    monkeypatch.setattr(quarantine, "MOST_TOLD", 3)
    runs = [finish(make_job(owner)) for _ in range(5)]
    with django_capture_on_commit_callbacks(execute=True):
        assert quarantine.put((run.pk for run in reversed(runs)), REASON) == 5
    batches = [event.details["runs"] for event in AuditEvent.objects.order_by("pk")]
    ids = [run.pk for run in runs]
    assert batches == [ids[:2], ids[2:4], ids[4:]]
    assert set(told) == {run.job.capture_id for run in runs[2:]}


def test_the_number_of_queries_does_not_grow_with_the_runs(owner: User) -> None:
    counts = []
    for number in (1, 5):
        ids = [finish(make_job(owner)).pk for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            quarantine.put(ids, REASON)
        counts.append(len(queries))
    assert counts[0] == counts[1]


class TestAdmin:
    def test_quarantines_can_be_read_but_not_changed(self, run: TrimRun) -> None:
        quarantine.put([run.pk], REASON)
        found = Quarantine.objects.get()
        client = client_of(staff())
        listed = client.get(address("quarantine")).content.decode()
        assert REASON in listed
        assert "in quarantine" in listed
        change = address("quarantine", "change", found.pk)
        assert address("trimrun", "change", run.pk) in client.get(change).content.decode()
        assert client.post(change, {"reason": "x"}).status_code == 403
        assert client.get(address("quarantine", "add")).status_code == 403
        delete = address("quarantine", "delete", found.pk)
        assert client.post(delete, {"post": "yes"}).status_code == 403

    def test_a_released_one_tells_by_whom_and_why(self, run: TrimRun) -> None:
        person = make_user(ADMINISTRATOR)
        quarantine.put([run.pk], REASON)
        quarantine.release(run.pk, reason="the same bytes", actor=person)
        change = address("quarantine", "change", Quarantine.objects.get().pk)
        page = client_of(staff()).get(change).content.decode()
        for words in ("released", "the same bytes", person.username):
            assert words in page

    def test_the_list_takes_the_same_number_of_queries_for_any_number_of_rows(
        self, owner: User
    ) -> None:
        client = client_of(staff())
        counts = []
        for _ in range(2):
            quarantine.put([finish(make_job(owner)).pk], REASON)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address("quarantine")).status_code == 200
            counts.append(len(queries))
            quarantine.put([finish(make_job(owner)).pk for _ in range(4)], REASON)
        assert counts[0] == counts[1]
