"""What a page shows of a look: classes, what became of bytes, lines of a dump, times."""

from __future__ import annotations

from typing import Any

import pytest

from trimming.engine.options import PROFILES, TrimOptions
from trimming.looking.shown import MOST_RANGES, Bytes, bytes_of, moment, seconds_since
from trimming.looking.words import LookedAt


def looked_at(before: bytes, after: bytes | None, *spans: tuple[int, int, str]) -> LookedAt:
    values: dict[str, Any] = {"origin_ns": 0, "timestamp_ns": 0, "link_type": 1}
    return LookedAt(
        **values,
        captured_len=len(before),
        original_len=len(before),
        before=before.hex(),
        after=None if after is None else after.hex(),
        spans=list(spans),
    )


def words(shown: Bytes) -> list[tuple[str, int, int, str]]:
    return [
        (str(each.name), each.start, each.count, str(each.happened.label)) for each in shown.ranges
    ]


def digits(shown: Bytes) -> list[str]:
    assert shown.after is not None
    return ["".join(run.digits for run in line.runs) + line.padding for line in shown.after]


def test_each_byte_has_its_class_and_what_became_of_it() -> None:
    before, after = b"\x01\x02\x03HBB?", b"\x01\x09\x03H\0\0?"
    answer = looked_at(before, after, (3, 4, "header"), (4, 6, "body"), (6, 7, "other"))
    shown = bytes_of(answer, 0, TrimOptions())
    assert words(shown) == [
        ("PACKET", 0, 1, "Kept"),
        ("PACKET", 1, 1, "Checksum carried along"),
        ("PACKET", 2, 1, "Kept"),
        ("HEADER", 3, 1, "Kept"),
        ("BODY", 4, 2, "Zeroed"),
        ("OTHER", 6, 1, "Untouched"),
    ]
    assert shown.after is not None
    assert [run.look for run in shown.after[0].runs] == [
        *("packet", "carried", "packet", "header", "overwritten", "other")
    ]
    assert [run.look for run in shown.before[0].runs] == ["packet", "header", "body", "other"]
    assert (shown.odd, shown.cut_off, shown.ranges_left_out) == (0, 0, 0)


def test_what_the_profile_hides_is_replaced() -> None:
    answer = looked_at(b"secret", b"xxxxxx", (0, 6, "redacted"))
    assert words(bytes_of(answer, 0, PROFILES["share_safe"])) == [
        ("REDACTED", 0, 6, "Replaced by x")
    ]


def test_bytes_that_are_not_what_their_classes_say_are_counted() -> None:
    answer = looked_at(b"HHBB", b"H!B\0", (0, 2, "header"), (2, 4, "body"))
    assert bytes_of(answer, 0, TrimOptions()).odd == 2


def test_without_a_result_there_is_nothing_after() -> None:
    shown = bytes_of(looked_at(b"HB", None, (0, 1, "header"), (1, 2, "body")), 0, TrimOptions())
    assert shown.after is None
    assert (shown.odd, shown.cut_off) == (0, 0)
    assert [name for name, *_ in words(shown)] == ["HEADER", "BODY"]


def test_of_a_slice_the_end_is_missing() -> None:
    shown = bytes_of(looked_at(b"HBB", b"H", (0, 1, "header"), (1, 3, "body")), 0, TrimOptions())
    assert (shown.cut_off, shown.odd) == (2, 0)
    assert digits(shown) == ["48 " + 45 * " " + " "]


@pytest.mark.parametrize("count", range(1, 34))
def test_lines_are_of_one_width(count: int) -> None:
    shown = bytes_of(looked_at(bytes(count), bytes(count), (2, 11, "header")), 0, TrimOptions())
    assert {len(line) for line in digits(shown)} == {49}


def test_a_later_part_keeps_its_offsets_and_strange_classes_are_none() -> None:
    answer = looked_at(
        b"ab", b"ab", (2048, 2049, "header"), (2049, 2050, "strange"), (1, 9, "body")
    )
    shown = bytes_of(answer, 2048, TrimOptions())
    assert shown.before[0].offset == "0800"
    assert [(name, start) for name, start, *_ in words(shown)] == [
        ("HEADER", 2048),
        ("PACKET", 2049),
    ]


def test_very_many_ranges_are_not_all_listed() -> None:
    spans = [(at, at + 1, "header") for at in range(0, 1000, 2)]
    shown = bytes_of(looked_at(bytes(1000), bytes(1000), *spans), 0, TrimOptions())
    assert (len(shown.ranges), shown.ranges_left_out) == (MOST_RANGES, 1000 - MOST_RANGES)


def test_times_have_microseconds_and_what_no_calendar_has_is_nothing() -> None:
    assert moment(1_700_000_000_123_456_789) == "2023-11-14 22:13:20.123456 UTC"
    assert moment(None) == ""
    assert moment(2**63 - 1) == "2262-04-11 23:47:16.854775 UTC"
    assert moment(10**21) == ""
    assert seconds_since(1_000, 3_500_000) == "0.003499"
    assert seconds_since(None, 1) == seconds_since(1, None) == ""
