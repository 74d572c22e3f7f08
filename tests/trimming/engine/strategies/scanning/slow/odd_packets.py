"""Packets made from a seed: every wrapping, badly fragmented, damaged, cut, or plain rubbish.

Nothing here says what is in them.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.captures import (
    ICMP,
    ICMPV6,
    LINK_ETHERNET,
    Transport,
    ethernet,
    fragments_of_ipv4,
    fragments_of_ipv6,
    gre,
    ipv4,
    ipv6,
    tcp,
    udp,
    vxlan,
)
from tests.trimming.engine.strategies.cases import ETHERNET_CASES, LINK_CASES
from trimming.engine.formats.records import Packet

LINKS = sorted({*(link for link, _ in LINK_CASES.values()), LINK_ETHERNET, 228, 147, 999})
PORTS = (53, 80, 1701, 2152, 3544, 4341, 4789, 4790, 6081, 6635, 8472, 37008)
# bytes that mean something somewhere: versions, flags, lengths, tags, protocols
TELLING = bytes.fromhex("0001020304050608090b1011212b2c2f3133343a3c4145466061878889aaff")
Frame = tuple[int, bytes]


def odd_packets(seed: int) -> list[Packet]:
    """Return the packets of a small capture in which much is wrong."""
    rng = random.Random(seed)
    frames = [frame for _ in range(rng.choice((1, 1, 2, 4))) for frame in _frames(rng)]
    if rng.random() < 0.5:
        rng.shuffle(frames)
    for _ in range(rng.choice((0, 0, 1, 3)) if frames else 0):
        frames.insert(rng.randrange(len(frames) + 1), rng.choice(frames))
    harm = rng.choice((0.0, 0.1, 0.6))
    return [_packet(rng, number, link, data, harm) for number, (link, data) in enumerate(frames, 1)]


def _packet(rng: random.Random, number: int, link: int, data: bytes, harm: float) -> Packet:
    if rng.random() < harm:
        data = _damaged(rng, data)
    original = len(data)
    if rng.random() < harm / 2:
        data = data[: rng.randrange(len(data) + 1)]
    if rng.random() < 0.1:
        original = rng.choice((0, len(data), len(data) + 1, original + 9))
    fcs_len = rng.choice((None, None, None, 0, 4))
    return Packet(number, 0, data, original, link, None, fcs_len)


def _damaged(rng: random.Random, data: bytes) -> bytes:
    broken = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 20)) if broken else 0):
        # headers are where damage tells
        at = rng.randrange(min(len(broken), rng.choice((16, 60, 120, 1 << 16))))
        if rng.random() < 0.5:
            broken[at] = rng.choice(TELLING)
        elif rng.random() < 0.5:
            broken[at] ^= 1 << rng.randrange(8)
        else:
            broken[at] = rng.randrange(256)
    if rng.random() < 0.1:
        at = rng.randrange(len(broken) + 1)
        broken[at : at + rng.randrange(3)] = rng.randbytes(rng.randrange(6))
    if rng.random() < 0.3:
        broken += rng.choice((b"\0" * 9, b"\x45" * 30, b"\x60" * 50, rng.randbytes(5)))
    return bytes(broken)


def _frames(rng: random.Random) -> list[Frame]:
    kind = rng.random()
    if kind < 0.08:
        length = rng.choice((0, 3, 20, 60, 200))
        return [(rng.choice(LINKS), bytes(rng.choice(TELLING) for _ in range(length)))]
    if kind < 0.13:
        return [(rng.choice(LINKS), rng.randbytes(rng.choice((1, 8, 40, 90, 300))))]
    inner = _inner(rng)
    if kind < 0.3:
        link, wrap = rng.choice(list(LINK_CASES.values()))
        return [(link, wrap(inner))]
    if kind < 0.5:
        return [(LINK_ETHERNET, rng.choice(list(ETHERNET_CASES.values()))(inner))]
    frame = rng.choice(list(ETHERNET_CASES.values()))(inner)
    packets = _in_fragments(rng, frame[14:]) if kind < 0.8 else _overlapping(rng)
    if rng.random() < 0.4:
        around = _tunnel(rng)
        packets = [around(packet) for packet in packets]
        if rng.random() < 0.4:
            packets = [part for packet in packets for part in _in_fragments(rng, packet)]
    if rng.random() < 0.5:
        rng.shuffle(packets)
    return [(LINK_ETHERNET, ethernet(packet, padding_to=rng.choice((0, 60)))) for packet in packets]


def _inner(rng: random.Random) -> Transport:
    payload = rng.randbytes(rng.choice((0, 1, 8, 40, 150)))
    port, other = rng.choice(PORTS), rng.choice((9, 53, 40000))
    match rng.randrange(5):
        case 0:
            return udp(payload, sport=port, dport=other)
        case 1:
            return udp(payload, sport=other, dport=port, checksum=rng.choice(("right", "zero")))
        case 2:
            quoted = rng.choice((ipv4, ipv6))(tcp(payload))
            head = bytes([rng.choice((1, 2, 3, 4, 5, 8, 11, 12, 128)), 0, 0, 0, 0, 9, 0, 0])
            quote = quoted[: rng.choice((10, 30, 50, 60, 500))]
            return Transport(rng.choice((ICMP, ICMPV6)), head, quote, 2)
        case 3:
            options = bytes(rng.choice(TELLING) for _ in range(rng.choice((4, 12, 40))))
            return tcp(payload, flags="FSRPAUEC"[rng.randrange(8) :], options=options)
    return tcp(payload, sport=port, seq=rng.getrandbits(32))


def _in_fragments(rng: random.Random, packet: bytes) -> list[bytes]:
    sizes = [8 * rng.choice((1, 2, 3, 5, 9)) for _ in range(rng.randrange(1, 6))]
    ident = rng.randrange(1, 4)
    if packet[:1] and packet[0] >> 4 == 4:
        packet = packet[:4] + bytes([0, ident]) + packet[6:]
        fragments = fragments_of_ipv4(packet, sizes)
    elif packet[:1] and packet[0] >> 4 == 6:
        fragments = fragments_of_ipv6(packet, sizes, ident=ident)
    else:
        return [packet]
    if rng.random() < 0.3:
        del fragments[rng.randrange(len(fragments))]
    for _ in range(rng.choice((0, 0, 1, 2)) if fragments else 0):
        fragments.insert(rng.randrange(len(fragments) + 1), rng.choice(fragments))
    return fragments


def _overlapping(rng: random.Random) -> list[bytes]:
    """Fragments of one datagram that overlap at will, some with other bytes."""
    protocol = rng.choice((6, 6, 17, 47, 50))
    payload = ipv4(_inner(rng))[20:] + rng.randbytes(rng.choice((0, 0, 30)))
    fragments = []
    for _ in range(rng.randrange(2, 9)):
        start = 8 * rng.randrange(len(payload) // 8 + 1)
        start = 0 if rng.random() < 0.3 else start
        end = min(start + 8 * rng.randrange(1, 12), len(payload) + rng.choice((0, 0, 16)))
        data = (payload + bytes(16))[start:end]
        if rng.random() < 0.2:
            data = _damaged(rng, data)
        more = end < len(payload) or rng.random() < 0.2
        head = ipv4(data, proto=protocol, ident=1, frag_offset=start, flags_mf=more)
        fragments.append(head)
    return fragments


def _tunnel(rng: random.Random) -> Callable[[bytes], bytes]:
    return rng.choice(
        (
            lambda packet: ipv4(packet, proto=4 if packet[0] >> 4 == 4 else 41),
            lambda packet: ipv4(gre(packet, checksum=True), proto=47),
            lambda packet: ipv6(gre(packet, checksum=True, key=1), next_header=47),
            lambda packet: ipv4(udp(vxlan(ethernet(packet)), dport=4789), ident=9),
            lambda packet: ipv6(udp(vxlan(ethernet(packet)), dport=4789)),
        )
    )
