"""A whole rollout through the database, with a clock that the test moves."""

from __future__ import annotations

import pytest

from migration import drills
from migration.choices import PHASES, Move, PhaseName, PhaseState, RolloutState
from migration.models import Decision, StepPolicy
from migration.replay import replay
from tests.migration.traffic import Service, start, walk
from trimming.policy import newest_policy
from trimming.routing_choices import Mode

pytestmark = pytest.mark.django_db


def test_a_rollout_without_harm_walks_all_five_phases_and_retires_legacy() -> None:
    service = Service()
    rollout = start(service)
    walk(service, rollout, PhaseName.CLEANUP)
    drills.hold_drill(rollout, None, "a test", service.now)
    walk(service, rollout, RolloutState.COMPLETED)
    attempt = rollout.attempt
    assert [phase.state for phase in attempt.phases.order_by("number")] == [PhaseState.PASSED] * 5
    policy = newest_policy()
    assert (policy.mode, policy.guarded, policy.legacy_retired) == (Mode.SCANNING, False, True)
    moves = list(Decision.objects.order_by("pk").values_list("move", flat=True))
    assert moves == [
        *(Move.START, Move.FREEZE, Move.PROMOTE, Move.PROMOTE, Move.STEP),
        *(Move.PROMOTE, Move.PROMOTE, Move.COMPLETE),
    ]
    assert all(replay(decision).same for decision in Decision.objects.all())
    assert StepPolicy.objects.count() == len(PHASES) + 1 + 2  # a second share, and a drill
