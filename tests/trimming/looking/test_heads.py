"""Heads from pieces: split, sent twice, out of order, many in one packet; and their lines."""

from __future__ import annotations

import pytest

from trimming.looking.heads import (
    MOST_CHARACTERS,
    MOST_FIELDS,
    MOST_IN_A_PACKET,
    WRAP,
    Heads,
    Piece,
    Way,
    as_text,
    lines_of,
)

OUT, BACK = Way("10.0.0.1:40000", "10.0.0.2:80"), Way("10.0.0.2:80", "10.0.0.1:40000")
GET = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"


def heads_of(*pieces: Piece, most: int = 10) -> Heads:
    heads = Heads(most)
    for piece in pieces:
        heads.take(piece)
    return heads


def split(data: bytes, size: int, way: Way = OUT, sequence: int = 0) -> list[Piece]:
    return [
        Piece(1 + at // size, None, data[at : at + size], way, (sequence + at) % WRAP)
        for at in range(0, len(data), size)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("sequence", [5, WRAP - 4])
def test_a_head_is_found_however_it_is_split(size: int, sequence: int) -> None:
    data = b"HTTP/1.1 100 Continue\n\n" + b"\r\n" + GET
    heads = heads_of(*split(data, size, sequence=sequence))
    assert [bytes(head.data) for head in heads.found] == [b"HTTP/1.1 100 Continue\n\n", GET]
    assert all(head.is_whole for head in heads.found)
    assert not heads.is_waiting


def test_both_directions_are_read_apart() -> None:
    first, second = split(GET, 20)
    answer = Piece(2, None, b"HTTP/1.1 204 No Content\r\n\r\n", BACK, 20)
    heads = heads_of(first, answer, second)
    assert [head.way for head in heads.found] == [OUT, BACK]
    assert [head.packet for head in heads.found] == [1, 2]


def test_a_copy_is_found_once() -> None:
    assert len(heads_of(*split(GET, 100), *split(GET, 100)).found) == 1


def test_what_is_out_of_order_stays_without_its_end() -> None:
    first, second, third = split(GET, 14)
    heads = heads_of(first, third, second)
    assert bytes(heads.found[0].data) == GET[:28]
    assert not heads.found[0].is_whole
    assert heads.is_waiting


def test_a_trailer_and_empty_lines_are_no_head() -> None:
    assert heads_of(*split(b"X-Checksum: 1\r\n\r\n", 100), *split(b"\r\n", 9)).found == []


def test_pieces_without_a_way_stand_for_themselves() -> None:
    heads = heads_of(Piece(3, 7, GET[:20]), Piece(4, 8, GET[20:]))
    assert [(head.packet, head.is_whole) for head in heads.found] == [(3, False)]
    assert not heads.is_waiting


def test_a_page_is_full_behind_the_packet_in_which_it_fills() -> None:
    heads = heads_of(*split(GET * 3, 1000), most=2)
    assert len(heads.found) == 3
    assert not heads.is_full_before(1)
    assert heads.is_full_before(2)
    heads.take(Piece(2, None, GET, BACK, 0))
    assert len(heads.found) == 3
    assert heads.left_out == 0


def test_of_very_many_heads_in_a_packet_some_are_left_out() -> None:
    heads = heads_of(Piece(1, None, b"GET / HTTP/1.0\n\n" * (MOST_IN_A_PACKET + 3), OUT, 0))
    assert len(heads.found) == MOST_IN_A_PACKET
    assert heads.left_out == 1


def test_lines_are_start_fields_and_what_is_left_out() -> None:
    lines = lines_of(b"GET / HTTP/1.1\r\nA: 1\nFolded: x\r\n\t y\r\nno colon\r\n\r\n")
    assert lines.start == "GET / HTTP/1.1"
    assert lines.fields == [("A", "1"), ("Folded", "x y"), ("no colon", "")]
    many = lines_of(b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * (MOST_FIELDS + 2))
    assert (len(many.fields), many.left_out) == (MOST_FIELDS, 2)


def test_text_holds_nothing_but_printable_ascii() -> None:
    assert as_text(b"caf\xc3\xa9\x1b[31m\r") == "caf\\xc3\\xa9\\x1b[31m\\x0d"
    assert as_text(b"a" * (MOST_CHARACTERS + 1)).endswith("a…")
