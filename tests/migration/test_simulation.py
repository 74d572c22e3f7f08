"""Simulated rollouts: what is folded, when it is looked at, how it ends."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from migration.choices import PHASES, Move, PhaseName, PhaseState, RolloutState
from migration.conf import DAY, HOUR, RolloutLimits
from migration.gates.tally import Compared, Served, Tally
from migration.simulation.ended import Ended, Policy, ended
from migration.simulation.exposure import Exposure
from migration.simulation.facts import WELL, ArmLog, Surroundings
from migration.simulation.peaks import Peaks
from migration.simulation.plan import START, Disturbance, Fault, Plan
from migration.simulation.result import Ending, Outcome, summary
from migration.simulation.rivals import FixedThreshold, RepeatedTest, runs_of
from migration.simulation.traffic import draw
from migration.simulation.walk import has_worsened, simulate
from migration.simulation.words import lines_of, lines_of_summary
from monitoring.choices import Dimension

# five phases within three days
QUICK = RolloutLimits(
    baseline_dwell_seconds=6 * HOUR,
    baseline_pairs=400,
    ab_share=0.1,
    ab_dwell_seconds=2 * HOUR,
    ab_runs=20,
    gradual_percents="25, 50",
    step_dwell_seconds=HOUR,
    step_runs=20,
    full_dwell_seconds=4 * HOUR,
    full_runs=100,
    cleanup_dwell_seconds=DAY,
)
# of these, no rule takes the chance failures of seed 3 for harm
PLAN = Plan(seed=3, limits=QUICK, most_days=6, patience_days=2, drill_days=1)
POLICY = Policy(0, "gradual_rollout:0", 3, 0.0, 0.5, 0.1, is_faulty=False)


def run(at: float, *, on_treatment: bool = True, failed: bool = False, epoch: int = 0) -> Ended:
    """Return a served run that ends at ``at``."""
    ms = None if failed else 20.0
    served = Served(on_treatment, 0.5, "gradual_rollout:0", failed, 40_000, ms, START)
    return Ended(
        *(at, at - 1, epoch, on_treatment, 0.5, 10.0),
        shows=False,
        leaks=False,
        is_refused=False,
        matters=failed,
        run=served,
    )


def moves(outcome: Outcome) -> list[tuple[float, Move, str, str]]:
    return [(each.at_seconds, each.move, each.rule, each.reason) for each in outcome.decisions]


# --- how it ends ----------------------------------------------------------------------------------


def test_without_a_fault_all_five_phases_are_completed_with_the_default_limits() -> None:
    outcome = simulate(Plan(seed=1))
    assert outcome.state is RolloutState.COMPLETED
    assert [each.name for each in outcome.phases] == list(PHASES)
    assert {each.state for each in outcome.phases} == {PhaseState.PASSED}
    assert [each.shares for each in outcome.phases] == [
        *([0.0], [0.01]),
        [0.05, 0.1, 0.25, 0.5, 0.75],
        *([1.0], [1.0]),
    ]
    assert outcome.ending is Ending.COMPLETED
    assert not outcome.rule


def test_phases_follow_each_other_without_a_gap() -> None:
    phases = simulate(PLAN).phases
    for before, after in pairwise(phases):
        assert before.ended_seconds == after.began_seconds


@pytest.mark.parametrize("fault", [Fault.ERRORS, Fault.SLOW, Fault.LEAK, Fault.HANG])
@pytest.mark.parametrize("phase", [2, 3])
def test_a_harmful_fault_while_treatment_serves_is_rolled_back(fault: Fault, phase: int) -> None:
    outcome = simulate(replace(PLAN, fault=fault, fault_phase=phase))
    assert outcome.ending is Ending.ROLLED_BACK
    back = [each.name for each in outcome.phases if each.state is PhaseState.ROLLED_BACK]
    assert len(back) == 1
    assert PHASES.index(back[0]) >= phase - 1
    assert outcome.detection_seconds is not None
    assert outcome.detection_seconds >= 0
    assert outcome.detection_runs
    assert not outcome.is_false_alarm
    assert outcome.decisions[-1].rule == outcome.rule


@pytest.mark.parametrize("fault", [Fault.ERRORS, Fault.SLOW, Fault.LEAK, Fault.HANG])
def test_a_harmful_fault_in_comparisons_fails_phase_1_before_anything_is_served(
    fault: Fault,
) -> None:
    outcome = simulate(replace(PLAN, fault=fault, fault_phase=1))
    assert outcome.ending is Ending.FAILED
    assert outcome.state is RolloutState.ROLLED_BACK
    assert outcome.phases[0].state is PhaseState.FAILED
    assert outcome.treatment_runs == 0


@pytest.mark.parametrize("phase", [1, 2])
def test_mismatches_hold_and_never_promote(phase: int) -> None:
    outcome = simulate(replace(PLAN, fault=Fault.MISMATCH, fault_phase=phase))
    assert outcome.ending is Ending.HELD
    assert outcome.state is RolloutState.RUNNING
    assert outcome.held_by == "mismatch"
    assert outcome.phases[phase].state is PhaseState.PENDING


@pytest.mark.parametrize("phase", [1, 2, 4])
def test_without_traffic_it_holds_and_is_never_rolled_back(phase: int) -> None:
    outcome = simulate(replace(PLAN, fault=Fault.NO_DATA, fault_phase=phase))
    assert outcome.ending is Ending.HELD
    assert outcome.state is RolloutState.RUNNING
    assert outcome.phases[phase - 1].state is PhaseState.RUNNING
    assert outcome.exposed_runs == 0


@pytest.mark.parametrize("disturbance", [each for each in Disturbance if each != "none"])
def test_what_is_no_fault_of_treatment_does_not_roll_back_in_any_phase(
    disturbance: Disturbance,
) -> None:
    outcome = simulate(replace(PLAN, disturbance=disturbance, most_days=12, patience_days=4))
    assert outcome.ending is Ending.COMPLETED


def test_a_rollback_without_a_fault_is_told_to_be_a_false_alarm() -> None:
    # every fourth run fails on either strategy, which one of the rules takes for harm
    outcome = simulate(replace(PLAN, failure_rate=0.25, limits=QUICK.model_copy(update=EASY)))
    assert outcome.ending is Ending.ROLLED_BACK
    assert outcome.is_false_alarm
    assert outcome.detection_seconds is None


EASY = {"baseline_success": 0.0, "mismatch_budget": 0.2}


# --- when it is looked at -------------------------------------------------------------------------


@pytest.mark.parametrize("fault", list(Fault))
def test_looking_after_every_run_decides_the_same(fault: Fault) -> None:
    plan = replace(PLAN, fault=fault, fault_phase=3, most_days=0.8, speedup=1.0)
    often = simulate(replace(plan, is_every_run_looked_at=True))
    seldom = simulate(plan)
    assert moves(often) == moves(seldom)
    assert often.as_json() == seldom.as_json()


@pytest.mark.long
@pytest.mark.parametrize("fault", list(Fault))
def test_looking_after_every_run_decides_the_same_with_the_default_limits(fault: Fault) -> None:
    for seed in range(2):
        plan = Plan(seed, fault=fault, fault_phase=4, speedup=1.0)
        often = simulate(replace(plan, is_every_run_looked_at=True))
        assert often.as_json() == simulate(plan).as_json()


def test_one_seed_is_one_rollout() -> None:
    plan = replace(PLAN, fault=Fault.ERRORS)
    assert simulate(plan).as_json() == simulate(plan).as_json()
    assert simulate(plan).as_json() != simulate(replace(plan, seed=5)).as_json()


def test_only_more_evidence_against_treatment_than_ever_is_worse() -> None:
    empty = Tally()
    bad = empty.serve([Served(True, 0.5, "s:0", True, 1, None, START)], None)
    good = bad.serve([Served(False, 0.5, "s:0", True, 1, None, START)], None)
    assert has_worsened(empty, bad)
    assert not has_worsened(bad, good)
    assert has_worsened(good, good.leak(START))


# --- what the fence lets through ------------------------------------------------------------------


def test_results_of_runs_that_a_rollback_overtook_are_discarded_and_none_is_published() -> None:
    # treatment takes minutes, so that many runs are on their way when it is rolled back
    dry = "pairs_latency, slow_runs, critical, health_low"
    limits = QUICK.model_copy(update={"dry_run": dry, "ab_share": 0.5})
    plan = replace(PLAN, fault=Fault.LEAK, captures_per_hour=600, speedup=0.02, limits=limits)
    outcome = simulate(plan)
    assert outcome.ending is Ending.ROLLED_BACK
    assert outcome.treatment_discarded > 0
    assert outcome.treatment_published_after_rollback == 0


def test_a_result_is_published_only_under_the_epoch_that_its_run_began_with() -> None:
    exposure = Exposure()
    exposure.note([run(1.0)], is_faulty=False)
    exposure.epoch = 1
    exposure.note([run(2.0), run(3.0, on_treatment=False)], is_faulty=False)
    assert (exposure.published, exposure.discarded) == (1, 1)
    exposure.note([run(4.0, epoch=1)], is_faulty=False)
    assert exposure.published_after_rollback == 1


# --- traffic --------------------------------------------------------------------------------------


def test_captures_keep_their_arm_when_the_share_grows_and_none_is_lost() -> None:
    captures = draw(PLAN)
    few = ended(captures, POLICY._replace(share=0.1), PLAN, None, (0.0, DAY))
    many = ended(captures, POLICY, PLAN, None, (0.0, DAY))
    of_few = {each.began for each in few if each.run and each.on_treatment}
    of_many = {each.began for each in many if each.run and each.on_treatment}
    assert of_few < of_many
    arrived = int(np.searchsorted(captures.arrived, DAY))
    assert sum(each.run is not None for each in many) == arrived


def test_what_ends_comes_in_the_order_of_its_ends() -> None:
    ends = [each.at for each in ended(draw(PLAN), POLICY, PLAN, None, (0.0, DAY))]
    assert ends == sorted(ends)


def test_a_run_that_hangs_ends_at_its_deadline_as_a_failure() -> None:
    plan = replace(PLAN, fault=Fault.HANG, hang_share=1.0)
    policy = POLICY._replace(is_faulty=True)
    found = ended(draw(plan), policy, plan, None, (0.0, DAY))
    runs = [each for each in found if each.run and each.on_treatment]
    assert all(each.at - each.began == pytest.approx(plan.deadline_seconds) for each in runs)
    assert all(each.run and each.run.failed for each in runs)
    assert all(each.pair.treatment_ms is None for each in found if each.pair)


def test_a_slow_treatment_takes_twice_the_time_of_control() -> None:
    plan = replace(PLAN, fault=Fault.SLOW, failure_rate=0.0)
    found = ended(draw(plan), POLICY._replace(is_faulty=True), plan, None, (0.0, 4 * DAY))
    pairs = [each.pair for each in found if each.pair]
    ratios = [(pair.treatment_ms or 0) / (pair.control_ms or 1) for pair in pairs]
    assert np.median(ratios) == pytest.approx(2.0, rel=0.05)


def test_of_leaks_verification_refuses_its_share_and_comparisons_confirm_all() -> None:
    plan = replace(PLAN, fault=Fault.LEAK, leak_share=1.0, failure_rate=0.0)
    found = ended(draw(plan), POLICY._replace(is_faulty=True), plan, None, (0.0, 4 * DAY))
    runs = [each for each in found if each.run and each.on_treatment]
    refused = [each for each in runs if each.is_refused]
    assert len(refused) / len(runs) == pytest.approx(0.5, abs=0.05)
    assert all(each.run and each.run.failed for each in refused)
    assert all(each.pair.leaked and each.pair.mismatched for each in found if each.pair)


def test_a_night_has_no_traffic_and_rubbish_is_neither_run_nor_pair() -> None:
    captures = draw(PLAN)
    span = (2 * HOUR, 8 * HOUR)
    night = replace(PLAN, disturbance=Disturbance.NIGHT)
    assert ended(captures, POLICY, night, None, span) == []
    rubbish = replace(PLAN, disturbance=Disturbance.RUBBISH)
    found = ended(captures, POLICY, rubbish, None, span)
    none = [each for each in found if each.run is None and each.pair is None]
    assert len(none) / len(found) == pytest.approx(0.9, abs=0.05)


def test_hostile_captures_are_counted_as_odd_and_never_compared() -> None:
    captures, span = draw(PLAN), (2 * HOUR, 8 * HOUR)
    hostile = replace(PLAN, disturbance=Disturbance.HOSTILE)
    found = ended(captures, POLICY, hostile, None, span)
    runs = [each for each in found if each.run]
    odd = [each for each in runs if each.run and each.run.odd]
    assert len(odd) / len(runs) == pytest.approx(0.5, abs=0.05)
    assert {each.on_treatment for each in odd} == {True, False}
    assert not any(each.matters or each.is_refused or each.run.failed for each in odd if each.run)
    pairs = [each for each in found if each.pair]
    assert len(pairs) < 0.6 * len(
        [each for each in ended(captures, POLICY, PLAN, None, span) if each.pair]
    )


def test_what_is_refused_of_scanning_is_known_when_legacy_has_told() -> None:
    plan = replace(PLAN, fault=Fault.LEAK, leak_share=1.0, leaks_verified_share=1.0)
    faulty = POLICY._replace(is_faulty=True)
    runs = [each for each in ended(draw(plan), faulty, plan, None, (0.0, 4 * DAY)) if each.run]
    scanned = [each for each in runs if each.on_treatment and each.run]
    assert all(each.is_refused != (each.run is not None and each.run.odd) for each in scanned)
    # legacy comes to nothing either as often as it fails
    odd = sum(each.run is not None and each.run.odd for each in scanned)
    assert odd / len(scanned) == pytest.approx(plan.failure_rate, abs=0.02)


def test_a_neighbour_slows_down_both_strategies_in_the_disturbed_phase_only() -> None:
    captures, span = draw(PLAN), (2 * HOUR, 8 * HOUR)
    busy = replace(PLAN, disturbance=Disturbance.NEIGHBOUR, disturbed_phase=3)
    slow = ended(captures, POLICY, busy, None, span)
    usual = ended(captures, POLICY._replace(phase=4), busy, None, span)
    times = [np.median([each.message_ms for each in found if each.run]) for found in (slow, usual)]
    assert times[0] / times[1] == pytest.approx(5.0, rel=0.2)


# --- samples and health ---------------------------------------------------------------------------


def test_a_log_counts_what_ended_within_a_time() -> None:
    log = ArmLog()
    for at, failed in ((1.0, False), (2.0, True), (3.0, False)):
        each = run(at, failed=failed)
        assert each.run is not None
        log.note(each.run, at, 10.0 * at)
    assert log.count(1.0) == (2, 1)
    assert log.p95_ms(0.0) == 10.0
    assert log.p95_ms(3.0) is None
    assert log.work(1.0) == (40_000, 20.0)
    assert log.slow_since(0.0, 20.0) == 3.0
    assert log.slow_since(0.0, 31.0) is None


def test_the_newest_200_runs_of_an_hour_are_recent() -> None:
    around = Surroundings(QUICK)
    around.note([run(float(at), failed=at < 150) for at in range(300)])
    assert around.recent(300.0) == (200, 50)
    assert around.recent(3600.0 + 250) == (49, 0)


def test_latency_is_critical_where_treatment_alone_is_slow() -> None:
    around = Surroundings(QUICK)
    around.note([run(float(at))._replace(message_ms=250.0) for at in range(100, 700)])
    assert around.critical_seconds(700.0) == {"latency": 599.0}
    assert around.critical_seconds(700.0, 400.0) == {"latency": 298.0}
    around.note([run(701.0, on_treatment=False)._replace(message_ms=300.0)])
    assert around.critical_seconds(702.0) == {}


def test_a_report_fails_where_many_runs_fail_and_is_not_made_where_nothing_can() -> None:
    around = Surroundings(QUICK)
    around.note([run(float(at)) for at in range(30)])
    assert around.health(30.0, PhaseName.AB_TEST, Tally(), is_busy=False) is WELL
    around.note([run(float(at), failed=True) for at in range(30, 36)])
    found = around.health(36.0, PhaseName.AB_TEST, Tally(), is_busy=False)
    assert found.score is not None
    assert found.score < 0.3
    assert Dimension.ERROR_RATE.value in found.failing
    assert found.low_in_a_row == 1


# --- rivals ---------------------------------------------------------------------------------------


def test_the_fixed_threshold_fires_on_twice_the_rate_of_control() -> None:
    rival = FixedThreshold()
    rival.saw([run(float(at), on_treatment=False, failed=at % 10 == 0) for at in range(100)])
    rival.saw([run(100.0 + at, failed=at % 10 == 0) for at in range(50)])
    assert rival.fired_at is None
    rival.saw([run(200.0 + at, failed=True) for at in range(20)])
    assert rival.fired_at is not None
    assert rival.is_false_alarm
    assert rival.detection_seconds is None


def test_the_repeated_test_is_that_of_two_proportions() -> None:
    rival = RepeatedTest()
    rival.saw([run(float(at), on_treatment=False, failed=at < 10) for at in range(1000)])
    rival.saw([run(float(at), failed=at < 10, epoch=0) for at in range(500)])
    assert rival.z() == pytest.approx(1.592, abs=0.001)
    rival.tick(1000.0)
    assert rival.fired_at is None
    rival.saw([run(1001.0, failed=True)._replace(shows=True)])
    rival.tick(1200.0)
    assert rival.fired_at == 1200.0
    assert rival.detection_seconds == 200.0
    assert rival.runs_since_shown == 1


def test_rivals_see_both_runs_of_a_comparison() -> None:
    pair = Compared(False, False, True, 5.0, None, False, START)
    each = run(1.0)._replace(run=None, pair=pair)
    assert runs_of(each) == ((False, False), (True, True))
    assert runs_of(each._replace(pair=None)) == ()


def test_watchers_may_end_a_rollout_early() -> None:
    rival = RepeatedTest()
    plan = replace(PLAN, failure_rate=0.0, fault=Fault.ERRORS, fault_phase=1)
    outcome = simulate(plan, [rival], lambda: rival.fired_at is not None)
    assert rival.fired_at is not None
    assert outcome.ending is Ending.HELD


# --- what if --------------------------------------------------------------------------------------


def test_a_fault_after_a_long_clean_time_is_found_since_evidence_begins_anew() -> None:
    limits = QUICK.model_copy(update={"full_shadow_share": 0.3})
    plan = replace(PLAN, fault=Fault.SLOW, fault_phase=4, limits=limits)
    assert simulate(plan).rule == "pairs_latency"


def test_phase_5_does_not_end_while_fallbacks_count_as_use_of_legacy() -> None:
    outcome = simulate(replace(PLAN, is_fallback_use=True))
    assert outcome.ending is Ending.HELD
    assert outcome.phases[4].state is PhaseState.RUNNING
    assert outcome.held_by == "legacy_unused"


def test_peaks_tell_how_near_the_rules_ever_came() -> None:
    few, many = Peaks(), Peaks()
    limits = QUICK.model_copy(update={"dry_run": "errors, pairs_errors, failures_in_a_row"})
    plan = replace(PLAN, limits=limits, most_days=1)
    simulate(plan, [few])
    simulate(replace(plan, fault=Fault.ERRORS, error_share=0.9), [many])
    assert many.in_a_row >= 3 > few.in_a_row
    assert min(many.alpha.values()) < 0.01 < min(few.alpha.values())
    assert many.first_harm
    assert not few.first_harm


def test_the_first_rule_of_harm_without_effect_is_the_one_that_would_have_rolled_back() -> None:
    peaks = Peaks()
    dry = "errors, pairs_errors, failures_in_a_row, overall_error_rate, errors_against_baseline"
    plan = replace(PLAN, fault=Fault.ERRORS, error_share=0.5)
    simulate(replace(plan, limits=QUICK.model_copy(update={"dry_run": dry})), [peaks])
    assert peaks.first_harm == simulate(plan).rule


# --- what is told ---------------------------------------------------------------------------------


def test_a_result_is_plain_json_and_tells_every_move() -> None:
    outcome = simulate(replace(PLAN, fault=Fault.LEAK))
    made = json.loads(json.dumps(outcome.as_json()))
    assert {
        *("state", "phases", "decisions", "detection_seconds", "detection_runs"),
        *("treatment_runs", "treatment_published_after_rollback"),
    } <= set(made)
    assert made["state"] == "rolled_back"
    assert [each["move"] for each in made["decisions"]][-1] == "roll_back"
    assert len(made["phases"]) == 5


def test_words_tell_how_it_ended_by_which_rule_and_when() -> None:
    outcome = simulate(replace(PLAN, fault=Fault.LEAK))
    first, *rest = lines_of(outcome)
    assert "Seed 3, fault leak from phase 2 on: the rollout rolled back after" in first
    assert "by leak." in first
    assert any("Found" in line for line in rest)
    held = next(lines_of(simulate(replace(PLAN, fault=Fault.NO_DATA))))
    assert "is held" in held


def test_a_summary_counts_endings_and_rules() -> None:
    plans = [replace(PLAN, fault=Fault.LEAK), replace(PLAN, fault=Fault.NO_DATA)]
    found = summary([simulate(plan) for plan in plans])
    assert found["endings"] == {"rolled_back": 1, "held": 1}
    assert found["rules"] == {"leak": 1}
    assert found["detected"] == 1
    text = "\n".join(lines_of_summary(found))
    assert "2 rollouts: held 1, rolled_back 1." in text
    assert "held by enough 1" in text
    assert summary([simulate(plans[1])])["detection_seconds"] is None
