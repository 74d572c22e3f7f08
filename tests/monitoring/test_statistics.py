"""The e-processes: figures of the design, and what must not matter."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.statistics import (
    BaselineRate,
    ErrorRate,
    MismatchBound,
    PairedLatency,
    SampleRatio,
    baseline_limit,
    fires,
    is_slower,
    quantile_interval,
    quantile_ranks,
)

COUNTS = st.integers(0, 40)
SHARES = st.sampled_from([0.01, 0.05, 0.25, 0.5, 0.75])


def close(one: float, other: float) -> bool:
    return one == pytest.approx(other, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(("p0", "needed", "for_each"), [(0.01, 332, 255), (0.001, 3327, 2558)])
def test_a_bound_without_a_mismatch_needs_what_the_design_says(
    p0: float, needed: int, for_each: int
) -> None:
    bound = MismatchBound(p0)
    assert bound.runs_needed(0.05) == needed
    with_one = bound.add(matched=0, mismatched=1).runs_needed(0.05)
    assert with_one - needed == pytest.approx(for_each, abs=1.5)
    assert fires(bound.add(matched=needed, mismatched=0), 0.05)
    assert not fires(bound.add(matched=needed - 1, mismatched=0), 0.05)
    assert bound.add(matched=2 * needed, mismatched=0).runs_needed(0.05) == 0


def test_a_pair_counts_as_slower_beyond_ten_percent() -> None:
    assert is_slower(111, 100)
    assert not is_slower(110, 100)


@pytest.mark.parametrize(
    ("pairs", "theta"), [(9, 0.97), (18, 0.9)], ids=["twice as slow", "half as slow again"]
)
def test_many_slower_pairs_are_harm(pairs: int, theta: float) -> None:
    assert fires(PairedLatency().add(slower=pairs, not_slower=round(pairs * (1 - theta))), 0.01)


@given(st.lists(st.tuples(SHARES, st.booleans()), max_size=30), st.randoms())
def test_the_order_of_failures_does_not_change_the_evidence(
    failures: list[tuple[float, bool]], chance: object
) -> None:
    shuffled = sorted(failures, key=lambda _: chance.random())  # type: ignore[attr-defined]
    one, other = ErrorRate(), ErrorRate()
    for share, on_treatment in failures:
        one = one.add_failure(share, on_treatment=on_treatment)
    for share, on_treatment in shuffled:
        other = other.add_failure(share, on_treatment=on_treatment)
    assert close(one.log_e, other.log_e)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_counts_may_come_together_or_one_after_the_other(a: int, b: int, c: int, d: int) -> None:
    assert close(
        BaselineRate(0.02).add(failed=a + c, succeeded=b + d).log_e,
        BaselineRate(0.02).add(failed=a, succeeded=b).add(failed=c, succeeded=d).log_e,
    )
    assert close(
        PairedLatency().add(slower=a + c, not_slower=b + d).log_e,
        PairedLatency().add(slower=a, not_slower=b).add(slower=c, not_slower=d).log_e,
    )
    assert close(
        SampleRatio().add(0.25, treatment=a + c, control=b + d).log_e,
        SampleRatio().add(0.25, treatment=a, control=b).add(0.25, treatment=c, control=d).log_e,
    )


@given(COUNTS, COUNTS, SHARES)
def test_evidence_comes_back_from_json_as_it_was(a: int, b: int, share: float) -> None:
    rate = BaselineRate(0.02).add(failed=a, succeeded=b)
    errors = ErrorRate().add_failure(share, on_treatment=True, count=a)
    ratio = SampleRatio().add(share, treatment=a, control=b)
    for process in (rate, errors, ratio, PairedLatency().add(slower=a, not_slower=b)):
        kept = json.loads(json.dumps(asdict(process)))
        given_back = {
            key: tuple(value) if isinstance(value, list) else value for key, value in kept.items()
        }
        assert type(process)(**given_back).log_e == process.log_e  # type: ignore[arg-type]


def test_the_p_value_remembers_the_most_there_ever_was() -> None:
    process = PairedLatency().add(slower=9, not_slower=0)
    strong = process.p
    assert process.add(slower=0, not_slower=50).p == strong < 0.01
    assert BaselineRate(0.01).p == ErrorRate().p == PairedLatency().p == 1
    assert BaselineRate(0.01).add(failed=5, succeeded=0).p < 0.01
    assert ErrorRate().add_failure(0.01, on_treatment=True, count=5).p < 0.01


def test_without_evidence_an_e_value_is_one() -> None:
    for process in (ErrorRate(), BaselineRate(0.1), PairedLatency(), SampleRatio()):
        assert close(process.log_e, 0)


def test_swapped_arms_are_noticed() -> None:
    assert fires(SampleRatio().add(0.05, treatment=475, control=25), 0.001)
    assert not fires(SampleRatio().add(0.05, treatment=25, control=475), 0.001)


def test_shares_are_judged_apart_and_together() -> None:
    ratio = SampleRatio().add(0.05, treatment=50, control=950).add(0.5, treatment=600, control=400)
    alone = SampleRatio().add(0.5, treatment=600, control=400)
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


@given(st.integers(0, 10_000_000), SHARES)
def test_the_ranks_enclose_the_quantile(n: int, q: float) -> None:
    low, high = quantile_ranks(n, q, 0.05)
    assert 0 <= low <= round(q * n) <= high <= n


def test_an_interval_of_a_quantile_narrows_and_is_open_where_little_is_known() -> None:
    few, many = range(10), range(10_000)
    assert quantile_interval(few, 0.95, 0.05)[1] == math.inf
    assert quantile_interval(few, 0.05, 0.05)[0] == -math.inf
    low, high = quantile_interval(many, 0.95, 0.05)
    assert 9_300 < low < 9_500 < high < 9_700


@pytest.mark.parametrize("share", [0, 1, -1, 2, math.nan])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        ErrorRate().add_failure(share, on_treatment=True)
    with pytest.raises(ValueError, match="between 0 and 1"):
        SampleRatio().add(share, treatment=1, control=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        fires(ErrorRate(), share)


def test_rates_and_counts_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="under H0"):
        BaselineRate(1)
    with pytest.raises(ValueError, match="not negative"):
        PairedLatency().add(slower=-1, not_slower=0)
    with pytest.raises(ValueError, match="cannot have"):
        baseline_limit(3, 2)
    with pytest.raises(ValueError, match="cannot have"):
        baseline_limit(0, 0)
