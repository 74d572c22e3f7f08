"""What rollouts put into the inbox of alerts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from migration.alerts import HARM, HELD, ROLLED_BACK, rollouts
from migration.choices import GateVerdict, Move, PhaseName, RuleKind
from migration.models import Evaluation, Rollout
from monitoring.alerts.inbox import Unknown, inbox
from monitoring.alerts.values import Condition
from tests.migration.traffic import Service, in_phase, move

pytestmark = pytest.mark.django_db


def found(service: Service) -> list[Condition]:
    return [each for each in rollouts(service.now) if isinstance(each, Condition)]


def unknown(service: Service) -> set[str]:
    return {
        rule for each in rollouts(service.now) if isinstance(each, Unknown) for rule in each.rules
    }


def looked(service: Service, rollout: Rollout, **result: Any) -> None:
    """Store a look with one result."""
    values = {"rule": "errors", "kind": RuleKind.GATE.value, "message": "12 % failed.", **result}
    Evaluation.objects.create(
        attempt=rollout.attempt,
        at=service.now,
        situation={},
        results=[{"is_dry": False, **values}],
        verdict=GateVerdict.FAILED,
        reason="",
    )


def test_without_a_rollout_nothing_is_wrong() -> None:
    assert found(Service()) == []


def test_a_rollback_fires_for_a_day_and_mutes_its_causes() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    move(service, rollout, Move.ROLL_BACK, rule="errors")
    (condition,) = found(service)
    assert (condition.rule, condition.severity) == ("rollout_rolled_back", "critical")
    assert condition.title == "a rollout was rolled back"
    assert condition.sentence
    assert {HARM.name, "health_error_rate"} <= inbox.mutes()[ROLLED_BACK.name]
    service.now += timedelta(hours=24)
    assert found(service) == []


def test_a_request_that_waits_fires_until_it_ends() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    move(service, rollout, Move.REQUEST)
    (condition,) = found(service)
    assert (condition.rule, condition.severity) == ("rollout_approval", "medium")
    assert "Small A/B test" in condition.sentence


@pytest.mark.parametrize("is_dry", [True, False])
def test_harm_fires_also_where_its_rule_runs_dry(is_dry: bool) -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    looked(service, rollout, kind="harm", verdict="failed", is_dry=is_dry)
    (condition,) = found(service)
    assert (condition.rule, condition.sentence) == (HARM.name, "12 % failed.")
    assert dict(condition.labels) == {"rollout": str(rollout.pk), "gate": "errors"}


def test_a_rule_in_error_fires_unless_it_runs_dry() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    looked(service, rollout, verdict="error")
    assert [each.rule for each in found(service)] == [HELD.name]
    service.now += timedelta(seconds=1)
    looked(service, rollout, verdict="error", is_dry=True)
    assert found(service) == []


def test_a_gate_that_only_waits_does_not_fire() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    looked(service, rollout, verdict="inconclusive")
    looked(service, rollout, verdict="failed")
    assert found(service) == []


def test_without_a_fresh_look_nothing_is_known() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    looked(service, rollout, kind="harm", verdict="failed")
    service.now += timedelta(minutes=4)
    assert unknown(service) == {HARM.name, HELD.name}
    assert found(service) == []
