"""What is drawn from seed and digest: samples that nest, orders that balance."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimming.ab_test.draw import ROLES, in_sample, is_share, order

DIGESTS = [sha256(str(number).encode()).hexdigest() for number in range(4000)]
shares = st.floats(0, 1, exclude_min=True)


@given(st.sampled_from(DIGESTS), shares, shares, st.integers(0, 1 << 32))
def test_a_larger_sample_contains_the_smaller_one(
    digest: str, share: float, other: float, seed: int
) -> None:
    smaller, larger = sorted((share, other))
    assert in_sample(digest, smaller, seed) <= in_sample(digest, larger, seed)


def test_the_whole_share_holds_every_capture() -> None:
    assert all(in_sample(digest, 1, 1) for digest in DIGESTS)


def test_a_share_of_a_quarter_holds_about_a_quarter() -> None:
    # four standard deviations of a binomial count of 4,000 are 110
    assert abs(sum(in_sample(digest, 0.25, 1) for digest in DIGESTS) - 1000) < 110


def test_another_seed_draws_another_sample() -> None:
    first, second = ({d for d in DIGESTS if in_sample(d, 0.5, seed)} for seed in (1, 2))
    assert 800 < len(first & second) < 1200


def test_each_strategy_goes_first_about_as_often() -> None:
    first = [order(digest, 1, 0)[0] for digest in DIGESTS]
    assert abs(first.count("legacy") - 2000) < 130


@given(st.sampled_from(DIGESTS), st.integers(0, 1 << 32), st.integers(0, 9))
def test_an_order_holds_both_strategies_and_is_always_the_same(
    digest: str, seed: int, repetition: int
) -> None:
    drawn = order(digest, seed, repetition)
    assert sorted(drawn) == sorted(ROLES)
    assert order(digest, seed, repetition) == drawn


@pytest.mark.parametrize(
    ("share", "is_one"),
    [(1.0, True), (1e-9, True), (0.0, False), (1.01, False), (-0.5, False), (float("nan"), False)],
)
def test_a_share_is_above_nothing_and_at_most_everything(share: float, is_one: bool) -> None:
    assert is_share(share) is is_one
