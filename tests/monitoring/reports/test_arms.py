"""What a report says of the two arms where little, or a lot, is known of them."""

from __future__ import annotations

import pytest

from monitoring.metrics.histograms import of_values
from monitoring.reports.arms import Share, quantile, said_of
from trimming.routing_choices import Arm


@pytest.mark.parametrize(
    ("control", "treatment", "said"),
    [
        ((0, 500), (60, 500), "scanning fails more often"),
        ((60, 500), (0, 500), "legacy fails more often"),
        ((3, 500), (5, 500), "no difference is shown"),
        ((1, 2), (0, 2), "no difference is shown"),
        ((3, 500), (0, 0), "no work to compare with"),
    ],
)
def test_a_difference_is_said_where_the_intervals_lie_apart_only(
    control: tuple[int, int], treatment: tuple[int, int], said: str
) -> None:
    shares = {Arm.CONTROL: Share(*control), Arm.TREATMENT: Share(*treatment)}
    assert said in said_of(shares)


def test_without_captures_a_share_is_unknown_and_not_zero() -> None:
    assert Share(0, 0).value().value is None


def test_a_quantile_of_few_values_has_open_ends_and_of_none_is_unknown() -> None:
    assert quantile(of_values([]), 0.95).value is None
    few = quantile(of_values([1.0, 2.0, 3.0]), 0.95)
    assert few.value == pytest.approx(2.0, rel=0.01)
    assert (few.low, few.high) == (None, None)
