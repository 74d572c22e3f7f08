"""The picture of a mail: any values can be drawn, and no peak is lost."""

from __future__ import annotations

import io
import math
from datetime import timedelta

import matplotlib.image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring.alerts.message import Picture
from monitoring.channels.mail_picture import MAX_POINTS, MAX_VALUE, drawable, png
from tests.monitoring.channels.messages import NOW, POINTS, pictures


@settings(max_examples=30)
@given(pictures)
def test_any_picture_can_be_drawn_or_has_nothing_to_draw(picture: Picture) -> None:
    found = png(picture)
    if found is None:
        assert len(drawable(picture.points)) < 2
    else:
        assert matplotlib.image.imread(io.BytesIO(found), format="png").shape[:2] == (360, 1120)


@given(st.lists(st.floats(), min_size=0, max_size=3000))
def test_points_are_bounded_in_order_and_keep_the_extremes(values: list[float]) -> None:
    points = tuple((NOW + timedelta(seconds=at), value) for at, value in enumerate(values))
    found = drawable(points[::-1])
    kept = [value for value in values if math.isfinite(value) and abs(value) <= MAX_VALUE]
    assert len(found) <= MAX_POINTS
    assert found == sorted(found, key=lambda point: point[0])
    if kept:
        shown = [value for _at, value in found]
        assert (min(shown), max(shown)) == (min(kept), max(kept))


def test_a_peak_of_one_sample_in_a_hundred_thousand_is_drawn() -> None:
    points = [(NOW + timedelta(seconds=5 * at), 1.0) for at in range(100_000)]
    points[31_415] = (points[31_415][0], 99.0)
    found = drawable(tuple(points))
    assert max(value for _at, value in found) == 99.0
    assert len(found) <= MAX_POINTS


@pytest.mark.parametrize("days", [1e-9, 1e-5, 0.04, 1, 7, 40, 400, 1096, 2000, 40_000])
def test_a_picture_of_any_span_of_time_has_ticks(days: float) -> None:
    points = ((NOW, 0.0), (NOW - timedelta(days=days), 1.0))
    assert png(Picture("CPU", "%", points)) is not None


def test_a_picture_is_small() -> None:
    found = png(Picture("CPU", "%", POINTS, 90.0))
    assert found is not None
    assert len(found) < 100_000
