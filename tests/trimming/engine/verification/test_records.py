"""What surrounds the captured bytes: headers, blocks, options, slices."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from tests.captures import (
    Block,
    Frame,
    custom,
    enhanced,
    interface,
    names,
    pcap,
    pcapng,
    section_header,
    simple,
    statistics,
)
from tests.trimming.engine.verification.test_verify import TEXT, body_spans
from tests.trimming.engine.verification.test_verify import simple as simple_dialogue
from tests.trimming.engine.verification.trimmed import Trimmed, trimmed, verify_files
from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import TrimOptions
from trimming.engine.plan import MaskPlan

HASH = (3, b"\2abcdefgh")
FLAGS = (2, bytes(4))
COMMENT = (1, b"a remark")


@pytest.fixture(name="case")
def a_case() -> Trimmed:
    return trimmed(simple_dialogue(TEXT))


def blocks(case: Trimmed, frames: list[bytes], **options: object) -> list[Block | bytes]:
    """An interface, name resolution, statistics and the packets."""
    packets = [enhanced(frame, timestamp=9, **options) for frame in frames]  # type: ignore[arg-type]
    return [interface(), names(), *packets, statistics()]


def rules(case: Trimmed, before: bytes, after: bytes) -> set[str]:
    return {f.rule for f in verify_files(before, after, case.plan()).findings}


def test_pcapng_passes_when_only_the_hash_of_changed_packets_is_gone(case: Trimmed) -> None:
    before = pcapng(blocks(case, case.before, options=[HASH, COMMENT]))
    packets = [
        enhanced(b, timestamp=9, options=[COMMENT] if a != b else [HASH, COMMENT])
        for a, b in zip(case.before, case.after, strict=True)
    ]
    after = pcapng([interface(), names(), *packets, statistics()])
    assert rules(case, before, after) == set()


def test_a_hash_that_stays_on_a_changed_packet_is_found(case: Trimmed) -> None:
    before = pcapng(blocks(case, case.before, options=[HASH]))
    after = pcapng(blocks(case, case.after, options=[HASH]))
    assert rules(case, before, after) == {"metadata"}


def test_a_comment_that_goes_is_found(case: Trimmed) -> None:
    before = pcapng(blocks(case, case.before, options=[COMMENT]))
    after = pcapng(blocks(case, case.after))
    assert rules(case, before, after) == {"metadata"}


def test_a_changed_block_without_a_packet_is_found(case: Trimmed) -> None:
    before = pcapng(blocks(case, case.before))
    after = pcapng([interface(), names([("10.0.0.9", "x")]), *blocks(case, case.after)[2:]])
    assert rules(case, before, after) == {"metadata"}


def test_a_block_that_is_left_out_is_found(case: Trimmed) -> None:
    before = pcapng(blocks(case, case.before))
    after = pcapng([interface(), *blocks(case, case.after)[2:]])
    assert rules(case, before, after) == {"packet-count"}


def test_a_section_may_lose_its_stated_length(case: Trimmed) -> None:
    before = pcapng([section_header(), *blocks(case, case.before)])
    before = before[:16] + struct.pack("<q", len(before) - 28) + before[24:]
    after = pcapng([section_header(), *blocks(case, case.after)])
    assert after[16:24] == b"\xff" * 8
    assert rules(case, before, after) == set()


def test_dropped_metadata_are_expected_with_that_option(case: Trimmed) -> None:
    case = replace(case, options=TrimOptions(drop_metadata=True))
    packets = blocks(case, case.before, options=[COMMENT, FLAGS])[2:]
    before = pcapng([interface(), names(), custom(), *packets])
    packets = blocks(case, case.after, options=[FLAGS])
    assert rules(case, before, pcapng([interface(), *packets[2:]])) == set()
    assert rules(case, before, pcapng(packets)) == {"packet-count"}
    kept = pcapng([interface(), *blocks(case, case.after, options=[COMMENT, FLAGS])[2:]])
    assert rules(case, before, kept) == {"metadata"}


def test_simple_packets_pass(case: Trimmed) -> None:
    before = pcapng([interface(), *map(simple, case.before)])
    assert rules(case, before, pcapng([interface(), *map(simple, case.after)])) == set()


@pytest.mark.parametrize("how", ["timestamp_ns", "original_len"])
def test_a_changed_record_header_is_found(case: Trimmed, how: str) -> None:
    frames = [Frame(data) for data in case.after]
    frames[2] = replace(frames[2], **{how: 5_000_000})  # type: ignore[arg-type]
    assert rules(case, pcap(case.before), pcap(frames)) == {"packet-header"}
    frames = [Frame(data, 1000) for data in case.after]
    assert rules(case, pcap([Frame(d, 1999) for d in case.before]), pcap(frames)) <= {
        "packet-header"
    }


def test_a_changed_time_in_pcapng_is_found(case: Trimmed) -> None:
    before = pcapng(blocks(case, case.before))
    after = pcapng(
        [interface(), names(), *(enhanced(d, timestamp=8) for d in case.after), statistics()]
    )
    assert rules(case, before, after) == {"packet-header"}


def test_unread_header_bytes_are_held_as_well(case: Trimmed) -> None:
    before = pcap(case.before, modified=True)
    after = bytearray(pcap(case.after, modified=True))
    assert rules(case, before, bytes(after)) == set()
    after[24 + 20] ^= 1
    assert rules(case, before, bytes(after)) == {"packet-header"}


def test_a_changed_file_header_is_found(case: Trimmed) -> None:
    assert rules(case, pcap(case.before), pcap(case.after, snaplen=999)) == {"metadata"}


def test_a_cut_original_passes_without_its_tail(case: Trimmed) -> None:
    assert rules(case, pcap(case.before) + b"tail", pcap(case.after)) == set()


def test_a_cut_output_is_found(case: Trimmed) -> None:
    assert rules(case, pcap(case.before), pcap(case.after) + b"tail") == {"packet-count"}
    assert rules(case, pcap(case.before), pcap(case.after)[:-5]) == {"packet-count"}


def test_a_damaged_output_is_found(case: Trimmed) -> None:
    assert rules(case, pcap(case.before), b"nothing like it") == {"packet-count"}
    damaged = pcap(case.after)[:-5] + b"\xff" * 40
    assert "packet-count" in rules(case, pcap(case.before) + pcap(case.before)[24:], damaged)


def test_a_plan_for_packets_that_do_not_exist_is_found(case: Trimmed) -> None:
    plan = case.plan()
    plan.add_span(999, 1, 2, ByteClass.BODY)
    found = verify_files(*case.files(), plan).findings
    assert [f.rule for f in found] == ["plan-applied"]


def test_spans_that_overlap_or_lie_outside_are_found(case: Trimmed) -> None:
    for start, end in ((60, 99999), (0, 200)):
        plan = case.plan()
        plan.add_span(5, start, end, ByteClass.BODY)
        found = verify_files(*case.files(), plan).findings
        assert "plan-applied" in {f.rule for f in found}


def test_findings_are_bounded_and_counted(case: Trimmed) -> None:
    frames = [Frame(data, 1) for data in case.before] * 5
    result = verify_files(pcap(case.before * 5), pcap(frames), MaskPlan(TrimOptions()))
    assert len(result.findings) == 20
    assert result.findings_left_out > 0
    assert not result.passed


def sliced(case: Trimmed, spare: int = 0) -> bytes:
    """Cut trailing masked bytes off, ``spare`` bytes more than is allowed."""
    frames = []
    for data, spans in zip(case.after, case.spans, strict=True):
        cut = spans[-1][0] - spare if spans and spans[-1][1] == len(data) else len(data)
        frames.append(Frame(data[:cut], original_len=len(data)))
    return pcap(frames)


def test_a_slice_passes_with_that_option_only(case: Trimmed) -> None:
    assert rules(case, pcap(case.before), sliced(case)) == {"packet-header"}
    case = replace(case, options=TrimOptions(slice=True))
    assert rules(case, pcap(case.before), sliced(case)) == set()


def test_a_slice_into_kept_bytes_is_found(case: Trimmed) -> None:
    case = replace(case, options=TrimOptions(slice=True))
    assert rules(case, pcap(case.before), sliced(case, 1)) == {"packet-header"}


def test_a_longer_packet_is_found(case: Trimmed) -> None:
    case.after[3] += b"\0"
    case.original_lens[3] = len(case.before[3])
    assert "packet-header" in case.rules()


def test_a_wrong_frame_check_may_stay_or_stay_as_wrong() -> None:
    case = trimmed(simple_dialogue(TEXT))
    fcs = b"abcd"
    case.before = [frame + fcs for frame in case.before]
    case.after = [frame + fcs for frame in case.after]
    case.fcs_len = 4
    assert case.verify().findings == ()
    index = body_spans(case)[0][0]
    case.after[index] = case.after[index][:-4] + b"abce"
    assert case.rules() == {"checksum"}
