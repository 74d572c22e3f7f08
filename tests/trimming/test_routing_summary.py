"""Counting runs by arm, and finding the rollback that stands."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.factories import make_job, make_user
from tests.trimming.results import finish
from trimming.choices import OutcomeKind, RunOutcome
from trimming.models import TrimRun
from trimming.policy import Wish, emergency_rollback, publish
from trimming.profiles import mirror_built_in_profiles
from trimming.routing_choices import Arm, Mode, Origin
from trimming.routing_summary import LATELY, arm_rows, in_force, runs_lately


def test_outcomes_of_one_kind_are_one_number_and_arms_stand_in_their_order() -> None:
    found = arm_rows(
        {
            ("", "scanning", RunOutcome.DONE, ""): 1,
            ("treatment", "scanning", RunOutcome.FAILED, ""): 2,
            ("treatment", "scanning", RunOutcome.UNVERIFIED, "strategy"): 3,
            ("treatment", "scanning", RunOutcome.UNVERIFIED, "capture"): 6,
            ("treatment", "legacy", RunOutcome.DONE, ""): 4,
            ("control", "legacy", RunOutcome.RUNNING, ""): 5,
        }
    )
    assert [(row.arm, row.strategy, row.total) for row in found] == [
        (Arm.CONTROL, "legacy", 5),
        (Arm.TREATMENT, "legacy", 4),
        (Arm.TREATMENT, "scanning", 11),
        (Arm.NONE, "scanning", 1),
    ]
    assert dict(found[2].cells)[OutcomeKind.STRATEGY_FAILURE] == 5
    assert dict(found[2].cells)[OutcomeKind.ODD_CAPTURE] == 6
    assert dict(found[0].cells)[OutcomeKind.OPEN] == 5


@pytest.mark.django_db
class TestRows:
    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.MEDIA_ROOT = tmp_path / "files"
        monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
        mirror_built_in_profiles()

    def test_runs_that_began_longer_ago_do_not_count(self) -> None:
        run, now = finish(make_job(make_user())), timezone.now()
        assert [row.total for row in runs_lately(now)] == [1]
        TrimRun.objects.filter(pk=run.pk).update(started_at=now - LATELY - timedelta(seconds=1))
        assert runs_lately(now) == []

    def test_the_rollback_that_stands_is_found_behind_later_policies(self) -> None:
        now = timezone.now()
        assert in_force(now).rollback is None
        rollback = emergency_rollback(reason="leak")
        assert in_force(now).rollback == rollback
        publish(Wish(Mode.COMPARISON), origin=Origin.OPERATOR, reason="compare")
        assert in_force(now).rollback == rollback
        publish(Wish(Mode.LEGACY, lift=True), origin=Origin.OPERATOR, reason="mended")
        assert in_force(now).rollback is None
