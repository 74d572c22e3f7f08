"""Plain values for the tests of rules and decisions: a rollout in which everything is in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from migration.choices import ApprovalState, PhaseName, RolloutState
from migration.conf import RolloutLimits
from migration.decision import Request, Situation, step_name, steps_of
from migration.gates.evidence import Cleanup, Evidence, Health
from migration.gates.tally import (
    ArmCount,
    Assigned,
    Baseline,
    Compared,
    Served,
    StepCount,
    Tally,
)
from monitoring.metrics.histograms import of_values
from monitoring.statistics import SlowLimits

# a Wednesday
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
LIMITS = RolloutLimits()
DAY = 86_400.0
# captures of SIZE bytes are slow above SLOW_MS
SIZE, SLOW_MS = 5_000, 50.0
SLOW = SlowLimits(((4096, SLOW_MS),))
BASELINE = Baseline(NOW - timedelta(days=3), runs=1_000, failed=10, slow=SLOW, slow_alone=SLOW)
STEP = step_name(PhaseName.GRADUAL, 1)


def run(**changes: Any) -> Served:
    """Return a run of treatment at a share of 10 % that went well."""
    return Served(True, 0.1, STEP, False, SIZE, 20.0, NOW)._replace(**changes)


def pair(**changes: Any) -> Compared:
    """Return a comparison without a difference."""
    return Compared(False, False, False, 20.0, 19.0, False, NOW)._replace(**changes)


def tally_of(step: str, **changes: Any) -> Tally:
    """Return what was counted when all went well, with more than any phase needs."""
    counted: dict[str, Any] = {
        "steps": {step: StepCount(ArmCount(5_000, 50), ArmCount(2_000, 10))},
        "matched": 600,
        "ratios": of_values([0.9] * 600),
        **changes,
    }
    return Tally(**counted).with_baseline(BASELINE)


def passing(phase: PhaseName, number: int | None = None, **changes: Any) -> Evidence:
    """Return evidence with which every rule passes in step ``number``, the last one by default."""
    shares = steps_of(LIMITS, phase)
    number = len(shares) - 1 if number is None else number
    step = step_name(phase, number)
    values: dict[str, Any] = {
        "now": NOW,
        "phase": phase,
        "step": step,
        "share": shares[number],
        "step_seconds": 20 * DAY,
        "tally": tally_of(step),
        "baseline": BASELINE,
        "sample_age_seconds": 4.0,
        "recent": ArmCount(200, 2),
        "health": Health(0.95, 30.0),
        "cleanup": Cleanup(20 * DAY, 2 * DAY, is_archived=True),
    }
    return Evidence(**{**values, **changes})


def limits(**changes: Any) -> RolloutLimits:
    """Return the defaults with changes, checked."""
    return RolloutLimits(**{**LIMITS.model_dump(), **changes})


def request(state: ApprovalState, hours: float = 1) -> Request:
    """Return a request that expires in so many hours."""
    return Request(state, NOW + timedelta(hours=hours))


def situation(
    evidence: Evidence,
    state: RolloutState = RolloutState.RUNNING,
    asked: Request | None = None,
    **changes: Any,
) -> Situation:
    """Return the situation of a rollout, with changes of its limits."""
    return Situation(state, limits(**changes), evidence, asked)


# --- anything that may be ----------------------------------------------------------------

SHARES = st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.75, 1.0])
TIMES = st.none() | st.sampled_from([0.0, 0.5, 20.0, SLOW_MS, 60.0, 1e5])
MOMENTS = st.integers(0, 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds))
RUNS = st.lists(
    st.builds(
        Served,
        st.booleans(),
        SHARES,
        st.sampled_from(["a:0", "a:1", "b:0"]),
        st.booleans(),
        st.sampled_from([SIZE, 10]),
        TIMES,
        MOMENTS,
    ),
    max_size=8,
)
PAIRS = st.lists(
    st.builds(
        Compared,
        *(st.booleans(), st.booleans(), st.booleans()),
        *(TIMES, TIMES, st.booleans(), MOMENTS),
    ),
    max_size=8,
)
GIVEN = st.lists(st.builds(Assigned, st.booleans(), SHARES), max_size=8)


def fold(runs: list[Served], pairs: list[Compared], given_to: list[Assigned]) -> Tally:
    """Return the tally of some facts, with the baseline."""
    tally = Tally().with_baseline(BASELINE).share_out(given_to, given_to[::2])
    return tally.serve(runs, BASELINE).compare(pairs, LIMITS.slower_by)


AGES = st.none() | st.floats(0, 1e9)
COUNTS = st.integers(0, 10**6)
TALLIES = st.builds(fold, RUNS, PAIRS, GIVEN) | st.just(Tally())
EVIDENCE = st.builds(
    Evidence,
    now=MOMENTS,
    phase=st.sampled_from(PhaseName),
    step=st.sampled_from([STEP, "a:0"]),
    share=st.floats(0, 1),
    step_seconds=st.floats(0, 1e9),
    tally=TALLIES,
    baseline=st.sampled_from([None, BASELINE, replace(BASELINE, cpu_percent=12.5)]),
    overtaken=st.text(max_size=20),
    was_rolled_back=st.booleans(),
    new_build=st.sampled_from(["", "scanning 2.0"]),
    sample_age_seconds=AGES,
    recent=st.builds(ArmCount, COUNTS, COUNTS),
    health=st.none()
    | st.builds(
        Health,
        st.none() | st.floats(0, 1),
        st.floats(0, 1e6),
        st.lists(st.sampled_from(["resources", "performance"])).map(tuple),
        COUNTS,
    ),
    critical_seconds=st.dictionaries(st.sampled_from(["memory", "latency"]), st.floats(0, 1e6)),
    imported_matched=COUNTS,
    imported_mismatched=COUNTS,
    cleanup=st.builds(Cleanup, AGES, AGES, st.booleans()),
)
