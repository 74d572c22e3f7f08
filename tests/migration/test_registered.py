"""What rollouts add to the apps below: steps of the monitor, marks, held originals, a baseline."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from config.current import forget
from config.roles import VIEWER
from migration import operations, registered
from migration.choices import Move, PhaseName, SuspectState
from migration.models import Suspect
from migration.suspects import list_suspects
from monitoring.health.baseline import baselines
from monitoring.loop import strands
from monitoring.marks import Mark, marks
from tests.factories import make_user
from tests.migration.traffic import NOW, QUICK, Service, in_phase, move
from trimming.models import Capture, TrimRun
from trimming.retention import delete_expired_originals
from trimming.routing import CONTROL, TREATMENT

pytestmark = pytest.mark.django_db


# --- the monitor ----------------------------------------------------------------------------------


def test_the_monitor_has_a_thread_for_rollouts() -> None:
    names = [step.name for step in strands.made()["rollout"]]
    assert names == ["evaluate", "drill"]


def test_what_may_take_long_has_another_thread() -> None:
    names = [step.name for step in strands.made()["rollout_work"]]
    assert names == ["suspects", "back_tests", "reports"]


def test_what_ended_is_looked_at_within_a_quarter_of_a_second() -> None:
    [evaluate, *_others] = registered.steps()
    assert evaluate.wait_seconds() <= 0.25


def test_each_step_does_nothing_where_there_is_no_rollout() -> None:
    for step in (*registered.steps(), *registered.work()):
        step.run()
    assert not TrimRun.objects.exists()


# --- marks ----------------------------------------------------------------------------------------


def marked() -> list[Mark]:
    return sorted(
        registered.decisions(NOW - timedelta(seconds=1), NOW + timedelta(days=1)),
        key=lambda mark: (mark.at, mark.label),
    )


def test_moves_are_marks_with_who_and_why() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.pass_time(10)
    person = make_user()
    operations.pause(rollout, person, "lunch", service.now)
    last = marked()[-1]
    assert (last.at, last.label) == (service.now, "paused")
    assert last.title == "a rollout paused (Small A/B test)"
    assert last.detail == f"{person.username}: lunch"


def test_a_raised_share_has_the_mark_of_its_policy_only() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    before = len(marked())
    move(service, rollout, Move.STEP, Move.REQUEST, Move.WITHDRAW)
    assert len(marked()) == before


@pytest.mark.parametrize(
    ("each", "look"),
    [
        (Move.ROLL_BACK, ("fail", "back")),
        (Move.FAIL, ("fail", "fail")),
        (Move.ABORT, ("fail", "stop")),
    ],
)
def test_what_went_wrong_stands_out(each: Move, look: tuple[str, str]) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    service.pass_time(10)
    move(service, rollout, each)
    assert (marked()[-1].tone, marked()[-1].shape) == look


def test_who_may_not_see_rollouts_sees_no_mark_of_one() -> None:
    in_phase(PhaseName.AB_TEST)
    span = (NOW - timedelta(seconds=1), NOW + timedelta(seconds=1))
    stranger, viewer = make_user(), make_user(VIEWER)
    stranger.groups.clear()
    stranger = type(stranger).objects.get(pk=stranger.pk)
    labels = {mark.label for mark in marks.between(*span, viewer)}
    assert "promoted" in labels
    assert "promoted" not in {mark.label for mark in marks.between(*span, stranger)}


# --- originals ------------------------------------------------------------------------------------


@pytest.fixture
def expired(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let originals expire after a day; all of these tests are older."""
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setenv("PKTMASK_TRIMMING__KEEP_ORIGINALS_DAYS", "1")
    forget()


def with_original(run: TrimRun) -> TrimRun:
    kept = default_storage.save(f"originals/{run.pk}", ContentFile(b"original"))
    old = timezone.now() - timedelta(days=3)
    Capture.objects.filter(pk=run.job.capture_id).update(original=kept, uploaded_at=old)
    return run


def has_original(run: TrimRun) -> bool:
    return Capture.objects.get(pk=run.job.capture_id).has_original


@pytest.mark.usefixtures("expired")
def test_originals_of_what_an_active_rollout_gave_to_scanning_stay() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    [mine] = map(with_original, service.serve_on(TREATMENT, 1))
    [other] = map(with_original, service.serve_on(CONTROL, 1))
    service.look()
    assert delete_expired_originals() == 1
    assert (has_original(mine), has_original(other)) == (True, False)
    move(service, rollout, Move.ABORT)
    assert delete_expired_originals() == 1


@pytest.mark.usefixtures("expired")
def test_originals_of_suspects_stay_until_they_are_settled() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    [run] = map(with_original, service.serve_on(TREATMENT, 1))
    move(service, rollout, Move.ROLL_BACK, rule="leak")
    list_suspects()
    for state in (
        SuspectState.LISTED,
        SuspectState.RERUNNING,
        SuspectState.DIFFERENT,
        SuspectState.NOT_RERUN,
    ):
        Suspect.objects.update(state=state)
        assert delete_expired_originals() == 0
    Suspect.objects.update(state=SuspectState.SAME)
    assert delete_expired_originals() == 1
    assert not has_original(run)


# --- the baseline ---------------------------------------------------------------------------------


def test_the_frozen_throughput_is_what_health_goes_by() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    assert baselines.bytes_per_second() == pytest.approx(40_000 / 0.010)
    move(service, rollout, Move.ABORT)
    assert registered.throughput() is None


def test_before_it_is_frozen_there_is_no_throughput() -> None:
    service = Service()
    rollout = operations.create("a rollout", QUICK, None, service.now)
    assert registered.throughput() is None
    operations.start(rollout, None, "a test", service.now)
    assert registered.throughput() is None
