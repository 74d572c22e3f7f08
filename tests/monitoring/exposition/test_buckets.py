"""Histograms outside count what ours hold, within their 1 %."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from monitoring.exposition.buckets import ANY, SECONDS, cumulative, limits_of
from monitoring.metrics.histograms import ACCURACY, of_values

VALUES = st.lists(st.floats(0, 1e7, allow_nan=False))


@given(VALUES)
def test_each_limit_counts_the_values_that_are_not_above_it(values: list[float]) -> None:
    for limit, count in cumulative(of_values(values), 0.001, SECONDS):
        least = sum(value * 0.001 <= limit * (1 - 2 * ACCURACY) for value in values)
        most = sum(value * 0.001 <= limit * (1 + 2 * ACCURACY) for value in values)
        assert least <= count <= most


@given(VALUES)
def test_counts_never_fall_and_end_with_all(values: list[float]) -> None:
    found = cumulative(of_values(values), 1.0, ANY)
    assert all(first[1] <= second[1] for first, second in pairwise(found))
    assert found[-1] == (math.inf, len(values))


def test_limits_grow_and_a_unit_without_its_own_has_some() -> None:
    for unit in ("seconds", "ratio", "captures"):
        limits = limits_of(unit)
        assert list(limits) == sorted(set(limits))
    # what targets and promises are measured by
    assert {0.1, 600.0} <= set(limits_of("seconds"))
