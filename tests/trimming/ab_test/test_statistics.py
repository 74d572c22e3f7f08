"""Intervals against values that are known from elsewhere, and against what must always hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.ab_test import statistics
from trimming.ab_test.statistics import (
    Interval,
    clopper_pearson,
    median_ratio,
    median_ratio_interval,
    ratio_of_sums,
    upper_bound,
)

counts = st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
positive = st.floats(1e-6, 1e6)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # R: binom.test(hits, trials)$conf.int
        (0, 10, 0.0, 0.3084971),
        (10, 10, 0.6915029, 1.0),
        (5, 10, 0.1870860, 0.8129140),
        (1, 20, 0.001265089, 0.2487328),
        (34, 34, 0.8972053, 1.0),
    ],
)
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(
    hits: int, trials: int, low: float, high: float
) -> None:
    found = clopper_pearson(hits, trials)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-4)


@pytest.mark.parametrize("trials", [1, 34, 299, 2994])
def test_without_a_hit_the_upper_bound_is_the_exact_rule_of_three(trials: int) -> None:
    assert upper_bound(0, trials) == pytest.approx(1 - 0.05 ** (1 / trials))


def test_where_everything_hits_the_upper_bound_is_one() -> None:
    assert upper_bound(7, 7) == 1


@given(counts)
def test_an_interval_holds_the_share_and_stays_within_0_and_1(pair: tuple[int, int]) -> None:
    hits, trials = pair
    found, bound = clopper_pearson(hits, trials), upper_bound(hits, trials)
    assert found is not None
    assert bound is not None
    assert 0 <= found.low <= hits / trials <= found.high <= 1
    assert hits / trials <= bound <= found.high + 1e-12


@given(counts)
def test_the_interval_of_the_others_is_its_mirror(pair: tuple[int, int]) -> None:
    hits, trials = pair
    found, mirror = clopper_pearson(hits, trials), clopper_pearson(trials - hits, trials)
    assert found is not None
    assert mirror is not None
    assert (found.low, found.high) == pytest.approx((1 - mirror.high, 1 - mirror.low), abs=1e-9)


@given(counts)
def test_more_confidence_makes_an_interval_wider(pair: tuple[int, int]) -> None:
    narrow, wide = clopper_pearson(*pair, 0.8), clopper_pearson(*pair, 0.99)
    assert narrow is not None
    assert wide is not None
    assert wide.low <= narrow.low
    assert narrow.high <= wide.high


def test_without_trials_nothing_is_said() -> None:
    assert clopper_pearson(0, 0) is None
    assert upper_bound(0, 0) is None


@pytest.mark.parametrize(("hits", "trials"), [(-1, 3), (4, 3)])
def test_counts_that_cannot_be_are_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        clopper_pearson(hits, trials)
    with pytest.raises(ValueError, match="cannot be"):
        upper_bound(hits, trials)


def test_a_ratio_of_sums_that_is_the_same_everywhere_has_no_width() -> None:
    found = ratio_of_sums([1, 2, 3], [2, 4, 6], seed=1)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 1000)), min_size=2, max_size=20))
def test_the_interval_of_a_ratio_stays_among_the_ratios(pairs: list[tuple[int, int]]) -> None:
    parts, wholes = [min(pair) for pair in pairs], [pair[1] for pair in pairs]
    found = ratio_of_sums(parts, wholes, seed=1)
    assert found is not None
    ratios = [part / whole for part, whole in zip(parts, wholes, strict=True)]
    assert min(ratios) - 1e-12 <= found.low <= found.high <= max(ratios) + 1e-12


def test_the_interval_of_a_ratio_covers_the_truth_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(7)
    hits = 0
    for trial in range(200):
        wholes = generator.integers(50, 150, 40)
        parts = generator.binomial(wholes, 0.9)
        found = ratio_of_sums(parts.tolist(), wholes.tolist(), seed=trial)
        assert found is not None
        hits += found.low <= 0.9 <= found.high
    # four standard deviations below 95 % of 200
    assert hits >= 178


@pytest.mark.parametrize(("parts", "wholes"), [([], []), ([1], [1]), ([0, 0], [0, 0])])
def test_of_too_few_captures_no_interval_is_given(parts: list[float], wholes: list[float]) -> None:
    assert ratio_of_sums(parts, wholes, seed=1) is None


def test_draws_without_any_bytes_are_left_out() -> None:
    assert ratio_of_sums([0, 3], [0, 4], seed=1) == Interval(0.75, 0.75)


def test_the_median_of_ratios_is_taken_of_their_logarithms() -> None:
    assert median_ratio([2, 8], [1, 1]) == pytest.approx(4)
    assert median_ratio([], []) is None


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=20))
def test_turning_pairs_around_turns_the_ratio_around(pairs: list[tuple[float, float]]) -> None:
    above, below = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    ratio, turned = median_ratio(above, below), median_ratio(below, above)
    assert ratio is not None
    assert turned is not None
    assert math.log(ratio) == pytest.approx(-math.log(turned), abs=1e-9)


@given(st.lists(st.tuples(positive, positive), min_size=2, max_size=20), st.integers(0, 9))
def test_the_interval_of_the_median_is_drawn_from_the_seed(
    pairs: list[tuple[float, float]], seed: int
) -> None:
    above, below = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    found, ratio = median_ratio_interval(above, below, seed), median_ratio(above, below)
    assert found is not None
    assert ratio is not None
    assert found == median_ratio_interval(above, below, seed)
    ratios = [a / b for a, b in pairs]
    assert min(ratios) * 0.999 <= found.low <= found.high <= max(ratios) * 1.001


def test_one_pair_has_a_ratio_but_no_interval() -> None:
    assert median_ratio([3], [1]) == pytest.approx(3)
    assert median_ratio_interval([3], [1], seed=1) is None


def test_many_captures_are_drawn_in_parts_with_the_same_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    above, below = [float(n) for n in range(1, 30)], [2.0] * 29
    whole = median_ratio_interval(above, below, seed=3)
    monkeypatch.setattr(statistics, "_HELD", 64)
    assert median_ratio_interval(above, below, seed=3) == whole


@pytest.mark.parametrize("values", [([0.0], [1.0]), ([1.0], [-1.0])])
def test_times_that_cannot_be_are_refused(values: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        median_ratio(*values)


def test_values_without_a_partner_are_refused() -> None:
    with pytest.raises(ValueError, match="pairs are needed"):
        ratio_of_sums([1, 2], [1], seed=1)
