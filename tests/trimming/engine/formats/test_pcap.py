"""Classic pcap files: read in every variant, rewritten in place, cut and refused."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.captures import Frame, pcap, pcap_header
from trimming.engine.errors import InputError
from trimming.engine.formats.pcap import PcapRecord, read_pcap
from trimming.engine.formats.records import Packet, Tail
from trimming.engine.formats.stream import ByteStream, open_stream

LARGEST = 1 << 20
VARIANTS: list[dict[str, Any]] = [
    {"byte_order": "<"},
    {"byte_order": ">"},
    {"byte_order": "<", "nanoseconds": True},
    {"byte_order": ">", "nanoseconds": True},
    {"byte_order": "<", "modified": True},
    {"byte_order": ">", "modified": True},
]


def _stream(capture: bytes) -> ByteStream:
    return open_stream(io.BytesIO(capture), "some.pcap", 1 << 30)


def _read(capture: bytes) -> tuple[list[PcapRecord], Tail | None]:
    stream = _stream(capture)
    records = list(read_pcap(stream, "some.pcap", LARGEST))
    return records, stream.tail


def _packets(capture: bytes) -> list[Packet]:
    return [record.packet for record in _read(capture)[0] if record.packet is not None]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_read(variant: dict[str, Any]) -> None:
    tick_ns = 1 if variant.get("nanoseconds") else 1000
    time_ns = 1_600_000_000_123_456_789 // tick_ns * tick_ns
    header_bytes = 24 if variant.get("modified") else 16
    packets = _packets(pcap([Frame(b"abc", time_ns, 1500), b"de"], **variant))
    assert packets[0] == Packet(1, 24 + header_bytes, b"abc", 1500, 1, time_ns)
    assert (packets[1].number, packets[1].data) == (2, b"de")
    assert packets[1].offset == 24 + 2 * header_bytes + 3


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=80),
            st.integers(0, 2**32 * 10**6 - 1),
            st.integers(0, 2**32 - 1),
        ),
        max_size=8,
    ),
    st.sampled_from(VARIANTS),
)
def test_what_is_written_is_read_back_equal(
    given_packets: list[tuple[bytes, int, int]], variant: dict[str, Any]
) -> None:
    frames = [Frame(data, micros * 1000, length) for data, micros, length in given_packets]
    capture = pcap(frames, **variant)
    records, tail = _read(capture)
    read = [record.packet for record in records if record.packet]
    assert [Frame(p.data, p.timestamp_ns, p.original_len) for p in read] == frames
    assert b"".join(record.raw for record in records) == capture
    assert tail is None
    assert all(capture[p.offset : p.offset + p.captured_len] == p.data for p in read)


def test_the_file_header_is_a_record_without_a_packet() -> None:
    records, tail = _read(pcap([]))
    assert [record.packet for record in records] == [None]
    assert tail is None


@pytest.mark.parametrize("fcs_len", [0, 2, 4])
def test_the_declared_frame_check_sequence_is_known(fcs_len: int) -> None:
    (packet,) = _packets(pcap([b"frame"], fcs_len=fcs_len, link_type=147))
    assert (packet.fcs_len, packet.link_type) == (fcs_len, 147)


def test_without_the_flag_the_check_sequence_is_not_known() -> None:
    # libpcap: the length counts only if LT_FCS_LENGTH_PRESENT is set, the rest is reserved
    header = pcap_header(link_type=0x23FF0001)
    (packet,) = _packets(header + pcap([b"frame"])[24:])
    assert (packet.fcs_len, packet.link_type) == (None, 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_rewriting_replaces_the_data_and_nothing_else(variant: dict[str, Any]) -> None:
    record = _read(pcap([Frame(b"secret", 5_000, 1500)], **variant))[0][1]
    assert record.rewritten(b"\0" * 6) == pcap([Frame(b"\0" * 6, 5_000, 1500)], **variant)[24:]


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_slice_keeps_the_original_length(variant: dict[str, Any]) -> None:
    record = _read(pcap([Frame(b"secret", 5_000, 6)], **variant))[0][1]
    assert record.rewritten(b"se") == pcap([Frame(b"se", 5_000, 6)], **variant)[24:]


def test_a_packet_of_no_bytes_can_be_rewritten() -> None:
    record = _read(pcap([b""]))[0][1]
    assert record.rewritten(b"") == record.raw


def test_more_captured_than_original_is_carried_through() -> None:
    capture = pcap([Frame(b"abcdef", None, 2)])
    records, _ = _read(capture)
    assert records[1].packet is not None
    assert (records[1].packet.captured_len, records[1].packet.original_len) == (6, 2)
    assert b"".join(record.rewritten(b"abcdef") for record in records[1:]) == capture[24:]


def test_there_is_no_metadata_to_drop() -> None:
    header, record = _read(pcap([b"data"]))[0]
    assert header.metadata_kind is record.metadata_kind is None
    assert header.without_metadata(None) == header.resized() == header.raw
    assert record.without_metadata(None) == record.resized() == record.raw
    assert record.without_metadata(b"\0\0") == record.rewritten(b"\0\0")


@pytest.mark.parametrize(
    ("kept", "length", "reason"),
    [
        (1, 1, "a record header is incomplete"),
        (15, 15, "a record header is incomplete"),
        (16, 16, "a packet is incomplete"),
        (19, 19, "a packet is incomplete"),
    ],
)
def test_a_record_cut_in_the_middle_is_left_out_and_named(
    kept: int, length: int, reason: str
) -> None:
    whole = pcap([b"abcd"])
    records, tail = _read(whole + whole[24:][:kept])
    assert len(records) == 2
    assert tail == Tail(len(whole), length, reason)


@pytest.mark.parametrize("kept", [4, 8, 23])
def test_a_short_file_header_is_refused(kept: int) -> None:
    with pytest.raises(InputError) as refusal:
        _read(pcap([])[:kept])
    assert refusal.value.offset == 0
    assert refusal.value.expected == "a pcap file header of 24 bytes"
    assert refusal.value.found == f"{kept} bytes"


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_another_version_is_refused(byte_order: str) -> None:
    with pytest.raises(InputError) as refusal:
        _read(pcap_header(byte_order=byte_order, version=(3, 1)))
    assert refusal.value.offset == 4
    assert (refusal.value.expected, refusal.value.found) == ("pcap version 2", "version 3.1")


def test_a_record_over_the_limit_is_refused_without_its_bytes() -> None:
    capture = pcap([b"abcd"]) + struct.pack("<IIII", 1, 2, LARGEST + 1, 4) + b"payload"
    with pytest.raises(InputError) as refusal:
        _read(capture)
    assert refusal.value.offset == 24 + 20 + 8
    assert refusal.value.expected == f"a captured length of at most {LARGEST} bytes"
    assert refusal.value.found == str(LARGEST + 1)
    assert "payload" not in str(refusal.value)


def test_a_record_of_the_largest_size_is_read(tmp_path: Path) -> None:
    assert len(_packets(pcap([bytes(LARGEST)]))[0].data) == LARGEST
