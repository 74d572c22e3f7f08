"""Packets that carry no TCP, or none that anybody could follow."""

from __future__ import annotations

from tests.captures import ICMP, ICMPV6, Transport, ethernet, ipv4, ipv6, tcp, udp
from tests.trimming.engine.strategies.differential.carriage import Carrier, Route
from tests.trimming.engine.strategies.differential.contents import content
from tests.trimming.engine.strategies.differential.dice import Dice

KINDS = (
    "UDP",
    "DNS",
    "ICMP quote",
    "ICMP echo",
    "unknown IP protocol",
    "ARP",
    "rubbish",
    "tiny frames",
    "headless fragments",
    "ports of tunnels without tunnels",
)


def strangers(dice: Dice, carrier: Carrier, way: Route) -> list[bytes]:
    """Return a few frames."""
    found = []
    for _ in range(dice.randrange(1, 6)):
        kind = dice.choice(KINDS)
        dice.note(kind)
        found.append(_frame(dice, carrier, way, kind))
    return found


def _frame(dice: Dice, carrier: Carrier, way: Route, kind: str) -> bytes:
    if kind == "ARP":
        return ethernet(bytes(28), ethertype=0x0806)
    if kind == "rubbish":
        return dice.randbytes(dice.choice((10, 40, 90)))
    if kind == "tiny frames":
        return dice.randbytes(dice.choice((0, 1, 4, 13, 14, 20)))
    packet = _packet(dice, carrier, way, kind)
    for around in way.tunnels:
        packet = around(packet)
    return way.link.around(packet)


def _packet(dice: Dice, carrier: Carrier, way: Route, kind: str) -> bytes:
    if kind == "headless fragments":
        return ipv4(content(dice), proto=6, ident=7, frag_offset=dice.choice((8, 64)))
    return carrier.packet(way, _transport(dice, way, kind), dice.randrange(2))


def _transport(dice: Dice, way: Route, kind: str) -> Transport:
    match kind:
        case "UDP":
            return udp(content(dice), dport=dice.choice((9, 123, 443)))
        case "DNS":
            return udp(b"\0\1\1\0\0\1" + content(dice), dport=53)
        case "ports of tunnels without tunnels":
            return udp(content(dice), dport=dice.choice((4789, 2152, 6081, 1701, 3544, 4341)))
        case "unknown IP protocol":
            return Transport(dice.choice((132, 2, 50, 103)), bytes(4), content(dice), 2)
    protocol = ICMPV6 if way.is_ipv6 else ICMP
    if kind == "ICMP echo":
        return Transport(protocol, b"\x08\0\0\0\0\1\0\1", content(dice), 2)
    inner = tcp(content(dice), sport=way.ports[1], dport=way.ports[0])
    quoted = (ipv6 if way.is_ipv6 else ipv4)(inner)[: dice.choice((20, 28, 48, 60, 500))]
    return Transport(protocol, bytes([dice.choice((1, 3, 11)), 1]) + bytes(6), quoted, 2)
