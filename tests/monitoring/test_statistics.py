"""The e-processes: figures of the design, and what must not matter."""

from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.eprocesses import Kept, fires
from monitoring.statistics import (
    BaselineRateProcess,
    ErrorRateProcess,
    Failures,
    MismatchBound,
    PairedLatencyProcess,
    SampleRatio,
    SlowLimits,
    baseline_limit,
    is_slow,
    is_slower,
    quantile_confidence_sequence,
    quantile_interval,
    sample_ratio_evidence,
    size_bucket,
)

COUNTS = st.integers(0, 40)
SHARES = st.sampled_from([0.01, 0.05, 0.25, 0.5, 0.75])
FAILURES = st.builds(Failures, SHARES, st.booleans(), st.integers(0, 5))


def close(one: float, other: float) -> bool:
    return one == pytest.approx(other, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("p0", "needed", "for_each"), [(0.01, 332, 255), (0.001, 3327, 2558)])
def test_a_bound_without_a_mismatch_needs_what_the_design_says(
    p0: float, needed: int, for_each: int
) -> None:
    bound = MismatchBound(p0)
    assert bound.runs_needed(0.05) == needed
    with_one = bound.update(matched=0, mismatched=1).runs_needed(0.05)
    assert with_one - needed == pytest.approx(for_each, abs=1.5)
    assert fires(bound.update(matched=needed, mismatched=0), 0.05)
    assert not fires(bound.update(matched=needed - 1, mismatched=0), 0.05)
    assert bound.update(matched=2 * needed, mismatched=0).runs_needed(0.05) == 0


def test_a_pair_counts_as_slower_beyond_ten_percent() -> None:
    assert is_slower(111, 100)
    assert not is_slower(110, 100)

    assert is_slower(151, 100, delta=0.5)
    assert not is_slower(150, 100, delta=0.5)


@pytest.mark.parametrize("time_ms", [math.nan, math.inf, -1])
def test_a_time_that_is_none_is_refused(time_ms: float) -> None:
    for times in ((time_ms, 1), (1, time_ms)):
        with pytest.raises(ValueError, match="a time is finite and not negative"):
            is_slower(*times)
    with pytest.raises(ValueError, match="a time is finite and not negative"):
        is_slow(time_ms, 1, SlowLimits())
    with pytest.raises(ValueError, match="a time is finite and not negative"):
        SlowLimits.freeze([(1, time_ms)])
    with pytest.raises(ValueError, match="a time is finite and not negative"):
        SlowLimits(((0, time_ms),))


def test_a_tolerance_that_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="finite number above -1"):
        is_slower(1, 1, delta=math.nan)


@pytest.mark.parametrize(
    ("size_bytes", "bucket"),
    [
        (0, 0),
        (1023, 0),
        (1024, 1024),
        (4095, 1024),
        (4096, 4096),
        (4**15, 4**15),
        (4**15 - 1, 4**14),
    ],
)
def test_buckets_go_from_one_power_of_four_to_the_next(size_bytes: int, bucket: int) -> None:
    assert size_bucket(size_bytes) == bucket


@given(st.integers(1024, 10**13))
def test_a_size_lies_in_its_bucket(size_bytes: int) -> None:
    bucket = size_bucket(size_bytes)
    assert bucket <= size_bytes < 4 * bucket
    assert size_bucket(bucket) == bucket


def test_a_run_is_slow_beyond_the_95th_of_a_hundred_of_its_size() -> None:
    control = [(5000, float(ms)) for ms in range(1, 101)] + [(20_000, 7.0)] * 99
    limits = SlowLimits.freeze(control)
    assert limits == SlowLimits(((4096, 95.0),))
    assert not is_slow(95.0, 16_383, limits)
    assert is_slow(95.1, 4096, limits) is True


def test_a_size_without_enough_runs_of_control_has_no_slow_runs() -> None:
    limits = SlowLimits.freeze([(20_000, 7.0)] * 99)
    assert is_slow(1e9, 20_000, limits) is None
    assert is_slow(7.1, 20_000, SlowLimits.freeze([(20_000, 7.0)], least_runs=0)) is True


@pytest.mark.parametrize(
    ("pairs", "theta"), [(9, 0.97), (18, 0.9)], ids=["twice as slow", "half as slow again"]
)
def test_many_slower_pairs_are_harm(pairs: int, theta: float) -> None:
    assert fires(
        PairedLatencyProcess().update(slower=pairs, not_slower=round(pairs * (1 - theta))), 0.01
    )


@given(st.lists(FAILURES, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_failures_inside_one_look_does_not_matter(
    failures: list[Failures], chance: Random
) -> None:
    shuffled = chance.sample(failures, len(failures))
    before = ErrorRateProcess().update(0.25, on_treatment=True, count=3)
    assert before.update_all(shuffled) == before.update_all(failures)


@given(st.lists(FAILURES, max_size=30))
def test_failures_in_one_look_or_one_by_one_are_the_same_evidence(
    failures: list[Failures],
) -> None:
    one_by_one = ErrorRateProcess()
    for w, on_treatment, count in failures:
        for _ in range(count):
            one_by_one = one_by_one.update(w, on_treatment=on_treatment)
    together = ErrorRateProcess().update_all(failures)
    assert close(one_by_one.log_e, together.log_e)
    # one who looks more often has seen at least as much
    assert one_by_one.anytime_p <= together.anytime_p * (1 + 1e-9)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_counts_may_come_together_or_one_after_the_other(a: int, b: int, c: int, d: int) -> None:
    assert close(
        BaselineRateProcess(0.02).update(failed=a + c, succeeded=b + d).log_e,
        BaselineRateProcess(0.02).update(failed=a, succeeded=b).update(failed=c, succeeded=d).log_e,
    )
    assert close(
        PairedLatencyProcess().update(slower=a + c, not_slower=b + d).log_e,
        PairedLatencyProcess().update(slower=a, not_slower=b).update(slower=c, not_slower=d).log_e,
    )
    assert close(
        SampleRatio().update(0.25, treatment=a + c, control=b + d).log_e,
        SampleRatio()
        .update(0.25, treatment=a, control=b)
        .update(0.25, treatment=c, control=d)
        .log_e,
    )
    assert MismatchBound(0.01).update(matched=a + c, mismatched=b + d) == (
        MismatchBound(0.01).update(matched=a, mismatched=b).update(matched=c, mismatched=d)
    )


@given(COUNTS, COUNTS, SHARES)
def test_evidence_comes_back_from_json_as_it_was(a: int, b: int, share: float) -> None:
    kept: tuple[Kept, ...] = (
        BaselineRateProcess(0.02).update(failed=a, succeeded=b),
        ErrorRateProcess(rho=1.2).update(share, on_treatment=True, count=a),
        PairedLatencyProcess().update(slower=a, not_slower=b),
        MismatchBound(share).update(matched=a, mismatched=b),
        SampleRatio().update(share, treatment=a, control=b).update(0.3, treatment=b, control=a),
        SlowLimits(((size_bucket(a * 1000), float(b)),)),
    )
    for each in kept:
        assert type(each).from_dict(json.loads(json.dumps(each.as_dict()))) == each


def test_evidence_names_its_own_grid() -> None:
    kept = ErrorRateProcess(psi=(2.0, 4.0), sums=(0.0, 0.0)).as_dict()
    assert kept == {"max_log_e": 0.0, "rho": 1.1, "psi": [2.0, 4.0], "sums": [0.0, 0.0]}
    assert ErrorRateProcess.from_dict(kept).psi == (2.0, 4.0)


def test_what_was_kept_by_something_else_is_refused() -> None:
    kept = PairedLatencyProcess().as_dict()
    with pytest.raises(ValueError, match="MismatchBound has"):
        MismatchBound.from_dict(kept)
    with pytest.raises(ValueError, match="PairedLatencyProcess has"):
        PairedLatencyProcess.from_dict({**kept, "more": 1})
    with pytest.raises(ValueError, match="finite number"):
        PairedLatencyProcess.from_dict({**kept, "max_log_e": math.nan})
    with pytest.raises(ValueError, match="8 risk ratios cannot have 2 sums"):
        ErrorRateProcess(sums=(0.0, 0.0))


@pytest.mark.parametrize("w", [0.05, 0.5])
def test_a_failure_adds_what_the_design_says(w: float) -> None:
    shifted = w * 1.1 / (w * 1.1 + 1 - w)
    whole = shifted * 2 + 1 - shifted
    alone = ErrorRateProcess(psi=(2.0,), sums=(0.0,))
    assert close(alone.update(w, on_treatment=True).log_e, math.log(2 / whole))
    assert close(alone.update(w, on_treatment=False).log_e, -math.log(whole))


def test_nothing_overflows() -> None:
    harm = ErrorRateProcess().update(0.01, on_treatment=True, count=10_000_000)
    assert harm.log_e > 1e6
    assert harm.anytime_p == 0
    assert BaselineRateProcess(0.01).update(failed=0, succeeded=10**9).log_e < 0
    assert PairedLatencyProcess().update(slower=10**9, not_slower=0).log_e > 1e8
    assert math.isfinite(SampleRatio().update(0.5, treatment=10**9, control=0).log_e)


def test_counts_of_numpy_are_counts() -> None:
    counted: Any = np.int64(3)
    process = PairedLatencyProcess().update(slower=counted, not_slower=1)
    assert json.loads(json.dumps(process.as_dict()))["slower"] == 3


def test_the_p_value_remembers_the_most_there_ever_was() -> None:
    process = PairedLatencyProcess().update(slower=9, not_slower=0)
    strong = process.anytime_p
    assert process.update(slower=0, not_slower=50).anytime_p == strong < 0.01
    assert (
        BaselineRateProcess(0.01).anytime_p
        == ErrorRateProcess().anytime_p
        == PairedLatencyProcess().anytime_p
        == 1
    )
    assert BaselineRateProcess(0.01).update(failed=5, succeeded=0).anytime_p < 0.01
    assert ErrorRateProcess().update(0.01, on_treatment=True, count=5).anytime_p < 0.01


def test_without_evidence_an_e_value_is_one() -> None:
    for process in (
        ErrorRateProcess(),
        BaselineRateProcess(0.1),
        PairedLatencyProcess(),
        SampleRatio(),
    ):
        assert close(process.log_e, 0)


def test_the_mixture_of_a_sample_ratio_is_that_of_the_design() -> None:
    # Beta(500, 500): one of one is as likely as under H0, two of two 501 / 1001 * 2 times as likely
    assert close(sample_ratio_evidence(1, 1, 0.5), 0)
    assert close(sample_ratio_evidence(2, 2, 0.5), math.log(2 * 501 / 1001))
    with pytest.raises(ValueError, match="3 of 2 captures cannot be"):
        sample_ratio_evidence(3, 2, 0.5)


def test_swapped_arms_are_noticed() -> None:
    assert fires(SampleRatio().update(0.05, treatment=475, control=25), 0.001)
    assert not fires(SampleRatio().update(0.05, treatment=25, control=475), 0.001)


def test_shares_are_judged_apart_and_together() -> None:
    ratio = (
        SampleRatio()
        .update(0.05, treatment=50, control=950)
        .update(0.5, treatment=600, control=400)
    )
    alone = SampleRatio().update(0.5, treatment=600, control=400)
    assert len(ratio.shared) == 2
    assert ratio.log_e < alone.log_e


@pytest.mark.parametrize(
    ("failed", "runs", "expected"),
    [(0, 100_000, 1.1 * 0.001), (0, 100, 1.1 * (1 - 0.01 ** (1 / 100))), (7, 7, 0.99)],
)
def test_the_limit_of_a_baseline_is_its_upper_bound_and_never_nothing(
    failed: int, runs: int, expected: float
) -> None:
    assert baseline_limit(failed, runs) == pytest.approx(expected, rel=1e-6)
    assert BaselineRateProcess.from_baseline(failed, runs).p0 == baseline_limit(failed, runs)


@given(st.integers(0, 10_000_000), SHARES)
def test_the_ranks_enclose_the_quantile(n: int, q: float) -> None:
    low, high = quantile_confidence_sequence(n, q, 0.05)
    assert 0 <= low <= round(q * n) <= high <= n


@pytest.mark.parametrize("q", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("n", [0, 1, 7, 400])
def test_bisection_finds_exactly_the_ranks_that_the_criterion_keeps(n: int, q: float) -> None:
    kept = [k for k in range(n + 1) if sample_ratio_evidence(k, n, q, weight=50) < -math.log(0.05)]
    assert quantile_confidence_sequence(n, q, 0.05) == (kept[0], kept[-1])
    assert len(kept) == kept[-1] - kept[0] + 1


def test_an_interval_of_a_quantile_narrows_and_is_open_where_little_is_known() -> None:
    few, many = range(10), range(10_000)
    assert quantile_interval(few, 0.95, 0.05)[1] == math.inf
    assert quantile_interval(few, 0.05, 0.05)[0] == -math.inf
    low, high = quantile_interval(many, 0.95, 0.05)
    assert 9_300 < low < 9_500 < high < 9_700


@pytest.mark.parametrize("share", [0, 1, -1, 2, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        ErrorRateProcess().update(share, on_treatment=True)
    with pytest.raises(ValueError, match="between 0 and 1"):
        SampleRatio().update(share, treatment=1, control=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fires(ErrorRateProcess(), share)

    with pytest.raises(ValueError, match="between 0 and 1"):
        sample_ratio_evidence(1, 2, share)
    with pytest.raises(ValueError, match="between 0 and 1"):
        quantile_confidence_sequence(10, share, 0.05)
    with pytest.raises(ValueError, match="between 0 and 1"):
        MismatchBound(share)
    with pytest.raises(ValueError, match="between 0 and 1"):
        MismatchBound(0.01).runs_needed(share)
    with pytest.raises(ValueError, match="between 0 and 1"):
        PairedLatencyProcess(theta=(share,))


@pytest.mark.parametrize("count", [-1, math.nan, 1.5])
def test_a_count_that_is_none_is_refused(count: int) -> None:
    for add in (
        lambda: ErrorRateProcess().update(0.5, on_treatment=True, count=count),
        lambda: BaselineRateProcess(0.1).update(failed=0, succeeded=count),
        lambda: PairedLatencyProcess().update(slower=count, not_slower=0),
        lambda: MismatchBound(0.1).update(matched=0, mismatched=count),
        lambda: MismatchBound(0.1, matched=count),
        lambda: SampleRatio().update(0.5, treatment=count, control=0),
        lambda: quantile_confidence_sequence(count, 0.5, 0.05),
        lambda: size_bucket(count),
    ):
        with pytest.raises(ValueError, match="a count is"):
            add()


@pytest.mark.parametrize("value", [math.nan, math.inf, 0, -1])
def test_ratios_that_cannot_be_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite number above 0"):
        ErrorRateProcess(rho=value)
    with pytest.raises(ValueError, match="finite number above 0"):
        BaselineRateProcess(0.1, psi=(value,))
    with pytest.raises(ValueError, match="finite number above 0"):
        baseline_limit(0, 10, rho=value)
    with pytest.raises(ValueError, match="under H0 lies between 0 and"):
        BaselineRateProcess(-abs(value))


def test_nan_among_values_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN has no place"):
        quantile_interval([1.0, math.nan], 0.5, 0.05)


def test_rates_and_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="under H0"):
        BaselineRateProcess(1)
    with pytest.raises(ValueError, match="not negative"):
        PairedLatencyProcess().update(slower=-1, not_slower=0)
    with pytest.raises(ValueError, match="cannot have"):
        baseline_limit(3, 2)
    with pytest.raises(ValueError, match="cannot have"):
        baseline_limit(0, 0)
