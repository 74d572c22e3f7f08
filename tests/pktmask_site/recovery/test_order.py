"""After a restore scanning is given to nobody, jobs go on, and nothing is told twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.models import AuditEvent
from migration.choices import ApprovalState, Move, PhaseName, RolloutState
from migration.models import Approval, Decision, Rollout
from monitoring.alerts.message import MessageKind, Severity
from monitoring.alerts.models import (
    Alert,
    AlertTelling,
    Notification,
    NotificationState,
    Silence,
)
from monitoring.alerts.values import AlertState, TellingState, Why
from pktmask_site.recovery.choices import UpkeepState
from pktmask_site.recovery.models import UpkeepRun
from pktmask_site.recovery.order import is_in_order, put_in_order
from tests.factories import make_job, make_user
from tests.migration.traffic import in_phase, move
from tests.pktmask_site.recovery.conftest import NOW
from tests.pktmask_site.recovery.test_manifest import MANIFEST
from trimming.choices import JobState, RunOutcome
from trimming.models import Capture, TrimJob, TrimRun
from trimming.policy import Wish, newest_policy, publish
from trimming.routing_choices import Mode, Origin

pytestmark = pytest.mark.django_db


def test_jobs_that_were_running_wait_again_and_it_does_not_count(running_job: TrimJob) -> None:
    assert "Jobs that were running and wait again: 1." in put_in_order(MANIFEST, NOW)
    running_job.refresh_from_db()
    assert (running_job.state, running_job.forgiven) == (JobState.WAITING, 1)
    assert running_job.lease_owner == ""
    assert TrimRun.objects.get().outcome == RunOutcome.GIVEN_BACK


@pytest.mark.parametrize("mode", [Mode.SCANNING, Mode.AUTO, Mode.AB_TEST])
def test_no_policy_gives_scanning(mode: Mode) -> None:
    before = publish(
        Wish(mode, treatment_share=0.5, shadow_share=0.5), origin=Origin.OPERATOR, reason="a test"
    )
    put_in_order(MANIFEST, NOW)
    after = newest_policy()
    assert (after.mode, after.shadow_share, after.stands_back) == (Mode.LEGACY, 0.0, True)
    assert after.fence_epoch == before.fence_epoch + 1
    assert after.reason == "Restored from the backup of 2026-11-05 12:00:00 UTC."
    assert is_in_order()


@pytest.mark.parametrize("phase", list(PhaseName))
@pytest.mark.parametrize("moves", [(), (Move.PAUSE,)])
def test_an_active_rollout_is_rolled_back_whatever_its_phase(
    phase: PhaseName, moves: tuple[Move, ...]
) -> None:
    service, rollout = in_phase(phase)
    move(service, rollout, *moves)
    put_in_order(MANIFEST, service.now)
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.ROLLED_BACK
    decision = Decision.objects.order_by("-pk")[0]
    assert (decision.move, decision.rule) == (Move.ROLL_BACK, "restore")
    assert (newest_policy().mode, newest_policy().stands_back) == (Mode.LEGACY, True)
    assert service.look() is None


def test_a_request_is_not_approved_by_what_was_said_before() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.REQUEST)
    Approval.objects.update(state=ApprovalState.APPROVED)
    put_in_order(MANIFEST, service.now)
    assert Approval.objects.get().state == ApprovalState.WITHDRAWN
    assert Rollout.objects.get().state == RolloutState.ROLLED_BACK


def test_a_rollback_that_stands_is_not_published_twice() -> None:
    put_in_order(MANIFEST, NOW)
    before = newest_policy()
    put_in_order(MANIFEST, NOW)
    assert newest_policy() == before


def alert(**values: Any) -> Alert:
    return Alert.objects.create(
        **{
            "key": "k",
            "fingerprint": "f",
            "rule": "disk",
            "severity": Severity.HIGH,
            "state": AlertState.FIRING,
            "title": "t",
            "sentence": "s",
            "since": NOW,
            "seen_at": NOW,
            **values,
        }
    )


def message(key: str, state: NotificationState) -> Notification:
    return Notification.objects.create(
        key=key,
        channel="log",
        kind=MessageKind.FIRING,
        severity=Severity.HIGH,
        at=NOW,
        body={},
        state=state,
        next_at=NOW,
    )


def test_messages_that_may_have_been_sent_are_put_aside_and_alerts_are_told_anew() -> None:
    pending = message("a", NotificationState.PENDING)
    sent = message("b", NotificationState.SENT)
    firing = alert(repeat_at=MANIFEST.made_at.replace(year=2030))
    waiting = AlertTelling.objects.create(
        key="t",
        alert=firing,
        channel="log",
        kind=MessageKind.FIRING,
        severity=Severity.HIGH,
        created_at=NOW,
        state=TellingState.WAITING,
    )
    assert "Messages of alerts that were put aside: 2." in put_in_order(MANIFEST, NOW)
    for each in (pending, sent, firing, waiting):
        each.refresh_from_db()
    assert (pending.state, pending.why) == (NotificationState.SUPPRESSED, Why.RESTORED)
    assert sent.state == NotificationState.SENT
    assert (waiting.state, waiting.why) == (TellingState.SUPPRESSED, Why.RESTORED)
    assert firing.repeat_at == NOW


def test_silences_are_kept() -> None:
    Silence.objects.create(
        matchers={"rule": "disk"}, owner="o", reason="r", begins=NOW, ends=NOW, made_at=NOW
    )
    put_in_order(MANIFEST, NOW)
    assert Silence.objects.get().ended_by == ""


def test_a_file_that_is_not_there_is_told_by_its_row_and_nobody_waits_for_it(
    data_dir: Path,
) -> None:
    lost, kept = make_job(make_user()), make_job(make_user())
    (data_dir / "files" / str(lost.capture.original.name)).unlink()
    assert "Files that are not there, as their rows say now: 1." in put_in_order(MANIFEST, NOW)
    capture = Capture.objects.get(pk=lost.capture_id)
    assert not capture.has_original
    lost.refresh_from_db()
    kept.refresh_from_db()
    assert lost.state == JobState.CANCELLED
    assert lost.reason == "The original is not in the backup that was restored."
    assert kept.state == JobState.WAITING


def test_upkeep_that_was_under_way_is_forgotten_and_its_history_is_kept() -> None:
    for number, state in enumerate(UpkeepState):
        UpkeepRun.objects.create(task=f"t{number}", state=state, asked_at=NOW)
    put_in_order(MANIFEST, NOW)
    found = set(UpkeepRun.objects.values_list("state", flat=True))
    assert found == {UpkeepState.DONE, UpkeepState.FOUND, UpkeepState.FAILED}


def test_it_is_in_the_audit_log() -> None:
    put_in_order(MANIFEST, NOW)
    event = AuditEvent.objects.get(action="restored")
    assert event.details == {"made_at": "2026-11-05T12:00:00+00:00", "files": "all"}
