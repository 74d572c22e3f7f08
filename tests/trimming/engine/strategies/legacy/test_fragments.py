"""IP fragments put together in whatever order they come."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.captures import (
    Frame,
    ethernet,
    fragments_of_ipv4,
    fragments_of_ipv6,
    gre,
    inet_checksum,
    ipv4,
    ipv6,
    response,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.strategies.legacy.classing import Outcome, classed, limited
from trimming.engine.options import TrimOptions
from trimming.engine.strategies.legacy.fragments import MAX_REMEMBERED

BODY = b"0123456789abcdef" * 6
MESSAGE = response(body=BODY)
MASKED = MESSAGE[: -len(BODY)] + bytes(len(BODY))
SIZES = [24, 48, 40]
MASK_OTHER = TrimOptions(other_payload="mask")


def _fragments(message: bytes, *, six: bool = False, ident: int = 1) -> list[bytes]:
    if six:
        packet = ipv6(tcp(message, sport=80))
        return [ethernet(f) for f in fragments_of_ipv6(packet, SIZES, ident=ident)]
    packet = ipv4(tcp(message, sport=80), ident=ident)
    return [ethernet(f) for f in fragments_of_ipv4(packet, SIZES)]


@pytest.mark.parametrize("six", [False, True])
def test_fragments_in_any_order_are_masked_and_the_checksum_in_the_first_fits(six: bool) -> None:
    given, expected = _fragments(MESSAGE, six=six), _fragments(MASKED, six=six)
    assert len(given) == 4
    for order in permutations(range(4)):
        outcome = classed([given[n] for n in order])
        assert outcome.masked == [expected[n] for n in order]


def test_a_copy_of_a_fragment_is_masked_alike() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    order = [0, 1, 1, 2, 0, 3]
    assert classed([given[n] for n in order]).masked == [expected[n] for n in order]


def test_a_late_copy_of_a_fragment_is_masked_alike() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    order = [0, 1, 2, 3, 2, 3, 1]
    assert classed([given[n] for n in order]).masked == [expected[n] for n in order]


def test_a_late_copy_of_the_first_fragment_keeps_its_header() -> None:
    given = _fragments(MESSAGE)
    outcome = classed([*given, given[0]])
    assert outcome.letters[-1] == outcome.letters[0]


def test_a_whole_datagram_that_comes_twice_is_masked_twice() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    outcome = classed(given * 2)
    assert [m[34:] for m in outcome.masked[1:4]] == [e[34:] for e in expected[1:]]
    assert [m[34:] for m in outcome.masked[5:]] == [e[34:] for e in expected[1:]]


def _overlapping(message: bytes) -> list[bytes]:
    payload = ipv4(tcp(message, sport=80))[20:]
    ranges = [(0, 64), (40, 96), (88, len(payload))]
    return [
        ethernet(ipv4(payload[a:b], proto=6, ident=7, frag_offset=a, flags_mf=b < len(payload)))
        for a, b in ranges
    ]


def test_fragments_that_overlap_are_masked_where_they_overlap_too() -> None:
    given, expected = _overlapping(MESSAGE), _overlapping(MASKED)
    for order in permutations(range(3)):
        outcome = classed([given[n] for n in order])
        for n, masked in zip(order, outcome.masked, strict=True):
            # the checksum, in the first fragment, knows each byte once
            assert masked[54:] == expected[n][54:]


def test_a_fragment_inside_another_is_a_copy() -> None:
    payload = ipv4(tcp(MESSAGE, sport=80))[20:]
    inner = ethernet(ipv4(payload[64:80], proto=6, ident=1, frag_offset=64, flags_mf=True))
    outcome = classed([*_fragments(MESSAGE)[:3], inner, _fragments(MESSAGE)[3]])
    assert outcome.letters[3][34:] == "B" * 16


def test_a_small_fragment_before_a_larger_one_around_it_is_a_copy() -> None:
    payload = ipv4(tcp(MESSAGE, sport=80))[20:]
    given = [
        ethernet(ipv4(payload[a:b], proto=6, ident=7, frag_offset=a, flags_mf=b < len(payload)))
        for a, b in ((0, 64), (72, 80), (64, len(payload)))
    ]
    outcome = classed(given)
    assert outcome.letters[1][34:] == "B" * 8
    assert not any(outcome.masked[1][34:])


def test_bytes_behind_the_end_are_not_put_into_the_stream() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    beyond = ethernet(ipv4(b"x" * 64, proto=6, ident=1, frag_offset=112, flags_mf=True))
    frames = [given[0], given[3], beyond, given[1], given[2]]
    outcome = classed(frames)
    size = len(given[3]) - 34
    assert outcome.masked[2] == beyond[:34] + bytes(size) + beyond[34 + size :]
    assert outcome.tally.left_bytes == {"fragments without their beginning": 64 - size}
    assert outcome.masked[0] == expected[0]
    assert not any(classed(frames, MASK_OTHER).masked[2][34:])


def test_a_fragment_wholly_behind_the_end_is_left_and_counted() -> None:
    given = _fragments(MESSAGE)
    beyond = ethernet(ipv4(b"x" * 8, proto=6, ident=1, frag_offset=800, flags_mf=True))
    outcome = classed([beyond, *given])
    assert outcome.tally.left_bytes == {"fragments without their beginning": 8}
    assert outcome.masked[1:] == _fragments(MASKED)


def test_a_last_fragment_inside_another_does_not_end_the_datagram() -> None:
    given = _fragments(MESSAGE)
    beyond = ethernet(ipv4(b"x" * 64, proto=6, ident=1, frag_offset=112, flags_mf=True))
    outcome = classed([given[0], given[1], given[2], beyond, given[3]])
    letters = [found[34:] for found in outcome.letters]
    assert set(letters[4]) == {"B"}
    assert set(letters[3]) <= {"B", "U"}


# --- incomplete datagrams --------------------------------------------------------------------


def test_without_its_end_a_datagram_is_read_as_far_as_it_goes() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    outcome = classed(given[:3])
    assert [m[54:] for m in outcome.masked] == [e[54:] for e in expected[:3]]


def test_a_fragment_behind_a_missing_one_is_masked_too() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    outcome = classed([given[0], given[1], given[3]])
    assert [m[54:] for m in outcome.masked] == [expected[n][54:] for n in (0, 1, 3)]


def test_a_fragment_behind_one_that_the_snaplen_cut_is_masked_too() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    frames: list[bytes | Frame] = [
        given[0],
        Frame(given[1][:70], original_len=len(given[1])),
        *given[2:],
    ]
    masked = classed(frames).masked
    assert [m[54:] for m in masked] == [
        expected[0][54:],
        expected[1][54:70],
        *[e[54:] for e in expected[2:]],
    ]


def test_the_bytes_that_the_snaplen_cut_from_the_last_fragment_count_in_the_stream() -> None:
    given = _fragments(MESSAGE)
    after = ethernet(ipv4(tcp(MESSAGE, sport=80, seq=1000 + len(MESSAGE))))
    outcome = classed([*given[:3], Frame(given[3][:40], original_len=len(given[3])), after])
    assert outcome.tally.gaps == 1
    assert outcome.letters[-1].count("B") == len(BODY)


def test_copies_in_an_incomplete_datagram_are_masked_alike() -> None:
    given, expected = _fragments(MESSAGE), _fragments(MASKED)
    order = [0, 1, 1, 3, 3]
    outcome = classed([given[n] for n in order])
    assert [m[54:] for m in outcome.masked] == [expected[n][54:] for n in order]


def test_overlapping_fragments_of_an_incomplete_datagram_are_masked_alike() -> None:
    given, expected = _overlapping(MESSAGE), _overlapping(MASKED)
    outcome = classed(given[:2])
    assert [m[54:] for m in outcome.masked] == [e[54:] for e in expected[:2]]


def test_missing_fragments_are_a_gap_in_the_stream() -> None:
    given = _fragments(MESSAGE)
    after = ethernet(ipv4(tcp(MESSAGE, sport=80, seq=1000 + len(MESSAGE))))
    outcome = classed([given[0], given[1], given[3], after])
    assert outcome.payload_letters()[-1].count("B") == len(BODY)
    assert set(outcome.payload_letters()[2]) == {"B"}


def test_without_its_beginning_a_datagram_is_left_and_counted() -> None:
    given = _fragments(MESSAGE)
    outcome = classed([*given[1:], given[2]])
    assert outcome.masked == [*given[1:], given[2]]
    size = len(ipv4(tcp(MESSAGE))) - 20 - 24
    assert outcome.tally.left_bytes == {"fragments without their beginning": size + 40}


@pytest.mark.parametrize("six", [False, True])
def test_without_its_beginning_a_datagram_is_masked_with_other_payload(six: bool) -> None:
    given = _fragments(MESSAGE, six=six)
    outcome = classed(given[1:], MASK_OTHER)
    start = 62 if six else 34
    assert [m[:start] for m in outcome.masked] == [g[:start] for g in given[1:]]
    assert not any(b"".join(m[start:] for m in outcome.masked))
    assert not outcome.tally.left_bytes


@pytest.mark.parametrize("present", [[0, 1], [1]])
def test_fragments_of_what_is_not_looked_into_are_counted(present: list[int]) -> None:
    packet = ipv4(b"secret!!" * 4, proto=50)
    given = [ethernet(f) for f in fragments_of_ipv4(packet, [16])]
    outcome = classed([given[n] for n in present], MASK_OTHER)
    assert outcome.tally.left_bytes == {"IP protocol 50": 16 * len(present)}


def test_past_max_open_datagrams_the_oldest_is_read_as_it_is() -> None:
    frames = []
    for ident in range(4):
        frames += _fragments(MESSAGE, ident=ident + 1)[:2]
    late = _fragments(MESSAGE)[2]
    outcome = classed([*frames, late], limited(max_open_datagrams=2))
    assert outcome.tally.limits_met["max_open_datagrams"] == 3
    assert outcome.letters[0].count("H") == 4
    # the rest of a datagram that was given up has lost its beginning
    assert outcome.tally.left_bytes == {"fragments without their beginning": 40}


def test_late_copies_are_known_for_the_latest_datagrams_only() -> None:
    frames: list[bytes] = []
    for ident in range(MAX_REMEMBERED + 1):
        packet = ipv4(tcp(b"x" * 20, sport=80, seq=1000 + 20 * ident), ident=ident)
        frames += [ethernet(f) for f in fragments_of_ipv4(packet, [24])]
    outcome = classed([*frames, frames[1], frames[-1]])
    assert outcome.tally.left_bytes == {"fragments without their beginning": 16}


def test_a_late_fragment_with_other_bytes_begins_a_new_datagram() -> None:
    given = _fragments(MESSAGE)
    other = _fragments(MESSAGE.replace(b"0", b"9"))
    outcome = classed([*given, *other])
    assert [letters.count("B") for letters in outcome.letters[4:]] == [
        letters.count("B") for letters in outcome.letters[:4]
    ]


def test_an_empty_fragment_is_nothing() -> None:
    frame = ethernet(ipv4(b"", proto=6, flags_mf=True))
    assert classed([frame]).masked == [frame]


# --- tunnels ---------------------------------------------------------------------------------


def _whole_udp(fragments: list[bytes]) -> bytes:
    """Return the UDP checksum error over all fragments of an IPv4 datagram, as bytes."""
    payload = b"".join(f[34:] for f in fragments)
    pseudo = fragments[0][26:34] + b"\0\x11" + len(payload).to_bytes(2, "big")
    return inet_checksum(pseudo + payload).to_bytes(2, "big")


def test_a_fragmented_tunnel_is_masked_and_the_outer_checksum_fits() -> None:
    def frames(message: bytes) -> list[bytes]:
        inner = ethernet(ipv4(tcp(message, sport=80)))
        packet = ipv4(udp(vxlan(inner), dport=4789))
        return [ethernet(f) for f in fragments_of_ipv4(packet, [40, 80, 40])]

    given, expected = frames(MESSAGE), frames(MASKED)
    for order in permutations(range(4)):
        outcome = classed([given[n] for n in order])
        assert outcome.masked == [expected[n] for n in order]
        in_order = [outcome.masked[order.index(n)] for n in range(4)]
        assert _whole_udp(in_order) == b"\0\0"


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_fragments_inside_tunnels_are_masked_and_every_checksum_fits(
    order: tuple[int, ...],
) -> None:
    def frames(message: bytes) -> list[bytes]:
        packet = ipv4(tcp(message, sport=80))
        return [
            ethernet(ipv4(gre(fragment, checksum=True), proto=47))
            for fragment in fragments_of_ipv4(packet, SIZES)
        ]

    given, expected = frames(MESSAGE), frames(MASKED)
    assert classed([given[n] for n in order]).masked == [expected[n] for n in order]


def test_fragments_inside_fragments_are_put_together() -> None:
    def frames(message: bytes) -> list[bytes]:
        found = []
        for n, inner in enumerate(fragments_of_ipv4(ipv4(tcp(message, sport=80)), [96])):
            outer = ipv4(udp(vxlan(ethernet(inner)), dport=4789), ident=100 + n)
            found += [ethernet(f) for f in fragments_of_ipv4(outer, [56])]
        return found

    assert classed(frames(MESSAGE)).masked == frames(MASKED)


def test_headless_fragments_in_a_tunnel_keep_the_checksum_around_them_right() -> None:
    def frames(payload: bytes) -> list[bytes]:
        fragment = ipv4(payload, proto=6, frag_offset=64)
        return [ethernet(ipv4(gre(fragment, checksum=True), proto=47))]

    outcome: Outcome = classed(frames(b"secret!!"), MASK_OTHER)
    assert outcome.masked == frames(bytes(8))
