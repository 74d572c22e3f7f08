"""The writer: the same records with bytes overwritten and checksums carried along."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from tests import captures
from tests.captures import (
    Frame,
    custom,
    enhanced,
    ethernet,
    inet_checksum,
    interface,
    ipv4,
    names,
    pcap,
    pcap_header,
    pcapng,
    response,
    secrets,
    section_header,
    simple,
    tcp,
    udp,
)
from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldChange, FieldKind, FrameCheck, MaskPlan, PacketPlan, Span
from trimming.engine.report import Tally
from trimming.engine.writer import masked_packet, masked_records

HEADER, BODY, OTHER = ByteClass.HEADER, ByteClass.BODY, ByteClass.OTHER
REDACTED = ByteClass.REDACTED
STANDARD = TrimOptions()
SLICED = TrimOptions(slice=True)
WITHOUT_METADATA = TrimOptions(drop_metadata=True)


def _packet(data: bytes) -> Packet:
    return Packet(1, 0, data, len(data), captures.LINK_ETHERNET, None)


def _masked(
    data: bytes, plan: PacketPlan, options: TrimOptions = STANDARD
) -> tuple[bytes | None, Tally]:
    tally = Tally()
    return masked_packet(_packet(data), plan, options, tally), tally


def _written(
    path: Path, capture: bytes, *spans: tuple[int, int, int], options: TrimOptions = STANDARD
) -> tuple[bytes, Tally]:
    """Write ``capture`` with body spans (packet, start, end); return the output."""
    path.write_bytes(capture)
    tally = Tally()
    with CaptureFile(path) as file, MaskPlan(options) as plan:
        for number, start, end in spans:
            plan.add_span(number, start, end, BODY)
        return b"".join(masked_records(file.records(), plan, tally)), tally


# --- one packet ------------------------------------------------------------------------------


def test_masked_bytes_are_zeroed_and_hidden_ones_become_x() -> None:
    plan = PacketPlan(1, [Span(0, 2, HEADER), Span(2, 5, BODY), Span(5, 7, REDACTED)])
    data, tally = _masked(b"abcdefgh", plan)
    assert data == b"ab\0\0\0xxh"
    assert tally.masked_bytes == 5
    assert tally.bytes_by_class == {HEADER: 2, BODY: 3, REDACTED: 2}


@pytest.mark.parametrize(
    "plan",
    [
        PacketPlan(1),
        PacketPlan(1, [Span(0, 4, HEADER), Span(4, 8, OTHER)]),
        PacketPlan(1, [], [], [FrameCheck(0, 4)]),
    ],
)
def test_a_packet_without_a_masked_byte_does_not_change(plan: PacketPlan) -> None:
    data, tally = _masked(b"abcdefgh", plan)
    assert data is None
    assert tally.masked_bytes == 0


def test_masking_bytes_that_are_zero_already_changes_nothing() -> None:
    data, tally = _masked(b"ab\0\0", PacketPlan(1, [Span(2, 4, BODY)]))
    assert data is None
    assert tally.masked_bytes == 2


def test_changes_of_one_checksum_add_up() -> None:
    changes = [FieldChange(2, FieldKind.INTERNET, 5), FieldChange(2, FieldKind.INTERNET, 0xFFFE)]
    data, _ = _masked(b"ab\x10\x00", PacketPlan(1, [], changes))
    assert data == b"ab\x0f\xfc"


def test_changes_that_cancel_out_leave_the_packet_as_it_is() -> None:
    changes = [FieldChange(2, FieldKind.INTERNET, 5), FieldChange(2, FieldKind.INTERNET, 0xFFFA)]
    assert _masked(b"ab\x10\x00", PacketPlan(1, [], changes))[0] is None


def test_a_udp_checksum_of_0_stays_and_a_computed_0_is_written_as_all_ones() -> None:
    none = [FieldChange(0, FieldKind.UDP, 5)]
    assert _masked(b"\0\0", PacketPlan(1, [], none))[0] is None
    computed = [FieldChange(0, FieldKind.UDP, 5)]
    assert _masked(b"\0\5", PacketPlan(1, [], computed))[0] == b"\xff\xff"


def test_checksums_of_several_layers_change_by_themselves() -> None:
    changes = [FieldChange(0, FieldKind.INTERNET, 1), FieldChange(2, FieldKind.UDP, 2)]
    assert _masked(b"\0\x09\0\x09", PacketPlan(1, [], changes))[0] == b"\0\x08\0\x07"


@pytest.mark.parametrize("start", [0, 8])
@pytest.mark.parametrize("error", [0, 0x1234])
def test_a_frame_check_keeps_its_error(start: int, error: int) -> None:
    frame = bytes(range(1, 40))
    check = (zlib.crc32(frame[start:]) ^ error).to_bytes(4, "little")
    plan = PacketPlan(1, [Span(20, 30, BODY)], [], [FrameCheck(start, len(frame))])
    data, _ = _masked(frame + check, plan)
    assert data is not None
    assert data[20:30] == bytes(10)
    assert zlib.crc32(data[start:-4]) ^ int.from_bytes(data[-4:], "little") == error


def test_a_frame_check_that_is_masked_itself_stays_masked() -> None:
    frame = bytes(range(1, 40))
    plan = PacketPlan(1, [Span(20, 41, BODY)], [], [FrameCheck(0, 39)])
    data, _ = _masked(frame + b"abcd", plan)
    assert data == frame[:20] + bytes(21) + b"cd"


# --- slicing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        pytest.param([Span(4, 8, BODY)], 4, id="body-at-the-end"),
        pytest.param([Span(2, 4, BODY), Span(4, 8, BODY)], 2, id="two-spans-side-by-side"),
        pytest.param([Span(0, 2, BODY), Span(4, 8, BODY)], 4, id="only-the-last-of-two"),
        pytest.param([Span(2, 6, BODY)], 8, id="not-at-the-end"),
        pytest.param([Span(2, 4, BODY), Span(4, 8, REDACTED)], 8, id="hidden-at-the-end"),
        pytest.param([Span(0, 8, BODY)], 0, id="all"),
    ],
)
def test_slicing_cuts_the_zeroed_bytes_at_the_end(spans: list[Span], kept: int) -> None:
    data, tally = _masked(b"abcdefgh", PacketPlan(1, spans), SLICED)
    assert data is not None
    assert len(data) == kept
    assert tally.sliced_bytes == 8 - kept


def test_slicing_cuts_zeros_that_were_there_before() -> None:
    assert _masked(b"ab\0\0", PacketPlan(1, [Span(2, 4, BODY)]), SLICED)[0] == b"ab"


# --- records ---------------------------------------------------------------------------------


def test_a_capture_without_a_masked_byte_is_written_as_it_is(tmp_path: Path) -> None:
    for name, capture in {
        "pcap": pcap([b"abc", b"defg"]),
        "pcapng": pcapng([section_header(64), interface(), names(), enhanced(b"abc"), custom()]),
    }.items():
        output, tally = _written(tmp_path / name, capture)
        assert output == capture
        assert tally.masked_bytes == 0


def test_only_the_bytes_of_masked_spans_differ(tmp_path: Path) -> None:
    capture = pcap([b"abcd", b"efgh", b"ijkl"])
    output, tally = _written(tmp_path / "c", capture, (2, 1, 3))
    assert output == pcap([b"abcd", b"e\0\0h", b"ijkl"])
    assert (tally.packets, tally.captured_bytes, tally.masked_bytes) == (3, 12, 2)


def test_a_packet_with_a_plan_and_no_change_is_written_as_it_is(tmp_path: Path) -> None:
    capture = pcap([b"\0\0\0\0", b"efgh"])
    output, _ = _written(tmp_path / "c", capture, (1, 1, 3), (2, 0, 1))
    assert output == pcap([b"\0\0\0\0", b"\0fgh"])


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_a_slice_changes_the_captured_length_and_not_the_original(
    tmp_path: Path, byte_order: str
) -> None:
    capture = pcap([Frame(b"abcdef", original_len=9), b"gh"], byte_order=byte_order)
    output, tally = _written(tmp_path / "c", capture, (1, 2, 6), options=SLICED)
    sliced = pcap([Frame(b"ab", original_len=9), b"gh"], byte_order=byte_order)
    assert output == sliced
    assert tally.sliced_bytes == 4


def test_a_hash_of_a_changed_packet_is_dropped_and_that_of_another_kept(tmp_path: Path) -> None:
    digest, comment = (3, b"\x02abcd"), (1, b"note")
    blocks = [
        interface(),
        *[enhanced(data, options=[digest, comment]) for data in (b"abcd", b"ef")],
    ]
    output, _ = _written(tmp_path / "c", pcapng(blocks), (1, 0, 4))
    changed = enhanced(bytes(4), options=[comment])
    assert output == pcapng([interface(), changed, blocks[2]])


@pytest.mark.parametrize("spans", [[(1, 0, 4)], []])
def test_a_section_whose_blocks_may_change_their_length_states_none(
    tmp_path: Path, spans: list[tuple[int, int, int]]
) -> None:
    blocks = [interface(), enhanced(b"abcd")]
    output, _ = _written(tmp_path / "c", pcapng([section_header(100), *blocks]), *spans)
    masked = [interface(), enhanced(bytes(4) if spans else b"abcd")]
    assert output == pcapng([section_header(-1 if spans else 100), *masked])


def test_decryption_secrets_are_kept_and_warned_about(tmp_path: Path) -> None:
    capture = pcapng([interface(), secrets(), simple(b"abcd")])
    output, tally = _written(tmp_path / "c", capture)
    assert output == capture
    assert [warning.reason for warning in tally.warnings] == [
        "the capture holds decryption secrets, which are kept; share_safe drops them"
    ]


def test_metadata_is_dropped_and_counted_where_the_profile_says_so(tmp_path: Path) -> None:
    comment = (1, b"a note")
    blocks = [
        interface(comment="who"),
        secrets(),
        names(),
        names(),
        custom(),
        enhanced(b"abcd", options=[comment]),
        enhanced(b"efgh", options=[comment, (2, b"\1\0\0\0")]),
    ]
    output, tally = _written(
        tmp_path / "c", pcapng([section_header(), *blocks]), (1, 2, 4), options=WITHOUT_METADATA
    )
    assert b"note" not in output
    assert b"who" not in output
    assert b"CLIENT_RANDOM" not in output
    assert b"example.org" not in output
    assert b"ab\0\0" in output
    assert b"efgh" in output
    assert tally.dropped_metadata == {
        "decryption secrets": 1,
        "name resolution": 2,
        "custom data": 1,
    }
    assert not tally.warnings


def test_the_header_of_a_capture_without_packets_is_written(tmp_path: Path) -> None:
    assert _written(tmp_path / "c", pcap_header())[0] == pcap_header()


def test_checksums_of_a_written_packet_are_right(tmp_path: Path) -> None:
    body = b"hello"
    inner = response(body=body)
    packets = [ethernet(ipv4(tcp(inner))), ethernet(ipv4(udp(inner)))]
    (tmp_path / "c").write_bytes(pcap(packets))
    masked = []
    with CaptureFile(tmp_path / "c") as file, MaskPlan(STANDARD) as plan:
        for number, (kind, at) in enumerate(((FieldKind.INTERNET, 50), (FieldKind.UDP, 40)), 1):
            end = len(packets[number - 1])
            start = end - len(body)
            # an even distance from the checksum's start
            assert (start - 34) % 2 == 0
            plan.add_span(number, start, end, BODY)
            grown = -sum(int.from_bytes(body[n : n + 2].ljust(2, b"\0"), "big") for n in (0, 2, 4))
            plan.add_change(number, at, kind, grown % 0xFFFF, BODY)
        output = b"".join(masked_records(file.records(), plan, Tally()))
    (tmp_path / "d").write_bytes(output)
    with CaptureFile(tmp_path / "d") as file:
        masked = [record.packet.data for record in file.records() if record.packet]
    for packet in masked:
        segment = packet[34:]
        pseudo = packet[26:34] + b"\0" + packet[23:24] + len(segment).to_bytes(2, "big")
        assert packet.endswith(bytes(len(body)))
        assert inet_checksum(pseudo + segment) == 0
