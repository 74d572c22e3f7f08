"""A rate with its certainty: it holds the truth at every look."""

from __future__ import annotations

import random
from functools import cache, partial

import pytest

from monitoring.confidence import rate_confidence_sequence


def test_without_trials_nothing_is_known() -> None:
    assert rate_confidence_sequence(0, 0, 0.01) == (0.0, 1.0)


def test_without_events_it_begins_at_0_and_with_nothing_else_it_ends_at_1() -> None:
    low, high = rate_confidence_sequence(0, 100, 0.01)
    assert low == 0.0
    assert 0 < high < 0.1
    low, high = rate_confidence_sequence(100, 100, 0.01)
    assert 0.9 < low < 1
    assert high == 1.0


def test_it_holds_what_was_seen_and_narrows_with_what_is_seen() -> None:
    widths = []
    for trials in (10, 100, 1_000, 10_000):
        low, high = rate_confidence_sequence(trials // 10, trials, 0.01)
        assert low < 0.1 < high
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_it_is_the_same_from_the_other_side() -> None:
    low, high = rate_confidence_sequence(3, 50, 0.05)
    other = rate_confidence_sequence(47, 50, 0.05)
    assert (1 - other[1], 1 - other[0]) == pytest.approx((low, high))


@pytest.mark.no_cover
@pytest.mark.parametrize("rate", [0.002, 0.02, 0.3])
def test_it_misses_the_truth_at_some_look_no_more_often_than_promised(rate: float) -> None:
    chance = random.Random(4711)
    # walks meet
    interval = cache(partial(rate_confidence_sequence, alpha=0.1))
    walks, missed = 300, 0
    for _ in range(walks):
        events = 0
        for trials in range(1, 401):
            events += chance.random() < rate
            low, high = interval(events, trials)
            if not low <= rate <= high:
                missed += 1
                break
    # 10 % are promised; with 300 walks, 0.1 + three standard deviations are 0.152
    assert missed / walks <= 0.152


@pytest.mark.parametrize(("events", "trials", "alpha"), [(-1, 3, 0.1), (4, 3, 0.1), (1, 3, 1.0)])
def test_what_cannot_be_is_refused(events: int, trials: int, alpha: float) -> None:
    with pytest.raises(ValueError, match=r"cannot be|expected a number"):
        rate_confidence_sequence(events, trials, alpha)
