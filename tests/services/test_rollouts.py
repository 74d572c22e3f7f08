"""Rollouts of the whole service under load: no upload and no job fails because of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.services.console import wait_until
from tests.services.rehearsal import OPERATOR, Rehearsal

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
# what the rollout of a demo decides, from phase to phase
TO_PHASE_2: Final = ("request_approval", "promote")
TO_PHASE_4: Final = ("request_approval", "promote", "raise_share", "raise_share", *TO_PHASE_2)
TO_THE_END: Final = ("request_approval", "promote", "complete")
# a whole rollout of a demo takes three minutes, and a busy machine takes longer
WALK_SECONDS: Final = 600.0
ATTEMPT: Final = "SELECT id, number, salt, started_at, first_policy FROM migration_attempt"
COUNTED: Final = "SELECT count(*) FROM migration_servedcapture WHERE run_id IS NOT NULL"


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
    # comparisons wait while jobs do: a load that a busy machine can keep up with
    with console.load(0.7) as before:
        console.rollout("start", *changes(*SHORT))
        console.go_on_to("small_ab_test", WALK_SECONDS)
        wait_until(lambda: served_by_treatment(console) >= 3, 60, "treatment")
    assert console.stop() == 0
    attempts, counted = console.rows(ATTEMPT), console.rows(COUNTED)
    console.start()
    assert (console.state(), console.phase()) == ("running", "small_ab_test")
    seen = served_by_treatment(console)
    with console.load(1) as after:
        wait_until(lambda: served_by_treatment(console) >= seen + 3, 60, "treatment again")
        failing = console.send(20, "--fault", "failing", "--fault-seconds", "60")
        wait_until(lambda: console.state() == "rolled_back", 30, "the rollback")
    assert console.policies()[-1] == ("legacy", 0.0, "rollback")
    assert console.moves() == ["start", "freeze_baseline", "promote", "roll_back"]
    # nothing began anew
    assert console.rows(ATTEMPT) == attempts
    assert console.rows(COUNTED) > counted
    console.assert_all_served(before, after, failing)
    console.assert_decisions_replay()


@pytest.mark.long
def test_a_demo_walks_all_phases_and_a_rollback_under_load_and_no_upload_or_job_fails(
    console: Rehearsal,
) -> None:
    console.add_people()
    with console.load(3) as sent:
        console.rollout("start", user=OPERATOR)
        console.go_on_to("gradual_rollout", WALK_SECONDS)
        failing = console.send(40, "--fault", "failing", "--fault-seconds", "120")
        wait_until(lambda: console.state() == "rolled_back", 60, "the rollback")
        assert console.policies()[-1] == ("legacy", 0.0, "rollback")
        console.end_faults()
        console.rollout("restart", user=OPERATOR)
        console.go_on_to("completed", WALK_SECONDS)
    assert [move for move in console.moves() if move != "withdraw_request"] == [
        *("start", "freeze_baseline", *TO_PHASE_2, *TO_PHASE_2, "roll_back"),
        *("restart", *TO_PHASE_4, *TO_THE_END),
    ]
    console.assert_all_served(sent, failing)
    assert console.policies() == [
        ("legacy", 0.0, "first"),
        *(("comparison", 0.0, "rollout"), ("ab_test", 0.2, "rollout")),
        *(("ab_test", 0.3, "rollout"), ("legacy", 0.0, "rollback")),
        *(("ab_test", 0.2, "rollout"), ("ab_test", 0.3, "rollout")),
        *(("ab_test", 0.5, "rollout"), ("ab_test", 0.75, "rollout")),
        *(("scanning", 0.0, "rollout"), ("scanning", 0.0, "rollout")),
        *(("legacy", 0.0, "rollback"), ("scanning", 0.0, "rollout")),  # the drill
        ("scanning", 0.0, "rollout"),
    ]
    assert console.stop() == 0
    console.start()
    console.assert_decisions_replay()
    # legacy is retired, and scanning serves
    console.assert_all_served(console.send(5))
