"""The byte-class bar: rows that add up, and parts that fill it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trimming.reports import stored_report
from trimming.byte_bar import ByteBar, byte_bar
from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import PROFILES, TrimOptions

STANDARD = PROFILES["standard"]
SHARE_SAFE = PROFILES["share_safe"]


def rows(bar: ByteBar) -> dict[str, tuple[int, str, str]]:
    return {str(r.name): (r.bytes, str(r.happened.label), r.look) for r in bar.rows}


def hundredths(text: str) -> int:
    assert text.endswith("%")
    whole, _, part = text[:-1].partition(".")
    return int(whole) * 100 + int(part)


def test_rows_carry_the_numbers_of_the_report_and_the_rest_is_headers() -> None:
    bar = byte_bar(stored_report(), STANDARD)
    assert rows(bar) == {
        "HEADER": (1_000, "Kept", "b-header"),
        "FRAMING": (20, "Kept", "b-framing"),
        "BODY": (5_000, "Zeroed", "b-body"),
        "UNCERTAIN": (0, "Zeroed", "b-uncertain"),
        "OTHER": (0, "Untouched", "b-other"),
        "Packet and file headers": (3_980, "Kept", "b-pkt"),
    }
    assert bar.whole_bytes == 10_000


def test_what_the_profile_hides_is_told_as_overwritten_and_hatched() -> None:
    classes = {"header": 900, "redacted": 100, "body": 0, "other": 50, "tls_record": 7}
    shown = rows(byte_bar(stored_report(bytes_by_class=classes), SHARE_SAFE))
    assert shown["REDACTED"] == (100, "Replaced by x", "b-body")
    assert shown["OTHER"] == (50, "Zeroed", "b-body")
    assert shown["TLS"] == (7, "Kept", "b-framing")


def test_what_the_profile_keeps_is_not_told_as_overwritten() -> None:
    options = TrimOptions(uncertain="keep", body_keep_bytes=9)
    shown = rows(byte_bar(stored_report(bytes_by_class={"uncertain": 5, "sample": 9}), options))
    assert shown["UNCERTAIN"] == (5, "Untouched", "b-other")
    assert shown["SAMPLE"] == (9, "Kept", "b-framing")


def test_without_the_profile_nothing_is_claimed() -> None:
    shown = byte_bar(stored_report(), None).rows
    assert {str(r.happened.label) for r in shown[:-1]} == {"Not known"}
    assert {r.happened.tone for r in shown[:-1]} == {"unknown"}


def test_payload_without_a_class_has_a_row_of_its_own() -> None:
    left = {"DNS": 30, "UDP": 12, "TCP that is not HTTP": 99}
    assert rows(byte_bar(stored_report(left_bytes=left), STANDARD))["Not TCP"][0] == 42


def test_shares_of_a_packed_file_are_of_its_packets() -> None:
    bar = byte_bar(stored_report(input_bytes=4_000), STANDARD)
    assert (bar.whole_bytes, bar.is_of_packets) == (9_000, True)
    assert rows(bar)["Packet headers"][0] == 9_000 - 6_020
    assert byte_bar(stored_report(), STANDARD, is_packed=True).whole_bytes == 9_000


def test_an_empty_capture_has_no_parts() -> None:
    report = stored_report(bytes_by_class={}, bytes=0, input_bytes=0)
    assert byte_bar(report, STANDARD).parts == ()


def test_a_single_byte_is_still_seen() -> None:
    classes = {"header": 1, "body": 999_999_000}
    report = stored_report(bytes_by_class=classes, input_bytes=1_000_000_000, bytes=999_999_001)
    assert hundredths(byte_bar(report, STANDARD).parts[0].width) >= 35


COUNTS = st.dictionaries(
    st.sampled_from([each.name.lower() for each in ByteClass]), st.integers(0, 10**12)
)


@given(classes=COUNTS, size=st.integers(0, 10**12), left=st.integers(0, 10**12))
def test_the_parts_fill_the_bar_and_the_rows_are_the_whole(
    classes: dict[str, int], size: int, left: int
) -> None:
    report: dict[str, Any] = stored_report(
        bytes_by_class=classes, input_bytes=size, bytes=size, left_bytes={"UDP": left}
    )
    bar = byte_bar(report, STANDARD)
    assert sum(row.bytes for row in bar.rows) == bar.whole_bytes
    assert all(row.bytes >= 0 for row in bar.rows)
    if bar.parts:
        assert sum(hundredths(part.width) for part in bar.parts) == 10_000
        assert hundredths(bar.parts[-1].end) == 10_000
    starts = [hundredths(part.x) for part in bar.parts]
    ends = [hundredths(part.end) for part in bar.parts]
    assert starts[1:] == ends[:-1]


@pytest.mark.parametrize("each", list(ByteClass))
def test_every_class_has_a_row(each: ByteClass) -> None:
    report = stored_report(bytes_by_class={each.name.lower(): 77})
    assert 77 in [row.bytes for row in byte_bar(report, STANDARD).rows]
