"""Where bytes stand, and what masking them does to the checksums around them."""

from __future__ import annotations

import random

import pytest

from tests.captures import inet_checksum
from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldChange, FieldKind, FrameCheck, MaskPlan, PacketPlan, Span
from trimming.engine.strategies.legacy.views import (
    ChecksumField,
    Piece,
    Planner,
    View,
    changes,
)

BODY, HEADER, UNCERTAIN = ByteClass.BODY, ByteClass.HEADER, ByteClass.UNCERTAIN
INTERNET = FieldKind.INTERNET


def _view(data: bytes, *pieces: Piece) -> View:
    return View(data, len(data), pieces or (Piece(0, len(data), 1, 0),))


def _planned(view: View, start: int, end: int, kind: ByteClass, **more: bool) -> list[PacketPlan]:
    with MaskPlan(TrimOptions()) as plan:
        Planner(plan).add(view, start, end, kind, **more)
        return list(plan.packets())


def test_a_place_is_a_packet_and_an_offset_in_it() -> None:
    view = _view(bytes(10), Piece(0, 4, 1, 50), Piece(4, 6, 2, 30))
    assert view.place(0) == (1, 50)
    assert view.place(3) == (1, 53)
    assert view.place(4, 6) == (2, 30)


@pytest.mark.parametrize(("at", "length"), [(3, 2), (10, 1), (9, 2)])
def test_bytes_that_lie_in_no_single_piece_have_no_place(at: int, length: int) -> None:
    view = _view(bytes(10), Piece(0, 4, 1, 50), Piece(4, 6, 2, 30))
    assert view.place(at, length) is None


def test_a_checksum_that_stands_in_no_packet_is_left_out() -> None:
    view = _view(bytes(10), Piece(0, 4, 1, 50))
    view.add_field(3, INTERNET, 0)
    assert view.fields == []
    view.add_field(2, INTERNET, 0)
    assert view.fields == [ChecksumField(1, 52, INTERNET, 0, 2)]


def test_cut_out_returns_pieces_with_the_checksums_around_them_in_their_packets() -> None:
    view = _view(bytes(20), Piece(0, 8, 1, 100), Piece(8, 12, 2, 40))
    view.add_field(2, INTERNET, 0)
    assert view.cut_out(6, 12) == [
        Piece(0, 2, 1, 106, (ChecksumField(1, 102, INTERNET, 100, 102),)),
        Piece(2, 4, 2, 40, (ChecksumField(1, 102, INTERNET, 32, 34),)),
    ]
    assert view.cut_out(8, 10) == [Piece(0, 2, 2, 40, (ChecksumField(1, 102, INTERNET, 32, 34),))]


def test_spans_are_planned_in_the_packets_that_hold_the_bytes() -> None:
    view = _view(b"a" * 10, Piece(0, 4, 1, 50), Piece(4, 4, 2, 30), Piece(8, 2, 3, 0))
    assert _planned(view, 2, 8, BODY) == [
        PacketPlan(1, [Span(52, 54, BODY)]),
        PacketPlan(2, [Span(30, 34, BODY)]),
    ]


def test_bytes_without_a_piece_are_not_planned() -> None:
    assert _planned(_view(b"a" * 10, Piece(5, 5, 1, 0)), 0, 5, BODY) == []


def test_kept_bytes_change_no_checksum() -> None:
    view = _view(b"\0\0abcd")
    view.add_field(0, INTERNET, 0)
    assert _planned(view, 2, 6, HEADER) == [PacketPlan(1, [Span(2, 6, HEADER)])]


def test_tentative_bytes_change_it_once_they_turn_out_to_be_masked() -> None:
    view = _view(b"\0\0\0\5")
    view.add_field(0, INTERNET, 0)
    with MaskPlan(TrimOptions()) as plan:
        Planner(plan).add(view, 2, 4, ByteClass.OTHER, 7, tentative=True)
        assert list(plan.packets()) == [PacketPlan(1, [Span(2, 4, ByteClass.OTHER)])]
        plan.mark_http(7)
        change = FieldChange(0, INTERNET, 0xFFFF - 5)
        assert list(plan.packets()) == [PacketPlan(1, [Span(2, 4, UNCERTAIN)], [change])]


def test_redacted_bytes_grow_by_what_x_is_more() -> None:
    view = _view(b"\0\0ab")
    view.add_field(0, INTERNET, 0)
    (packet,) = _planned(view, 2, 4, ByteClass.REDACTED)
    assert packet.changes == [FieldChange(0, INTERNET, 0x7878 - 0x6162)]


def test_a_frame_check_is_noted() -> None:
    with MaskPlan(TrimOptions()) as plan:
        Planner(plan).frame_check(3, 8, 60)
        assert list(plan.packets()) == [PacketPlan(3, [], [], [FrameCheck(8, 60)])]


def test_a_checksum_outside_of_one_that_makes_up_for_the_change_stays() -> None:
    outer = ChecksumField(1, 6, INTERNET, 0, 6)
    inner = ChecksumField(1, 26, INTERNET, 20, 26)
    assert list(changes([outer, inner], [(30, 5)])) == [(inner, 5), (outer, 0)]


def test_an_odd_distance_swaps_the_bytes_of_a_sum() -> None:
    field = ChecksumField(1, 6, INTERNET, 0, 6)
    assert list(changes([field], [(31, 5)])) == [(field, 5 << 8)]


@pytest.mark.parametrize("seed", range(20))
def test_nested_checksums_stay_right_wherever_bytes_are_masked(seed: int) -> None:
    source = random.Random(seed)
    # one checksum over all from 0, one from an odd or even place on, and bytes behind both
    base = source.randrange(10, 30)
    data = bytearray(source.randbytes(source.randrange(base + 10, 120)))
    for start in (base, 0):
        data[start + 4 : start + 6] = bytes(2)
        data[start + 4 : start + 6] = inet_checksum(bytes(data[start:])).to_bytes(2, "big")
    view = _view(bytes(data))
    view.add_field(4, INTERNET, 0)
    view.add_field(base + 4, INTERNET, base)
    start = source.randrange(base + 6, len(data))
    end = source.randrange(start + 1, len(data) + 1)
    (packet,) = _planned(view, start, end, BODY)
    data[start:end] = bytes(end - start)
    for change in packet.changes:
        old = int.from_bytes(data[change.offset : change.offset + 2], "big")
        new = (old - change.delta) % 0xFFFF
        data[change.offset : change.offset + 2] = new.to_bytes(2, "big")
    for start in (0, base):
        assert inet_checksum(bytes(data[start:])) in (0, 0xFFFF)
