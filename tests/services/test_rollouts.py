"""Rollouts of the whole service under load: no upload and no job fails because of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.services.console import wait_until
from tests.services.rehearsal import Rehearsal

pytestmark = pytest.mark.slow

# so short that phases 1 and 2 take seconds; phase 2 stays until something happens
SHORT: Final = (
    "baseline_dwell_seconds=1",
    "baseline_pairs=3",
    "mismatch_budget=0.49",
    "promotion_alpha=0.49",
    "ab_share=0.5",
    "ab_dwell_seconds=3600",
    "approve=",
)
CLEAN: Final = (
    *("start", "freeze_baseline", "request_approval", "promote"),
    *("request_approval", "promote", "raise_share", "raise_share"),
    *("request_approval", "promote", "request_approval", "promote", "complete"),
)


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Rehearsal]:
    console = Rehearsal(tmp_path)
    try:
        console.start()
        yield console
    finally:
        console.kill_everything()


def changes(*limits: str) -> list[str]:
    return [part for each in limits for part in ("--set", each)]


def served_by_treatment(console: Rehearsal) -> int:
    query = "SELECT count(*) FROM trimming_trimrun WHERE strategy = 'scanning' AND outcome = 'done'"
    return int(console.rows(query)[0][0])


def test_a_rollout_goes_on_after_a_restart_of_the_service_and_a_fault_rolls_it_back(
    console: Rehearsal,
) -> None:
    with console.load(3) as before:
        console.rollout("start", *changes(*SHORT))
        console.go_on_to("small_ab_test", 90)
        wait_until(lambda: served_by_treatment(console) >= 3, 60, "treatment")
    assert console.stop() == 0
    attempts = console.rows("SELECT id, salt, tally FROM migration_attempt")
    console.start()
    assert (console.state(), console.phase()) == ("running", "small_ab_test")
    seen = served_by_treatment(console)
    with console.load(3) as after:
        wait_until(lambda: served_by_treatment(console) >= seen + 3, 60, "treatment again")
        failing = console.send(20, "--fault", "failing", "--fault-seconds", "60")
        wait_until(lambda: console.state() == "rolled_back", 30, "the rollback")
    assert console.policies()[-1] == ("legacy", 0.0, "rollback")
    assert console.moves() == ["start", "freeze_baseline", "promote", "roll_back"]
    assert [row[:2] for row in console.rows("SELECT id, salt, tally FROM migration_attempt")] == [
        row[:2] for row in attempts
    ]
    console.assert_all_served(before, after, failing)
    console.assert_decisions_replay()
