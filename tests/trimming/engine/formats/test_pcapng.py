"""pcapng files: every block carried through, packets found, options edited, damage refused."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.captures import (
    Block,
    Frame,
    custom,
    enhanced,
    interface,
    names,
    obsolete,
    pcapng,
    pcapng_of,
    pcapng_options,
    secrets,
    section_header,
    simple,
    statistics,
    unknown_block,
)
from trimming.engine.errors import InputError
from trimming.engine.formats import pcapng as engine
from trimming.engine.formats.pcapng import read_pcapng
from trimming.engine.formats.records import Packet, Tail
from trimming.engine.formats.stream import open_stream

LARGEST = 1 << 16
ORDERS = pytest.mark.parametrize("order", ["<", ">"])
COMMENT, FLAGS, HASH, VERDICT = 1, 2, 3, 7


def _read(capture: bytes) -> tuple[list[engine.Block], Tail | None]:
    stream = open_stream(io.BytesIO(capture), "some.pcapng", 1 << 30)
    return list(read_pcapng(stream, "some.pcapng", LARGEST)), stream.tail


def _packets(capture: bytes) -> list[Packet]:
    return [block.packet for block in _read(capture)[0] if block.packet is not None]


def _last(*blocks: Block, order: str = "<") -> engine.Block:
    return _read(pcapng([section_header(), interface(), *blocks], byte_order=order))[0][-1]


def _refusal(capture: bytes) -> InputError:
    with pytest.raises(InputError) as refusal:
        _read(capture)
    assert "payload" not in str(refusal.value)
    return refusal.value


# --- reading ---------------------------------------------------------------------------------


@ORDERS
def test_every_kind_of_block_is_carried_through(order: str) -> None:
    capture = pcapng(
        [
            section_header(options=[(COMMENT, b"who")]),
            interface(comment="where"),
            enhanced(b"abcde", options=[(COMMENT, b"what")]),
            obsolete(b"fgh"),
            simple(b"ij"),
            names(),
            secrets(),
            custom(),
            custom(copy=False),
            unknown_block(),
            unknown_block(b""),
            statistics(),
        ],
        byte_order=order,
    )
    blocks, tail = _read(capture)
    assert b"".join(block.raw for block in blocks) == capture
    assert all(block.resized() == block.raw for block in blocks)
    assert len(blocks) == 12
    assert tail is None


@ORDERS
def test_the_three_kinds_of_packet_are_found(order: str) -> None:
    seconds = 1_600_000_000
    capture = pcapng(
        [
            interface(),
            enhanced(b"abcde", timestamp=seconds * 10**6 + 7, original_len=1500),
            obsolete(b"fgh", timestamp=seconds * 10**6 + 8, drops=3),
            simple(b"ij", original_len=2),
        ],
        byte_order=order,
    )
    first, second, third = _packets(capture)
    start_ns = seconds * 10**9
    assert first == Packet(1, 28 + 20 + 28, b"abcde", 1500, 1, start_ns + 7000)
    assert second == Packet(2, first.offset + 8 + 4 + 28, b"fgh", 3, 1, start_ns + 8000)
    assert third == Packet(3, second.offset + 4 + 4 + 12, b"ij", 2, 1, None)
    for packet in (first, second, third):
        assert capture[packet.offset : packet.offset + packet.captured_len] == packet.data


@given(st.lists(st.binary(max_size=40), max_size=6), st.sampled_from("<>"), st.integers(0, 300))
def test_what_is_written_is_read_back_equal(
    given_packets: list[bytes], order: str, link_type: int
) -> None:
    frames = [Frame(data, n * 1000, len(data) + n) for n, data in enumerate(given_packets)]
    read = _packets(pcapng_of(frames, link_type=link_type, byte_order=order))
    assert [Frame(p.data, p.timestamp_ns, p.original_len) for p in read] == frames
    assert {p.link_type for p in read} <= {link_type}


@ORDERS
@pytest.mark.parametrize(
    ("tsresol", "tsoffset", "ticks", "expected_ns"),
    [
        (None, None, 1_000_001, 1_000_001_000),
        (9, None, 1_000_000_001, 1_000_000_001),
        (0, None, 7, 7_000_000_000),
        (12, None, 1_999, 1),
        (0x80 | 10, None, 1536, 1_500_000_000),
        (9, 100, 5, 100_000_000_005),
        (9, -1, 2_000_000_000, 1_000_000_000),
    ],
)
def test_time_follows_resolution_and_offset(
    tsresol: int | None, tsoffset: int | None, ticks: int, expected_ns: int, order: str
) -> None:
    described = interface(tsresol=tsresol, tsoffset=tsoffset)
    capture = pcapng([described, enhanced(b"x", timestamp=ticks)], byte_order=order)
    assert [p.timestamp_ns for p in _packets(capture)] == [expected_ns]


def test_options_too_short_to_mean_anything_are_passed_over() -> None:
    described = interface(options=[(9, b""), (13, b""), (14, b"\1\0\0\0")])
    (packet,) = _packets(pcapng([described, enhanced(b"x", timestamp=1)]))
    assert (packet.timestamp_ns, packet.fcs_len) == (1000, None)


def test_each_packet_takes_its_link_type_from_its_interface() -> None:
    capture = pcapng(
        [
            interface(1),
            interface(101, tsresol=9, fcs_len=4),
            enhanced(b"a", 1, timestamp=5),
            enhanced(b"b", 0, timestamp=5),
            obsolete(b"c", 1, timestamp=5),
        ]
    )
    assert [(p.link_type, p.timestamp_ns, p.fcs_len) for p in _packets(capture)] == [
        (101, 5, 4),
        (1, 5000, None),
        (101, 5, 4),
    ]


def test_a_new_section_forgets_interfaces_and_may_change_the_byte_order() -> None:
    capture = pcapng(
        [
            section_header(byte_order="<"),
            interface(1),
            enhanced(b"a"),
            section_header(byte_order=">"),
            interface(113),
            enhanced(b"b"),
        ]
    )
    assert [(p.number, p.data, p.link_type) for p in _packets(capture)] == [
        (1, b"a", 1),
        (2, b"b", 113),
    ]


@pytest.mark.parametrize(("stated", "expected"), [(0, 0), (2, 2), (4, 4), (16, 2), (32, 4)])
def test_a_check_sequence_is_taken_in_bytes_or_in_bits(stated: int, expected: int) -> None:
    (packet,) = _packets(pcapng([interface(fcs_len=stated), enhanced(b"x")]))
    assert packet.fcs_len == expected


@ORDERS
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ((FLAGS, 4 << 5 | 1), 4),
        ((FLAGS, 1), 2),  # the flags are silent, the interface counts
        ((FLAGS, None), 2),
        ((VERDICT, 4 << 5), 2),
    ],
)
def test_the_flags_of_a_packet_tell_its_check_sequence(
    option: tuple[int, int | None], expected: int, order: str
) -> None:
    code, flags = option
    value = b"" if flags is None else struct.pack(order + "I", flags)
    capture = pcapng(
        [interface(fcs_len=2), enhanced(b"x", options=[(code, value)])], byte_order=order
    )
    assert [p.fcs_len for p in _packets(capture)] == [expected]


def test_a_simple_packet_ends_at_the_snaplen_or_the_block() -> None:
    cut = pcapng([interface(snaplen=3), simple(b"abc", original_len=900)])
    unlimited = pcapng([interface(snaplen=0), simple(b"abcde")])
    beyond = pcapng([interface(snaplen=0), simple(b"abcd", original_len=900)])
    read = [_packets(capture)[0] for capture in (cut, unlimited, beyond)]
    assert [(p.data, p.original_len) for p in read] == [
        (b"abc", 900),
        (b"abcde", 5),
        (b"abcd", 900),
    ]


def test_more_captured_than_original_is_carried_through() -> None:
    block = _last(enhanced(b"abcdef", original_len=2))
    assert block.packet is not None
    assert (block.packet.captured_len, block.packet.original_len) == (6, 2)
    assert block.rewritten(b"abcdef") == block.raw


# --- rewriting -------------------------------------------------------------------------------


@ORDERS
@pytest.mark.parametrize("build", [enhanced, obsolete])
@pytest.mark.parametrize("after", [b"\0" * 6, b"se", b""])
def test_rewriting_replaces_data_and_captured_length(
    build: Callable[..., Block], after: bytes, order: str
) -> None:
    before: Block = build(b"secret", original_len=99, options=[(COMMENT, b"note")])
    wanted: Block = build(after, original_len=99, options=[(COMMENT, b"note")])
    assert _last(before, order=order).rewritten(after) == wanted(order)


@pytest.mark.parametrize("build", [enhanced, obsolete])
def test_a_hash_goes_only_when_the_packet_is_rewritten(build: Callable[..., Block]) -> None:
    hashed: Block = build(b"abcd", options=[(HASH, b"\2\1\2\3\4"), (VERDICT, b"v")])
    bare: Block = build(b"\0" * 4, options=[(VERDICT, b"v")])
    block = _last(hashed)
    assert block.raw == hashed()
    assert block.rewritten(b"\0" * 4) == bare()
    assert block.without_metadata(None) == hashed()
    assert block.without_metadata(b"\0" * 4) == bare()


def test_bytes_in_the_padding_do_not_survive_rewriting() -> None:
    raw = bytearray(enhanced(b"abcde")())
    raw[33:36] = b"xyz"
    block = _read(pcapng([interface(), bytes(raw)]))[0][-1]
    assert block.raw == raw
    assert block.rewritten(b"\0" * 5) == enhanced(b"\0" * 5)()


@ORDERS
def test_a_simple_packet_keeps_its_length_whatever_it_is_cut_to(order: str) -> None:
    block = _last(simple(b"secret"), order=order)
    assert block.rewritten(b"se") == simple(b"se\0\0\0\0")(order)
    assert block.without_metadata(None) == simple(b"secret")(order)
    assert block.without_metadata(b"\0" * 6) == simple(b"\0" * 6)(order)


@ORDERS
@pytest.mark.parametrize("length", [0, 1000, -1])
def test_the_length_of_a_section_is_withdrawn_when_others_may_change(
    length: int, order: str
) -> None:
    options = [(3, b"Linux")]
    block = _read(pcapng([section_header(length, options=options)], byte_order=order))[0][0]
    assert block.raw == section_header(length, options=options)(order)
    assert block.resized() == section_header(-1, options=options)(order)
    assert block.without_metadata(None) == section_header(-1, options=options)(order)


def test_a_section_of_given_length_is_still_whole_in_the_input() -> None:
    body = interface()() + enhanced(b"abc")()
    blocks, _ = _read(section_header(len(body))() + body)
    assert b"".join(b.resized() for b in blocks) == section_header(-1)() + body


@ORDERS
@pytest.mark.parametrize("code", [COMMENT, 2988, 2989, 19372, 19373])
def test_comments_and_custom_options_are_dropped_from_every_block(code: int, order: str) -> None:
    private, public = (code, b"private!!"), (VERDICT, b"public")
    builders: list[Callable[..., Block]] = [
        section_header,
        interface,
        partial(enhanced, b"abcde"),
        partial(obsolete, b"abcde"),
        statistics,
    ]
    for build in builders:
        block = _last(build(options=[private, public]), order=order)
        assert block.without_metadata(None) == build(options=[public])(order)


def test_a_block_left_without_options_keeps_the_end_of_them() -> None:
    block = _last(enhanced(b"abcd", options=[(COMMENT, b"x")]))
    end = struct.pack("<HH", 0, 0)
    assert block.without_metadata(None)[32:-4] == end


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        (names(), "name resolution"),
        (secrets(), "decryption secrets"),
        (custom(), "custom data"),
        (custom(copy=False), "custom data"),
        (unknown_block(kind=9), "system journal"),
    ],
)
def test_blocks_of_metadata_are_named_and_dropped(block: Block, kind: str) -> None:
    read = _last(block)
    assert read.metadata_kind == kind
    assert read.without_metadata(None) == b""


def test_unknown_blocks_are_kept() -> None:
    block = _last(unknown_block())
    assert block.metadata_kind is None
    assert block.without_metadata(None) == block.raw


def test_a_statistics_block_too_short_for_options_is_kept() -> None:
    block = _last(unknown_block(b"", kind=5))
    assert block.without_metadata(None) == block.raw


def test_an_option_longer_than_its_block_ends_with_it() -> None:
    options = struct.pack("<HH", VERDICT, 400) + b"1234"
    raw = Block(6, lambda order: enhanced(b"abcd")(order)[8:-4] + options)()
    block = _read(pcapng([interface(), raw]))[0][-1]
    assert block.without_metadata(None) == raw
    comment = Block(6, lambda order: enhanced(b"abcd")(order)[8:-4] + b"\1\0" + options[2:])()
    assert (
        _read(pcapng([interface(), comment]))[0][-1].without_metadata(None) == enhanced(b"abcd")()
    )


def test_what_stands_behind_the_end_of_options_goes_with_the_metadata() -> None:
    options = pcapng_options([(VERDICT, b"v")])
    raw = Block(6, lambda order: enhanced(b"abcd")(order)[8:-4] + options + b"junk")()
    block = _read(pcapng([interface(), raw]))[0][-1]
    assert block.without_metadata(None) == enhanced(b"abcd", options=[(VERDICT, b"v")])()


# --- damage ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kept", "reason"),
    [
        (1, "a block header is incomplete"),
        (11, "a block header is incomplete"),
        (12, "a block is incomplete"),
        (39, "a block is incomplete"),
    ],
)
def test_a_block_cut_in_the_middle_is_left_out_and_named(kept: int, reason: str) -> None:
    whole = pcapng([interface(), enhanced(b"payload!")])
    blocks, tail = _read(whole + enhanced(b"payload!")()[:kept])
    assert len(blocks) == 3
    assert tail == Tail(len(whole), kept, reason)


def _raw_block(kind: int, total: int, size: int = 12) -> bytes:
    return struct.pack("<II", kind, total) + b"payload!"[: size - 8].ljust(size - 8, b"\0")


@pytest.mark.parametrize("total", [0, 8, 13, 30])
def test_an_impossible_block_length_is_refused(total: int) -> None:
    start = len(pcapng([]))
    error = _refusal(pcapng([_raw_block(6, total)]))
    assert error.offset == start + 4
    assert error.expected == "a block length of at least 12 that 4 divides"
    assert error.found == str(total)


def test_a_block_over_the_limit_is_refused() -> None:
    start = len(pcapng([]))
    error = _refusal(pcapng([_raw_block(6, LARGEST + 1028)]))
    assert (error.offset, error.found) == (start + 4, str(LARGEST + 1028))
    assert error.expected == f"a block of at most {LARGEST + 1024} bytes"


def test_two_lengths_that_differ_are_refused() -> None:
    start = len(pcapng([interface()]))
    block = bytearray(enhanced(b"payload!")())
    block[-4:] = struct.pack("<I", 44)
    error = _refusal(pcapng([interface(), bytes(block)]))
    assert error.offset == start + len(block) - 4
    assert (error.expected, error.found) == (f"the block length {len(block)} again", "44")


def test_a_section_without_a_byte_order_is_refused() -> None:
    raw = bytearray(section_header()())
    raw[8:12] = b"\1\2\3\4"
    error = _refusal(bytes(raw))
    assert (error.offset, error.expected, error.found) == (8, "a byte-order magic", "01020304")


@ORDERS
def test_another_version_is_refused(order: str) -> None:
    error = _refusal(section_header(version=(2, 0), byte_order=order)())
    assert (error.offset, error.expected, error.found) == (12, "pcapng version 1", "version 2")


@pytest.mark.parametrize(
    ("kind", "body", "expected", "found"),
    [
        (0x0A0D0D0A, struct.pack("<I", 0x1A2B3C4D), "a section header of at least 28 bytes", "16"),
        (1, b"", "an interface block of at least 20 bytes", "12"),
        (2, b"payload!", "a packet block of at least 32 bytes", "20"),
        (6, b"payload!", "a packet block of at least 32 bytes", "20"),
        (3, b"", "a simple packet block of at least 16 bytes", "12"),
    ],
)
def test_a_block_too_short_for_its_kind_is_refused(
    kind: int, body: bytes, expected: str, found: str
) -> None:
    start = len(pcapng([interface()]))
    error = _refusal(pcapng([interface(), Block(kind, lambda _: body)]))
    assert (error.offset, error.expected, error.found) == (start, expected, found)


@pytest.mark.parametrize("build", [enhanced, obsolete])
def test_a_captured_length_beyond_the_block_is_refused(build: Callable[..., Block]) -> None:
    block = bytearray(build(b"payload!")())
    struct.pack_into("<I", block, 20, 9)
    start = len(pcapng([interface()]))
    error = _refusal(pcapng([interface(), bytes(block)]))
    assert error.offset == start + 20
    assert (error.expected, error.found) == ("a captured length of at most 8 bytes", "9")


@pytest.mark.parametrize("block", [enhanced(b"payload", 1), obsolete(b"payload", 1)])
def test_an_interface_that_was_not_described_is_refused(block: Block) -> None:
    start = len(pcapng([interface()]))
    error = _refusal(pcapng([interface(), block]))
    assert (error.offset, error.found) == (start + 8, "1")
    assert error.expected == "one of the 1 interfaces described before"


def test_a_simple_packet_without_an_interface_is_refused() -> None:
    error = _refusal(pcapng([simple(b"payload")]))
    assert error.expected == "one of the 0 interfaces described before"
