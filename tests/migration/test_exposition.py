"""What Prometheus is told of rollouts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from migration.choices import GateVerdict, Move, PhaseName
from monitoring.readiness import probes
from tests.migration.test_alerts import looked
from tests.migration.traffic import in_phase, move
from tests.monitoring.exposition.scraped import Page, page, value
from trimming.policy import renew_guard

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for mode in ("COMPARISON", "AB_TEST", "SCANNING"):
        monkeypatch.setenv(f"PKTMASK_ROUTING__PERMIT_{mode}", "true")


def chosen(found: Page, name: str) -> list[str]:
    """Return for which label a gauge is 1."""
    return [labels[0][1] for (key, labels), number in found.items() if key == name and number]


def test_without_a_rollout_its_state_is_none_and_it_has_no_phase() -> None:
    found = page(timezone.now())
    assert chosen(found, "pktmask_rollout_state") == ["none"]
    assert chosen(found, "pktmask_rollout_phase") == []
    assert value(found, "pktmask_rollout_moves_total", move="promote", by="itself") == 0


def test_the_state_the_phase_and_the_share_are_those_of_the_active_rollout() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    found = page(service.now)
    assert chosen(found, "pktmask_rollout_state") == ["running"]
    assert chosen(found, "pktmask_rollout_phase") == ["gradual_rollout"]
    assert value(found, "pktmask_rollout_share") == rollout.attempt.phase.step.share
    move(service, rollout, Move.PAUSE)
    assert chosen(page(service.now), "pktmask_rollout_state") == ["paused"]


def test_moves_are_counted_by_who_made_them() -> None:
    service, rollout = in_phase(PhaseName.AB_TEST)
    before = page(service.now)
    assert value(before, "pktmask_rollout_moves_total", move="promote", by="itself") == 1
    move(service, rollout, Move.PAUSE)
    after = page(service.now)
    made = {
        key: number - before.get(key, 0)
        for key, number in after.items()
        if key[0] == "pktmask_rollout_moves_total" and number != before.get(key)
    }
    assert sum(made.values()) == 1


def test_gates_are_told_while_looks_at_them_are_fresh() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    looked(service, rollout, rule="errors", verdict=GateVerdict.INCONCLUSIVE.value)
    found = page(service.now)
    assert value(found, "pktmask_rollout_gate", rule="errors", verdict="inconclusive") == 1
    assert value(found, "pktmask_rollout_gate", rule="errors", verdict="failed") == 0
    later = page(service.now + timedelta(minutes=4))
    assert not [key for key in later if key[0] == "pktmask_rollout_gate"]


def test_the_evaluator_is_ready_while_its_lease_lasts() -> None:
    assert not probes.ask(timezone.now())["evaluator"].is_ready
    renew_guard(30)
    assert probes.ask(timezone.now())["evaluator"].is_ready
