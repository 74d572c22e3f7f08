"""Numbers read the same everywhere: decimal units, one space, three figures at most."""

from __future__ import annotations

import pytest

from trimming import quantities


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1_000, "1.0 kB"),
        (9_840_000, "9.8 MB"),
        (71_000_000, "71.0 MB"),
        (99_940_000, "99.9 MB"),
        (99_960_000, "100 MB"),
        (117_600_000, "118 MB"),
        (999_400_000, "999 MB"),
        (999_600_000, "1.0 GB"),
        (2_200_000_000, "2.2 GB"),
        (5_000_000_000_000, "5.0 TB"),
        (12_345_000_000_000_000, "12,345 TB"),
    ],
)
def test_a_size_has_a_decimal_unit_and_never_reads_1000(count: int, text: str) -> None:
    assert quantities.size(count) == text


@pytest.mark.parametrize(
    ("count", "text"), [(8_000_000_000, "8 GB"), (1_500_000, "1.5 MB"), (200_000_000, "200 MB")]
)
def test_a_limit_has_no_empty_decimal(count: int, text: str) -> None:
    assert quantities.limit(count) == text


def test_a_rate_is_a_size_a_second() -> None:
    assert quantities.rate(4_110_000) == "4.1 MB/s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0, "0 s"),
        (0.003, "3.0 ms"),
        (0.00996, "0.01 s"),
        (0.41, "0.41 s"),
        (0.9951, "1.0 s"),
        (18.4, "18.4 s"),
        (59.96, "1 min 0 s"),
        (521, "8 min 41 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (360_000_000, "100,000 h 0 min"),
    ],
)
def test_a_duration_has_the_units_that_its_length_needs(seconds: float, text: str) -> None:
    assert quantities.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0:00"), (59, "0:59"), (521.9, "8:41"), (3723, "1:02:03")]
)
def test_a_clock_counts_whole_seconds(seconds: float, text: str) -> None:
    assert quantities.clock(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (856, 1000, "85.6 %"),
        (1, 1_000_000, "0.1 %"),
        (999_999, 1_000_000, "99.9 %"),
        (12, 10, "100 %"),
        (1, 0, ""),
    ],
)
def test_only_nothing_is_0_percent_and_only_everything_100(
    part: int, whole: int, text: str
) -> None:
    assert quantities.percent(part, whole) == text


def test_a_count_has_its_thousands_marked() -> None:
    assert quantities.count(20_431) == "20,431"
