"""What treatment served before a rollback: listed, run again with one call, compared, released."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from config.models import AuditEvent
from config.roles import APPROVER, OPERATOR, VIEWER
from migration import suspects
from migration.choices import Move, PhaseName, SuspectState
from migration.models import Rollout, Suspect
from migration.suspects import (
    SuspectRefusedError,
    as_row,
    ask_again,
    begin_reruns,
    compare_reruns,
    difference,
    list_suspects,
    release,
    rerun,
    with_facts,
)
from tests.factories import make_user
from tests.migration.traffic import Service, in_phase, move
from trimming import quarantine
from trimming.choices import JobState, RunOutcome
from trimming.models import Capture, Download, Quarantine, TrimJob, TrimRun
from trimming.policy import emergency_rollback
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Arm, LeakState, ShadowOutcome, Why

pytestmark = pytest.mark.django_db

OUT = b"what scanning made of it"
Stand = tuple[Service, Rollout, list[TrimRun]]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


def with_files(run: TrimRun) -> TrimRun:
    """Store an original and an output for a run."""
    kept = default_storage.save(f"outputs/{run.job_id}/{run.attempt}", ContentFile(OUT))
    TrimRun.objects.filter(pk=run.pk).update(output=kept)
    original = default_storage.save(f"originals/{run.pk}", ContentFile(b"original"))
    Capture.objects.filter(pk=run.job.capture_id).update(original=original)
    return TrimRun.objects.get(pk=run.pk)


def rolled_back(rule: str = "errors", served: int = 2) -> Stand:
    """Return a rollout that went back after treatment had served so many captures."""
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(10)
    runs = [with_files(run) for run in service.serve_on(TREATMENT, served)]
    move(service, rollout, Move.ROLL_BACK, rule=rule)
    list_suspects()
    return service, rollout, runs


def listed() -> set[int]:
    return set(Suspect.objects.values_list("run", flat=True))


def kept_back() -> set[int]:
    return set(Quarantine.objects.in_force().values_list("run", flat=True))


# --- listing --------------------------------------------------------------------------------------


def test_what_was_served_since_the_evidence_was_clean_is_listed() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(10)
    service.serve_on(TREATMENT, 2)
    service.pass_time(10)
    service.look()
    service.pass_time(10)
    later = service.serve_on(TREATMENT, 2)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    assert rollout.attempt.cause == "failures_in_a_row"
    assert listed() == {run.pk for run in later}
    assert kept_back() == set()


def test_what_legacy_served_is_not_suspect() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(CONTROL, 2)
    [failed] = service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.fall_back(failed)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    assert list_suspects() == 0


def test_what_was_not_published_is_not_suspect() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 1, RunOutcome.DISCARDED)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    assert list_suspects() == 0


def test_what_a_person_sent_to_scanning_is_suspect_as_well() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    job = service.claim(routed_to=TREATMENT, arm=Arm.NONE, why=Why.OVERRIDE)
    run = service.end(job)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    list_suspects()
    assert listed() == {run.pk}


def test_after_a_leak_all_of_the_attempt_is_listed_and_kept_back() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    early = service.serve_on(TREATMENT, 2)
    service.look()
    service.pass_time(3600)
    late = service.serve_on(TREATMENT, 1)
    service.compare(1, outcome=ShadowOutcome.MISMATCHED, leak=LeakState.CONFIRMED)
    service.look()
    assert rollout.attempt.cause == "leak"
    found = set(TrimRun.objects.filter(strategy=TREATMENT).values_list("pk", flat=True))
    assert found >= {run.pk for run in (*early, *late)}
    assert listed() == kept_back() == found
    reason = Quarantine.objects.all()[0].reason
    assert "may hold what should be masked" in reason


def test_of_the_attempt_before_nothing_is_listed() -> None:
    service, rollout, runs = rolled_back()
    move(service, rollout, Move.RESTART)
    service.pass_time(1)
    [new] = service.serve_on(TREATMENT, 1)
    move(service, rollout, Move.ROLL_BACK, rule="leak")
    list_suspects()
    assert listed() == {new.pk, *(run.pk for run in runs)}
    assert kept_back() == {new.pk}


def test_an_emergency_rollback_has_suspects_as_well() -> None:
    service, _rollout = in_phase(PhaseName.GRADUAL)
    [run] = service.serve_on(TREATMENT, 1)
    emergency_rollback(reason="by hand")
    service.look()
    assert listed() == {run.pk}


def test_listing_again_lists_nothing_twice() -> None:
    _service, rollout, _runs = rolled_back()
    assert list_suspects() == 0
    rollout.attempts.update(are_suspects_listed=False)
    assert list_suspects() == 0
    assert Suspect.objects.count() == 2


def test_more_than_a_batch_is_listed_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suspects, "BATCH", 2)
    _service, _rollout, runs = rolled_back("leak", served=5)
    assert listed() == kept_back() == {run.pk for run in runs}


# --- again on legacy ------------------------------------------------------------------------------


def run_again(service: Service, made: bytes | None = OUT, state: JobState = JobState.DONE) -> None:
    """Run all that is listed again on legacy, let it end, and compare."""
    rerun(Suspect.objects.all(), None)
    for suspect in Suspect.objects.exclude(rerun=None):
        job = suspect.rerun
        assert job is not None
        if state != JobState.DONE:
            TrimJob.objects.filter(pk=job.pk).update(state=state)
            continue
        job.routed_to = CONTROL
        run = service.end(job)
        if made is not None:
            kept = default_storage.save(f"outputs/{job.pk}/1", ContentFile(made))
            TrimRun.objects.filter(pk=run.pk).update(output=kept)
    compare_reruns()


def test_one_call_runs_all_of_them_again_on_legacy() -> None:
    _service, _rollout, runs = rolled_back()
    person = make_user(OPERATOR)
    assert rerun(Suspect.objects.all(), person) == 2
    jobs = TrimJob.objects.filter(strategy_override=CONTROL)
    assert {job.capture_id for job in jobs} == {run.job.capture_id for run in runs}
    assert {job.requested_by for job in jobs} == {person}
    assert set(Suspect.objects.values_list("state", flat=True)) == {SuspectState.RERUNNING}
    assert AuditEvent.objects.filter(action="suspect_rerun", actor=person).count() == 2


def test_the_second_result_is_the_one_that_is_shown_from_then_on() -> None:
    _service, _rollout, runs = rolled_back(served=1)
    rerun(Suspect.objects.all(), None)
    capture = Capture.objects.get(pk=runs[0].job.capture_id)
    assert capture.current_job == Suspect.objects.get().rerun


def test_what_runs_again_is_not_run_again_again() -> None:
    _service, _rollout, _runs = rolled_back()
    assert rerun(Suspect.objects.all(), None) == 2
    assert rerun(Suspect.objects.all(), None) == 0
    assert TrimJob.objects.filter(strategy_override=CONTROL).count() == 2


def test_second_runs_that_are_asked_for_are_begun_in_the_background() -> None:
    rolled_back()
    person = make_user(OPERATOR)
    assert ask_again(Suspect.objects.all(), person) == 2
    assert not TrimJob.objects.filter(strategy_override=CONTROL).exists()
    assert begin_reruns() == 2
    assert begin_reruns() == 0
    jobs = TrimJob.objects.filter(strategy_override=CONTROL)
    assert {job.requested_by for job in jobs} == {person}


@pytest.mark.parametrize("role", [VIEWER, APPROVER])
def test_without_the_permission_nobody_runs_them_again(role: str) -> None:
    rolled_back()
    before = list(Suspect.objects.values())
    for ask in (ask_again, rerun):
        with pytest.raises(SuspectRefusedError, match="operate_rollout"):
            ask(Suspect.objects.all(), make_user(role))
    assert list(Suspect.objects.values()) == before


def test_who_is_killed_before_the_job_is_made_does_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rolled_back()

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(suspects, "create_job", die)
        kill(lambda: rerun(Suspect.objects.all(), None))
    assert begin_reruns() == 2
    assert TrimJob.objects.filter(strategy_override=CONTROL).count() == 2


def test_what_still_runs_is_not_compared_yet() -> None:
    rolled_back()
    rerun(Suspect.objects.all(), None)
    assert compare_reruns() == 0


def test_the_same_bytes_release_it() -> None:
    service, _rollout, _runs = rolled_back("leak")
    assert len(kept_back()) == 2
    run_again(service)
    assert kept_back() == set()
    assert set(Suspect.objects.values_list("state", "differing_bytes")) == {(SuspectState.SAME, 0)}


def test_other_bytes_keep_it_back_with_how_many_and_where() -> None:
    service, _rollout, runs = rolled_back("leak", served=1)
    made = bytearray(OUT)
    made[5] ^= 1
    made[9] ^= 1
    run_again(service, bytes(made))
    assert kept_back() == {runs[0].pk}
    suspect = Suspect.objects.get()
    assert suspect.state == SuspectState.DIFFERENT
    assert (suspect.differing_bytes, suspect.first_difference) == (2, 5)
    assert suspect.looked_at is not None


def test_where_the_original_is_gone_the_list_says_so() -> None:
    _service, _rollout, runs = rolled_back("leak", served=1)
    Capture.objects.filter(pk=runs[0].job.capture_id).update(original="")
    assert rerun(Suspect.objects.all(), None) == 0
    assert Suspect.objects.get().state == SuspectState.NO_ORIGINAL
    assert kept_back() == {runs[0].pk}


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.REFUSED, JobState.CANCELLED])
def test_where_legacy_made_nothing_it_stays_and_the_list_says_so(state: JobState) -> None:
    service, _rollout, runs = rolled_back("leak", served=1)
    run_again(service, state=state)
    assert Suspect.objects.get().state == SuspectState.NOT_RERUN
    assert kept_back() == {runs[0].pk}


def test_outputs_in_a_bucket_are_compared_as_they_come(in_a_bucket: Any) -> None:
    service, _rollout, runs = rolled_back("leak", served=1)
    run_again(service, OUT[:5] + b"!" + OUT[6:] + b"more")
    suspect = Suspect.objects.get()
    assert (suspect.differing_bytes, suspect.first_difference) == (5, 5)
    assert in_a_bucket.exists(str(runs[0].output.name))


def test_what_legacy_made_nothing_of_can_be_run_again() -> None:
    service, _rollout, _runs = rolled_back("leak", served=1)
    run_again(service, state=JobState.FAILED)
    first = Suspect.objects.get().rerun
    run_again(service)
    suspect = Suspect.objects.get()
    assert suspect.state == SuspectState.SAME
    assert suspect.rerun != first
    assert kept_back() == set()


def test_what_is_settled_is_not_run_again() -> None:
    service, _rollout, _runs = rolled_back("leak")
    run_again(service)
    assert rerun(Suspect.objects.all(), None) == 0


def test_where_the_second_output_is_gone_it_stays() -> None:
    service, _rollout, runs = rolled_back("leak", served=1)
    run_again(service, made=None)
    assert Suspect.objects.get().state == SuspectState.NO_ORIGINAL
    assert kept_back() == {runs[0].pk}


def test_one_whose_file_cannot_be_read_does_not_keep_others_from_being_compared() -> None:
    service, _rollout, runs = rolled_back("leak")
    default_storage.delete(str(runs[0].output))
    with capture_logs() as logs:
        run_again(service)
    states = dict(Suspect.objects.values_list("run", "state"))
    assert states[runs[1].pk] == SuspectState.SAME
    assert states[runs[0].pk] != SuspectState.SAME
    assert runs[0].pk in kept_back()
    assert "suspect_not_compared" in [each["event"] for each in logs]


def test_comparing_again_changes_nothing() -> None:
    service, _rollout, _runs = rolled_back("leak")
    run_again(service, OUT[:-1])
    before = list(Suspect.objects.values())
    assert compare_reruns() == 0
    assert list(Suspect.objects.values()) == before


# --- the difference -------------------------------------------------------------------------------


def flipped(data: bytes, *offsets: int) -> bytes:
    found = bytearray(data)
    for each in offsets:
        found[each] ^= 0xFF
    return bytes(found)


LONG = random.Random(7).randbytes(10)


@pytest.mark.parametrize(
    ("left", "right", "differing", "first"),
    [
        (b"", b"", 0, None),
        (LONG, LONG, 0, None),
        (LONG, flipped(LONG, 0), 1, 0),
        (LONG, flipped(LONG, 3, 4, 9), 3, 3),
        (LONG, LONG[:7], 3, 7),
        (LONG[:7], LONG, 3, 7),
        (LONG, flipped(LONG, 5)[:7], 4, 5),
        (LONG, b"", 10, 0),
    ],
)
@pytest.mark.parametrize("chunk", [1, 4, 1 << 20])
def test_bytes_that_differ_are_counted_and_the_first_one_is_told(
    left: bytes,
    right: bytes,
    differing: int,
    first: int | None,
    chunk: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suspects, "CHUNK_BYTES", chunk)
    assert difference(io.BytesIO(left), io.BytesIO(right)) == (differing, first)


# --- releasing ------------------------------------------------------------------------------------


def test_an_approver_releases_an_output_with_a_reason() -> None:
    _service, _rollout, _runs = rolled_back("leak", served=1)
    person = make_user(APPROVER)
    release(Suspect.objects.get(), person, "looked at it")
    assert kept_back() == set()
    row = Quarantine.objects.get()
    assert (row.released_by, row.release_reason) == (person, "looked at it")


@pytest.mark.parametrize(
    ("role", "why", "said"),
    [(OPERATOR, "looked at it", "release_suspect"), (APPROVER, " ", "needs a reason")],
)
def test_nobody_else_does_and_nobody_without_a_reason(role: str, why: str, said: str) -> None:
    _service, _rollout, runs = rolled_back("leak", served=1)
    with pytest.raises(SuspectRefusedError, match=said):
        release(Suspect.objects.get(), make_user(role), why)
    assert kept_back() == {runs[0].pk}


def test_what_is_in_no_quarantine_is_not_released() -> None:
    _service, _rollout, _runs = rolled_back(served=1)
    with pytest.raises(SuspectRefusedError, match="not in quarantine"):
        release(Suspect.objects.get(), make_user(APPROVER), "looked at it")


# --- what is shown --------------------------------------------------------------------------------


def test_who_has_downloaded_it_is_listed_with_the_time() -> None:
    service, _rollout, runs = rolled_back("leak", served=1)
    person = make_user()
    Download.objects.create(run=runs[0], user=person, at=service.now)
    row = as_row(with_facts(Suspect.objects.all()).get())
    assert row["downloaded"] == [f"{person.username} {service.now:%Y-%m-%d %H:%M:%S}"]
    assert (row["state"], row["in_quarantine"]) == ("listed", True)
    assert row["capture"] == str(runs[0].job.capture_id)


def test_what_nobody_took_is_said_to_be_that() -> None:
    rolled_back(served=1)
    assert as_row(with_facts(Suspect.objects.all()).get())["downloaded"] == []


def test_a_released_one_is_shown_as_released() -> None:
    _service, _rollout, runs = rolled_back("leak", served=1)
    quarantine.release(runs[0].pk, reason="a test")
    assert as_row(with_facts(Suspect.objects.all()).get())["in_quarantine"] is False


def test_all_of_them_are_read_with_as_many_queries_as_one() -> None:
    service, _rollout, runs = rolled_back("leak", served=5)
    for run in runs:
        Download.objects.create(run=run, user=make_user(), at=service.now)
    with CaptureQueriesContext(connection) as queries:
        assert len([as_row(each) for each in with_facts(Suspect.objects.all())]) == 5
    assert len(queries) == 2


# --- killed in the middle -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["put", "bulk_create"])
def test_who_is_killed_while_listing_is_done_again(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    runs = service.serve_on(TREATMENT, 2)
    move(service, rollout, Move.ROLL_BACK, rule="leak")

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        target: Any = quarantine if name == "put" else Suspect.objects
        patch.setattr(target, name, die)
        kill(list_suspects)
    list_suspects()
    assert listed() == kept_back() == {run.pk for run in runs}


def kill(call: Callable[[], object]) -> None:
    with pytest.raises(SystemExit):
        call()
