"""A rollback that is rehearsed: all of it happens, and the rollout goes on as if it had not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from config.models import AuditEvent
from config.roles import OPERATOR, VIEWER
from migration import drills
from migration.choices import Move, PhaseName, RolloutState
from migration.drills import DrillRefusedError, drill_if_due, hold_drill
from migration.gates.tally import ArmCount
from migration.models import RollbackDrill, Rollout, StepPolicy
from migration.situation import load
from tests.factories import make_user
from tests.migration.traffic import Service, all_rows, counted, in_phase, move
from trimming.jobs import publish as publish_result
from trimming.models import RoutingPolicy, TrimJob, TrimRun
from trimming.policy import Wish, emergency_rollback, newest_policy, publish
from trimming.routing import CONTROL, TREATMENT
from trimming.routing_choices import Mode, Origin, Why

pytestmark = pytest.mark.django_db

WHY = "the first of the month"


def hold(service: Service, rollout: Rollout) -> RollbackDrill:
    return hold_drill(rollout, None, WHY, service.now)


def test_everything_goes_to_legacy_and_the_policy_is_put_back() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    before = newest_policy()
    drill = hold(service, rollout)
    back, again = RoutingPolicy.objects.filter(version__gt=before.version).order_by("version")
    assert (back.mode, back.origin, back.fence_epoch) == (
        *(Mode.LEGACY, Origin.ROLLBACK, before.fence_epoch + 1),
    )
    same = ("mode", "treatment_share", "shadow_share", "salt", "guarded")
    assert [getattr(again, name) for name in same] == [getattr(before, name) for name in same]
    assert (again.fence_epoch, again.stands_back) == (back.fence_epoch, False)
    assert drill.passed
    assert drill.sentence.startswith(f"Policy {back.version} sent everything to legacy")


def test_a_drill_of_a_chinese_page_is_stored_in_english() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    with translation.override("zh-hans"):
        drill = hold(service, rollout)
    assert drill.sentence.startswith("Policy")
    assert newest_policy().reason == f"Rollback drill: {WHY}"


def test_the_step_goes_on() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(10)
    hold(service, rollout)
    service.pass_time(5)
    evidence = load(rollout, service.now).evidence
    assert (evidence.step_seconds, evidence.overtaken, evidence.was_rolled_back) == (15, "", False)
    service.look()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.RUNNING


def test_what_is_given_after_it_counts_for_the_same_step() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    hold(service, rollout)
    service.serve_on(TREATMENT, 2)
    service.look()
    assert counted(rollout).of_step("gradual_rollout:0").treatment == ArmCount(2, 0)


def test_what_scanning_had_in_hand_is_discarded_and_served_after_it() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    job = service.claim(service.given_to(TREATMENT), lease_owner="w")
    run = TrimRun.objects.create(
        job=job,
        attempt=1,
        strategy=TREATMENT,
        arm=job.arm,
        worker="w",
        policy_version=job.policy_version,
        fence_epoch=job.fence_epoch,
        started_at=service.now,
        input_bytes=1,
    )
    hold(service, rollout)
    assert not publish_result(run)
    job.refresh_from_db()
    assert (job.state, job.why, job.policy_version) == ("waiting", Why.ROLLED_BACK, None)


def test_legacy_is_not_taken_for_used() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    service.pass_time(100)
    hold(service, rollout)
    [back] = StepPolicy.objects.filter(is_drill=True)
    job = service.claim()
    TrimJob.objects.filter(pk=job.pk).update(policy_version=back.pk, routed_to=CONTROL)
    service.end(TrimJob.objects.get(pk=job.pk))
    service.pass_time(100)
    assert load(rollout, service.now).evidence.cleanup.legacy_unused_seconds == 200


def test_the_last_phase_knows_how_old_the_newest_drill_is() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    assert load(rollout, service.now).evidence.cleanup.drill_age_seconds is None
    hold(service, rollout)
    service.pass_time(100)
    assert load(rollout, service.now).evidence.cleanup.drill_age_seconds == 100


def test_a_drill_that_took_too_long_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drills, "LIMIT_MS", 0.0)
    service, rollout = in_phase(PhaseName.CLEANUP)
    assert not hold(service, rollout).passed
    assert load(rollout, service.now).evidence.cleanup.drill_age_seconds is None


def test_it_is_in_the_audit_log() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    person = make_user(OPERATOR)
    drill = hold_drill(rollout, person, WHY, service.now)
    assert drill.actor_name == person.username
    event = AuditEvent.objects.get(action="rollback_drill")
    assert (event.actor, event.details["passed"]) == (person, True)
    assert WHY in newest_policy().reason


# --- refusals -------------------------------------------------------------------------------------


def refused(rollout: Rollout, why: str = WHY, actor: object = None) -> str:
    before = all_rows()
    with pytest.raises(DrillRefusedError) as found:
        hold_drill(rollout, actor, why, rollout.created_at)  # type: ignore[arg-type]  # a user
    assert all_rows() == before
    return str(found.value)


def test_it_is_refused_while_another_policy_is_in_force() -> None:
    _service, rollout = in_phase(PhaseName.GRADUAL)
    publish(Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="by hand")
    assert "Another policy is in force" in refused(rollout)


def test_it_is_refused_while_a_rollback_stands() -> None:
    _service, rollout = in_phase(PhaseName.GRADUAL)
    emergency_rollback(reason="by hand")
    assert "Another policy is in force" in refused(rollout)


@pytest.mark.parametrize("each", [Move.PAUSE, Move.REQUEST, Move.ROLL_BACK, Move.ABORT])
def test_it_is_refused_while_a_rollout_does_not_run(each: Move) -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, each)
    assert "while a rollout runs" in refused(rollout)


def test_it_is_refused_without_a_reason() -> None:
    _service, rollout = in_phase(PhaseName.GRADUAL)
    assert "needs a reason" in refused(rollout, " ")


def test_it_is_refused_without_the_permission() -> None:
    _service, rollout = in_phase(PhaseName.GRADUAL)
    assert "migration.operate_rollout" in refused(rollout, actor=make_user(VIEWER))


# --- by itself ------------------------------------------------------------------------------------


def test_the_last_phase_holds_one_by_itself_and_no_second_one_soon() -> None:
    service, _rollout = in_phase(PhaseName.CLEANUP)
    drill = drill_if_due(service.now)
    assert drill is not None
    assert drill.actor_name == "system"
    service.now += timedelta(days=14)
    assert drill_if_due(service.now) is None
    service.now += timedelta(days=1)
    assert drill_if_due(service.now) is not None


def test_one_that_has_not_passed_is_held_again(monkeypatch: pytest.MonkeyPatch) -> None:
    service, _rollout = in_phase(PhaseName.CLEANUP)
    with monkeypatch.context() as patch:
        patch.setattr(drills, "LIMIT_MS", 0.0)
        drill_if_due(service.now)
    found = drill_if_due(service.now)
    assert found is not None
    assert found.passed


def test_before_the_last_phase_none_is_held_by_itself() -> None:
    service, _rollout = in_phase(PhaseName.FULL)
    assert drill_if_due(service.now) is None


def test_outside_of_the_window_none_is_held_by_itself() -> None:
    service, _rollout = in_phase(PhaseName.CLEANUP, window_days="tue")
    assert drill_if_due(service.now) is None


def test_while_a_rollout_is_paused_or_gone_none_is_held_by_itself() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    move(service, rollout, Move.PAUSE)
    assert drill_if_due(service.now) is None
    move(service, rollout, Move.ABORT)
    assert drill_if_due(service.now) is None
