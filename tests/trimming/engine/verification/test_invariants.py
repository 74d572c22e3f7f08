"""What only the plan can name: checksum fields behind layers that the decoder does not follow."""

from __future__ import annotations

import zlib

import pytest

from tests.captures import (
    ethernet,
    fragments_of_ipv4,
    inet_checksum,
    ipv4,
    pcap,
    tcp,
    udp,
)
from tests.trimming.engine.verification.trimmed import verify_files
from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan

UNKNOWN_PORT = 9999
INNER_TCP = 14 + 20 + 8 + 20  # behind Ethernet, IPv4, UDP and an inner IPv4 header
DATA = b"some payload bytes"


def words(data: bytes) -> int:
    return 0xFFFF - inet_checksum(data)


DELTA = (words(bytes(len(DATA))) - words(DATA)) % 0xFFFF


def opaque_tunnel(data: bytes) -> bytes:
    inner = ipv4(tcp(data), src="1.1.1.1", dst="1.1.1.2")
    return ethernet(ipv4(udp(inner, dport=UNKNOWN_PORT)))


def rules(before: bytes, after: bytes, plan: MaskPlan, link_type: int = 1) -> set[str]:
    first, second = (pcap([data], link_type=link_type) for data in (before, after))
    return {f.rule for f in verify_files(first, second, plan).findings}


def plan_for(start: int, *changes: tuple[int, FieldKind, int]) -> MaskPlan:
    plan = MaskPlan(TrimOptions())
    plan.add_span(1, start, start + len(DATA), ByteClass.BODY)
    for offset, kind, delta in changes:
        plan.add_change(1, offset, kind, delta, ByteClass.BODY)
    return plan


def test_a_planned_field_inside_of_an_opaque_payload_may_change_as_planned() -> None:
    before, after = opaque_tunnel(DATA), opaque_tunnel(bytes(len(DATA)))
    field = INNER_TCP + 16
    named = (field, FieldKind.INTERNET, DELTA)
    assert rules(before, after, plan_for(INNER_TCP + 20, named)) == set()
    assert rules(before, after, plan_for(INNER_TCP + 20)) == {"outside-plan"}
    wrong = (field, FieldKind.INTERNET, DELTA + 1)
    assert rules(before, after, plan_for(INNER_TCP + 20, wrong)) == {"checksum"}


def test_a_planned_field_of_no_checksum_stays_zero() -> None:
    inner = udp(DATA, dport=1, checksum="zero")
    before = ethernet(b"\1\2" + inner.header + DATA, ethertype=0x1234)
    after = ethernet(b"\1\2" + inner.header + bytes(len(DATA)), ethertype=0x1234)
    start = len(before) - len(DATA)
    assert rules(before, after, plan_for(start, (start - 2, FieldKind.UDP, 77))) == set()
    assert rules(before, after, plan_for(start, (start - 2, FieldKind.INTERNET, 77))) == {
        "checksum"
    }


def test_a_planned_field_inside_of_headers_that_are_known_may_not_change() -> None:
    before, after = (ethernet(ipv4(tcp(d), ttl=t)) for d, t in ((DATA, 64), (bytes(18), 63)))
    plan = plan_for(54, (22, FieldKind.INTERNET, 0x100), (24, FieldKind.INTERNET, 1))
    assert rules(before, after, plan) == {"outside-plan"}


def test_a_planned_frame_check_is_held() -> None:
    def frame(data: bytes, spoil: int = 0) -> bytes:
        covered = ethernet(ipv4(tcp(data)))[6:]
        return b"header" + covered + (zlib.crc32(covered) ^ spoil).to_bytes(4, "little")

    start = len(frame(DATA)) - 4 - len(DATA)
    for spoil, expected in ((0, set()), (1, {"checksum"})):
        plan = plan_for(start, (start - 4, FieldKind.INTERNET, DELTA))
        plan.add_frame_check(1, 6, start + len(DATA))
        plan.add_frame_check(1, 6, 99999)
        found = rules(frame(DATA), frame(bytes(len(DATA)), spoil), plan, 147)
        assert found == expected


@pytest.mark.parametrize("value", ["zero", "right"])
def test_a_udp_checksum_does_not_come_or_go(value: str) -> None:
    before = ethernet(ipv4(udp(DATA, checksum=value)))  # type: ignore[arg-type]
    other = "right" if value == "zero" else "zero"
    after = ethernet(ipv4(udp(bytes(len(DATA)), checksum=other)))  # type: ignore[arg-type]
    assert rules(before, after, plan_for(42)) == {"checksum"}
    after = ethernet(ipv4(udp(bytes(len(DATA)), checksum=value)))  # type: ignore[arg-type]
    assert rules(before, after, plan_for(42)) == set()


def pieces(data: bytes, ident: int = 1, sizes: tuple[int, ...] = (24, 16)) -> list[bytes]:
    whole = ipv4(tcp(data), ident=ident)
    return [ethernet(piece) for piece in fragments_of_ipv4(whole, sizes)]


def plan_of_all(before: list[bytes], after: list[bytes], *, named: bool = True) -> MaskPlan:
    plan = MaskPlan(TrimOptions())
    for number, (a, b) in enumerate(zip(before, after, strict=True), 1):
        start = 34 if a[20] & 0x1F or a[21] else 54
        if a != b and start < len(a):
            plan.add_span(number, start, len(a), ByteClass.BODY)
        if named and start == 54:
            plan.add_change(number, 50, FieldKind.INTERNET, 0, ByteClass.BODY)
    return plan


def test_overlapping_fragments_are_not_judged() -> None:
    text = DATA * 4
    before = pieces(text) + pieces(text)[:1] + pieces(b"Q" + text[1:])[:1] + pieces(text, 2)[1:]
    before += pieces(text, 2, (32, 16))
    plan = MaskPlan(TrimOptions())
    assert verify_files(pcap(before), pcap(before), plan).passed


def test_many_open_datagrams_are_bounded() -> None:
    before, after = [], []
    for ident in range(1, 1100):
        before += pieces(DATA * 3, ident)[:1]
        after += pieces(bytes(len(DATA) * 3), ident)[:1]
    named = plan_of_all(before, after)
    assert verify_files(pcap(before), pcap(after), named).passed
    unnamed = plan_of_all(before, after, named=False)
    result = verify_files(pcap(before), pcap(after), unnamed)
    assert {f.rule for f in result.findings} == {"outside-plan"}


def test_an_identification_may_be_used_again() -> None:
    before = pieces(DATA * 3) + pieces(DATA[::-1] * 3)
    after = pieces(bytes(54)) + pieces(bytes(54))
    assert verify_files(pcap(before), pcap(after), plan_of_all(before, after)).passed
