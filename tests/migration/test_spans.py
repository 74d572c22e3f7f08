"""Spans of time in words."""

from __future__ import annotations

import pytest

from migration.spans import long_span

HOUR = 3600.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (18.4, "18 s"),
        (95.0, "1 min 35 s"),
        (300.0, "5 min"),
        (541.0, "9 min"),
        (3290.0, "55 min"),
        (3595.0, "1 h"),
        (HOUR, "1 h"),
        (1.25 * HOUR, "1 h 15 min"),
        (29.5 * HOUR, "29 h 30 min"),
        (47.6 * HOUR, "2 d"),
        (149.0 * HOUR, "6 d 5 h"),
        (14 * 24 * HOUR, "14 d"),
    ],
)
def test_a_span_has_two_units_at_most(seconds: float, words: str) -> None:
    assert long_span(seconds) == words
