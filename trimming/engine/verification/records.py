"""Record by record: the same blocks, headers, times and lengths, but for what options allow."""

from __future__ import annotations

from trimming.engine.formats.records import Packet, Record, Tail
from trimming.engine.options import TrimOptions
from trimming.engine.verification.findings import Findings, Rule
from trimming.engine.words import gettext_noop

SECTION_HEADER = b"\x0a\x0d\x0d\x0a"
PCAPNG_PACKETS = frozenset((2, 3, 6))
UNKNOWN_LENGTH = b"\xff" * 8


def expected_block(record: Record, options: TrimOptions) -> bytes:
    """Return the bytes that a record without a packet has in the output; empty: it is left out."""
    return record.without_metadata(None) if options.drop_metadata else record.raw


def check_block(expected: bytes, output: Record, packets: int, findings: Findings) -> None:
    """Compare a record without a packet; ``packets`` were read before it."""
    found = output.raw
    if found == expected:
        return
    if expected[:4] == SECTION_HEADER and found == expected[:16] + UNKNOWN_LENGTH + expected[24:]:
        return
    at = first_difference(expected, found)
    findings.add(
        Rule.METADATA,
        gettext_noop(
            "a block without a packet, behind packet %(packets)d, differs from byte %(at)d on:"
            " %(expected)d bytes expected, %(found)d found"
        )
        % {"packets": packets, "at": at, "expected": len(expected), "found": len(found)},
    )


def check_packet_record(
    original: Record, output: Record, planned: bool, options: TrimOptions, findings: Findings
) -> None:
    """Compare what surrounds the captured bytes.  ``planned``: some of them are overwritten."""
    before, after = original.packet, output.packet
    assert before is not None
    assert after is not None
    changed = before.data != after.data
    if not changed and output.raw == original.raw and not options.drop_metadata:
        return
    if output.raw in _expected_packets(original, after.data, changed, planned, options):
        return
    for name, was, now in _header_values(before, after):
        if was != now:
            changed_value = gettext_noop("the %(name)s was %(was)s and is %(now)s")
            values = {"name": name, "was": was, "now": now}
            findings.add(Rule.PACKET_HEADER, changed_value % values, before.number, 0)
            return
    if _record_header(original, before) != _record_header(output, after):
        differs = gettext_noop("the record header differs")
        findings.add(Rule.PACKET_HEADER, differs, before.number, 0)
        return
    findings.add(
        Rule.METADATA,
        gettext_noop("the record around the packet differs: %(was)d bytes became %(now)d")
        % {"was": len(original.raw), "now": len(output.raw)},
        before.number,
    )


def _expected_packets(
    original: Record, data: bytes, changed: bool, planned: bool, options: TrimOptions
) -> list[bytes]:
    expected = []
    if changed or planned:
        expected.append(
            original.without_metadata(data) if options.drop_metadata else original.rewritten(data)
        )
    if not changed:
        expected.append(original.without_metadata(None) if options.drop_metadata else original.raw)
    return expected


def _header_values(before: Packet, after: Packet) -> list[tuple[str, int | None, int | None]]:
    return [
        (gettext_noop("timestamp in ns"), before.timestamp_ns, after.timestamp_ns),
        (gettext_noop("original length"), before.original_len, after.original_len),
        (gettext_noop("link type"), before.link_type, after.link_type),
        (gettext_noop("length of the frame check sequence"), before.fcs_len, after.fcs_len),
    ]


def _record_header(record: Record, packet: Packet) -> bytes:
    """The bytes before the captured ones, without lengths of the record and of the capture."""
    raw = record.raw
    kind = int.from_bytes(raw[:4], "little")
    if kind in PCAPNG_PACKETS or int.from_bytes(raw[:4], "big") in PCAPNG_PACKETS:
        return raw[:4] + raw[8:20]
    return raw[:8] + raw[12 : len(raw) - packet.captured_len]


def first_difference(before: bytes, after: bytes, start: int = 0) -> int:
    """Return the offset of the first byte that differs, the shorter length where none does."""
    low, high = start, min(len(before), len(after))
    if before[low:high] == after[low:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if before[low:middle] == after[low:middle]:
            low = middle
        else:
            high = middle
    return low


def tell_unpaired(is_at_end: bool, packets: int, findings: Findings) -> None:
    """The output lacks the record that is due behind so many packets."""
    ends = gettext_noop("the output ends after packet %(packets)d")
    goes_on = gettext_noop(
        "the output goes on with another kind of record after packet %(packets)d"
    )
    findings.add(Rule.PACKET_COUNT, (ends if is_at_end else goes_on) % {"packets": packets})


def tell_ends(left: int, packets: int, tail: Tail | None, findings: Findings) -> None:
    """The original has ended; the output has ``left`` more records, and maybe a cut end."""
    if left:
        more = gettext_noop("the output has %(left)d records behind packet %(packets)d")
        findings.add(Rule.PACKET_COUNT, more % {"left": left, "packets": packets})
    if tail is not None:
        cut = gettext_noop("the output has a cut end: %(reason)s")
        findings.add(Rule.PACKET_COUNT, cut % {"reason": tail.reason})


def tell_left_plan(number: int, packets: int, findings: Findings) -> None:
    """The plan has entries for a packet that did not come."""
    findings.add(
        Rule.PLAN_APPLIED,
        gettext_noop(
            "the plan names packet %(number)d where packet %(packets)d is the last or has passed"
        )
        % {"number": number, "packets": packets},
    )
