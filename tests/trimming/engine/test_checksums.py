"""Checksums are brought up to date by difference: right stays right, wrong stays as wrong."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.captures import ethernet, inet_checksum
from trimming.engine.checksums import (
    MODULUS,
    fcs_is_right,
    ones_sum,
    updated_checksum,
    updated_fcs,
    updated_udp_checksum,
)

COVERED = st.binary(min_size=2, max_size=60).filter(any)
FIELDS = st.integers(0, 0xFFFF)


def _delta(before: bytes, after: bytes, odd: bool = False) -> int:
    return (ones_sum(after, odd=odd) - ones_sum(before, odd=odd)) % MODULUS


@st.composite
def masked(draw: st.DrawFn) -> tuple[bytes, int, int]:
    """Some bytes, and where zeros begin and end that leave others in place."""
    data = b"\x45" + draw(st.binary(min_size=1, max_size=60))
    start = draw(st.integers(1, len(data)))
    return data, start, draw(st.integers(start, len(data)))


@given(st.binary(max_size=40))
def test_the_sum_is_that_of_rfc_1071(data: bytes) -> None:
    assert ones_sum(data) == (~inet_checksum(data) & 0xFFFF) % MODULUS
    assert ones_sum(memoryview(data)) == ones_sum(data)


@given(st.binary(max_size=41), st.binary(max_size=41))
def test_sums_of_pieces_add_up_wherever_they_are_cut(first: bytes, second: bytes) -> None:
    odd = len(first) % 2 == 1
    whole = ones_sum(first) + ones_sum(second, odd=odd)
    assert whole % MODULUS == ones_sum(first + second)


def test_the_example_of_rfc_1624() -> None:
    # section 4: 0x5555 becomes 0x3285 under a checksum of 0xDD2F
    assert updated_checksum(0xDD2F, 0x3285 - 0x5555) == 0x0000


@given(masked())
def test_a_right_checksum_stays_right(case: tuple[bytes, int, int]) -> None:
    before, start, end = case
    after = before[:start] + bytes(end - start) + before[end:]
    delta = _delta(before[start:end], bytes(end - start), odd=start % 2 == 1)
    assert updated_checksum(inet_checksum(before), delta) == inet_checksum(after)


@given(FIELDS, COVERED, COVERED)
def test_a_wrong_checksum_stays_wrong_by_the_same_difference(
    field: int, before: bytes, after: bytes
) -> None:
    updated = updated_checksum(field, _delta(before, after))
    assert (updated - inet_checksum(after)) % MODULUS == (field - inet_checksum(before)) % MODULUS


@given(FIELDS, st.integers(-3, 3))
def test_no_difference_leaves_the_field_alone_in_either_form_of_zero(field: int, n: int) -> None:
    assert updated_checksum(field, n * MODULUS) == field
    assert updated_udp_checksum(field, n * MODULUS) == field


@given(FIELDS, st.integers(0, MODULUS - 1))
def test_there_and_back_again_is_the_same_checksum(field: int, delta: int) -> None:
    back = updated_checksum(updated_checksum(field, delta), -delta)
    assert back % MODULUS == field % MODULUS


@given(st.integers(0, MODULUS - 1))
def test_a_udp_checksum_of_none_stays_none(delta: int) -> None:
    assert updated_udp_checksum(0, delta) == 0


@given(st.integers(1, 0xFFFF), st.integers(1, MODULUS - 1))
def test_a_computed_udp_checksum_is_never_none(field: int, delta: int) -> None:
    updated = updated_udp_checksum(field, delta)
    assert updated == (updated_checksum(field, delta) or 0xFFFF)
    assert updated != 0


def test_a_computed_zero_is_written_as_all_ones_for_udp() -> None:
    assert updated_checksum(0x0001, 1) == 0
    assert updated_udp_checksum(0x0001, 1) == 0xFFFF


@given(st.binary(min_size=1, max_size=60), st.data())
def test_a_right_frame_check_sequence_stays_right(before: bytes, data: st.DataObject) -> None:
    after = data.draw(st.binary(min_size=len(before), max_size=len(before)))
    field = zlib.crc32(before).to_bytes(4, "little")
    assert fcs_is_right(after + updated_fcs(field, before, after))


@given(st.binary(min_size=4, max_size=4), st.binary(min_size=20, max_size=20))
def test_a_wrong_frame_check_sequence_stays_wrong(field: bytes, before: bytes) -> None:
    assume(not fcs_is_right(before + field))
    after = bytes(20)
    updated = updated_fcs(field, before, after)
    assert not fcs_is_right(after + updated)
    assert updated_fcs(updated, after, before) == field


@pytest.mark.parametrize("right", [True, False])
def test_a_frame_check_sequence_is_right_or_wrong(right: bool) -> None:
    assert fcs_is_right(ethernet(b"E" * 60, fcs=True, fcs_right=right)) is right


@pytest.mark.parametrize("frame", [b"", b"\0\0\0\0"])
def test_four_bytes_are_no_frame_with_a_check_sequence(frame: bytes) -> None:
    assert not fcs_is_right(frame)
