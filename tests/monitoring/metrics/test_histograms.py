"""Histograms that are merged say what one histogram of all values would."""

from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.metrics.histograms import ACCURACY, Histogram, from_json, merge, of_values

VALUES = st.floats(min_value=0, max_value=1e9, allow_nan=False)
MANY = st.lists(VALUES, min_size=1, max_size=60)


def exact(values: list[float], q: float) -> float:
    return sorted(values)[math.floor(q * (len(values) - 1))]


@given(st.lists(MANY, min_size=1, max_size=6), st.floats(0, 1), st.randoms())
def test_quantiles_of_merged_histograms_are_within_one_percent_in_any_order(
    parts: list[list[float]], q: float, chance: random.Random
) -> None:
    histograms = [of_values(part) for part in parts]
    shuffled = sorted(histograms, key=lambda _: chance.random())
    nested = merge([merge(shuffled[:2]), *shuffled[2:]])
    found = nested.quantile(q)
    expected = exact([value for part in parts for value in part], q)
    assert found is not None
    assert found == pytest.approx(expected, rel=ACCURACY * 1.0001, abs=1e-9)
    assert nested == merge(reversed(histograms))


@given(MANY)
def test_a_total_is_as_exact_as_a_quantile(values: list[float]) -> None:
    assert of_values(values).total == pytest.approx(sum(values), rel=ACCURACY * 1.0001, abs=1e-6)


@given(MANY)
def test_a_histogram_comes_back_from_the_database_as_it_was(values: list[float]) -> None:
    histogram = of_values(values)
    assert from_json(json.loads(json.dumps(histogram.as_json()))) == histogram
    assert histogram.count == len(values)


@given(MANY, VALUES)
def test_the_share_above_a_limit_is_that_of_the_values_but_for_those_next_to_it(
    values: list[float], limit: float
) -> None:
    share = of_values(values).share_above(limit)
    assert share is not None
    surely = sum(value > limit * 1.021 for value in values) / len(values)
    perhaps = sum(value > limit / 1.021 for value in values) / len(values)
    if limit > 1e-8:
        assert surely <= share <= perhaps


def test_without_values_nothing_is_said() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().share_above(1) is None
    assert merge([]) == Histogram()


def test_all_that_is_not_zero_is_above_zero() -> None:
    assert of_values([0, 0, 3, 4]).share_above(0) == 0.5


@pytest.mark.parametrize("q", [-0.1, 1.1])
def test_a_quantile_outside_0_to_1_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        of_values([1]).quantile(q)


def test_a_rank_beyond_the_values_is_refused() -> None:
    with pytest.raises(ValueError, match="no rank 2 among 2 values"):
        of_values([1, 2]).at_rank(2)


@pytest.mark.parametrize("value", [-1, math.inf, math.nan])
def test_a_value_that_is_no_measurement_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite values"):
        of_values([value])
