"""``manage.py exercise`` on what somebody did, and on what nobody did."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from config.audit import record
from config.models import AuditEvent
from migration import approvals, operations
from migration.choices import PhaseName
from migration.models import Approval
from monitoring.choices import Verdict
from pktmask_site.demo.player import REASON
from tests.factories import make_job, make_user
from tests.migration.test_suspects import rolled_back
from tests.migration.traffic import in_gate, in_phase
from tests.monitoring.measured import make_report
from tests.trimming.results import finish
from trimming.intake import RESTORED
from trimming.models import TrimRun
from trimming.policy import emergency_rollback

pytestmark = pytest.mark.django_db


def exercise(capsys: pytest.CaptureFixture[str], number: int, **answers: str) -> tuple[int, str]:
    """Return the exit code and what was said."""
    try:
        call_command("exercise", number, **answers)
    except SystemExit as ended:
        return int(str(ended.code)), capsys.readouterr().out.strip()
    return 0, capsys.readouterr().out.strip()


def test_the_overview_was_read_when_phase_and_verdict_are_those_of_now(
    capsys: pytest.CaptureFixture[str],
) -> None:
    in_phase(PhaseName.AB_TEST)
    make_report(timezone.now(), Verdict.WARN)
    code, said = exercise(capsys, 1, phase="small_ab_test", health="warn")
    assert (code, said) == (0, "Right: the phase is small_ab_test, the health is warn.")
    assert exercise(capsys, 1, phase="full_migration", health="warn")[0] == 1
    assert exercise(capsys, 1, phase="small_ab_test", health="fail")[0] == 1


@pytest.mark.parametrize(("reason", "code"), [("no capture differs", 0), (REASON, 1)])
def test_a_phase_was_approved_when_somebody_did_and_not_the_demo(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    reason: str,
    code: int,
) -> None:
    service, rollout = in_gate(approve="full_migration")
    monkeypatch.setattr("django.utils.timezone.now", lambda: service.now)
    assert exercise(capsys, 2) == (1, "Nothing was approved yet.")
    operations.promote(rollout, None, "reviewed", service.now)
    request = Approval.objects.get()
    situation = operations.looked_at(rollout, service.now)
    approvals.approve(request, situation, make_user("approver"), reason)
    assert exercise(capsys, 2)[0] == code


def test_a_rollback_by_hand_counts_and_one_by_the_rules_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert exercise(capsys, 3)[0] == 1
    rolled_back("failures_in_a_row")
    code, said = exercise(capsys, 3)
    assert (code, "the rules made it" in said) == (1, True)
    emergency_rollback(reason="an exercise", actor=make_user())
    assert exercise(capsys, 3)[0] == 0


def test_an_installation_counts_as_restored_while_its_results_are_whole(
    capsys: pytest.CaptureFixture[str], settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    run = finish(make_job(make_user()))
    assert exercise(capsys, 4)[0] == 1
    record(RESTORED, made_at="2026-01-01", files="all")
    assert AuditEvent.objects.filter(action=RESTORED).exists()
    code, said = exercise(capsys, 4)
    assert (code, str(run.output.name) in said) == (1, True)
    TrimRun.objects.filter(pk=run.pk).update(
        output_bytes=run.output.size, output_sha256=hashlib.sha256(b"out").hexdigest()
    )
    assert exercise(capsys, 4) == (
        0,
        "Done: restored, and all 1 results are what their rows say.",
    )
    Path(run.output.path).unlink()
    assert exercise(capsys, 4)[0] == 1
