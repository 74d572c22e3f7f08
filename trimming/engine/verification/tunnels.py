"""Packets in packets: GRE, EtherIP and the tunnels over UDP."""

from __future__ import annotations

from trimming.engine.verification.arithmetic import field_at
from trimming.engine.verification.layers import (
    Check,
    Layer,
    Walk,
    ethernet,
    ethertype,
    internet,
    ipv4,
    ipv6,
    mpls,
    ppp,
)

ERSPAN_2, ERSPAN_3, NSH, WCCP, PPP, BRIDGED = 0x88BE, 0x22EB, 0x894F, 0x883E, 0x880B, 0x6558


def etherip(walk: Walk, at: int, end: int, real: int) -> None:
    """EtherIP (RFC 3378)."""
    walk.reach(at, end)
    if at + 2 <= end and walk.data[at] >> 4 == 3:
        ethernet(walk, at + 2, end, real)


def gre(walk: Walk, at: int, end: int, real: int) -> None:
    """GRE version 0 (RFC 1701, RFC 2784, RFC 2890) and 1 (RFC 2637)."""
    walk.reach(at, end)
    if at + 4 > end or not walk.deeper():
        return
    data = walk.data
    flags, kind = field_at(data, at), field_at(data, at + 2)
    if flags & 7 == 1:
        _pptp(walk, flags, kind, at, end, real)
        return
    inside = at + 4
    if flags & 0xC000:
        inside += 4
        if flags & 0x8000 and at + 6 <= end:
            walk.checks.append(Check(at + 4, at, end, "GRE"))
    inside += (4 if flags & 0x2000 else 0) + (4 if flags & 0x1000 else 0)
    if flags & 0x4000:
        inside = _past_routes(data, inside, end)
    if inside < end:
        walk.reach(inside, end)
        _inside_gre(walk, kind, bool(flags & 0x1000), inside, end, real)


def _past_routes(data: bytes, at: int, end: int) -> int:
    """Skip source route entries up to the empty one (RFC 1701)."""
    while at + 4 <= end:
        length = data[at + 3]
        at += 4 + length
        if length == 0:
            return at
    return end


def _inside_gre(walk: Walk, kind: int, sequenced: bool, at: int, end: int, real: int) -> None:
    if kind == PPP:
        ppp(walk, at, end, real)
    elif kind == ERSPAN_2:  # type I has no header and no sequence number
        ethernet(walk, at + 8 if sequenced else at, end, real)
    elif kind == ERSPAN_3:
        if at + 12 <= end:
            ethernet(walk, at + (20 if walk.data[at + 11] & 1 else 12), end, real)
    elif kind == WCCP:  # version 2 puts 4 bytes before the packet, version 1 none
        internet(walk, at if walk.data[at] >> 4 == 4 else at + 4, end, real)
    else:
        _by_ethertype(walk, kind, at, end, real)


def _by_ethertype(walk: Walk, kind: int, at: int, end: int, real: int) -> None:
    if kind == BRIDGED:
        ethernet(walk, at, end, real)
    elif kind == NSH:
        nsh(walk, at, end, real)
    elif kind in (0x0800, 0x86DD, 0x8847):
        ethertype(walk, kind, at, end, real)


def _pptp(walk: Walk, flags: int, kind: int, at: int, end: int, real: int) -> None:
    inside = at + 8 + (4 if flags & 0x1000 else 0) + (4 if flags & 0x0080 else 0)
    if kind == PPP and inside < end:
        limit = inside + field_at(walk.data, at + 4)
        walk.reach(inside, end)
        ppp(walk, inside, min(end, limit), min(real, limit))


def nsh(walk: Walk, at: int, end: int, real: int) -> None:
    """Network Service Header (RFC 8300 section 2)."""
    if at + 8 <= end:
        size = (walk.data[at + 1] & 0x3F) * 4
        if size >= 8:
            _next_protocol(walk, walk.data[at + 3], at + size, end, real)


def _next_protocol(walk: Walk, number: int, at: int, end: int, real: int) -> None:
    # the numbers that NSH and VXLAN-GPE share
    layers: dict[int, Layer] = {1: ipv4, 2: ipv6, 3: ethernet, 4: nsh, 5: mpls}
    layer = layers.get(number)
    if layer is not None and walk.deeper():
        layer(walk, at, end, real)


def vxlan(walk: Walk, at: int, end: int, real: int) -> None:
    """VXLAN (RFC 7348)."""
    if at + 8 <= end and walk.data[at] & 0x08:
        ethernet(walk, at + 8, end, real)


def vxlan_gpe(walk: Walk, at: int, end: int, real: int) -> None:
    """VXLAN with a next protocol (draft-ietf-nvo3-vxlan-gpe)."""
    if at + 8 > end or not walk.data[at] & 0x08:
        return
    number = walk.data[at + 3] if walk.data[at] & 0x04 else 3
    _next_protocol(walk, number, at + 8, end, real)


def geneve(walk: Walk, at: int, end: int, real: int) -> None:
    """GENEVE (RFC 8926)."""
    data = walk.data
    if at + 8 <= end and data[at] >> 6 == 0:
        inside = at + 8 + (data[at] & 0x3F) * 4
        _by_ethertype(walk, field_at(data, at + 2), inside, end, real)


def gtpu(walk: Walk, at: int, end: int, real: int) -> None:
    """GTP-U version 1, user packets only (3GPP TS 29.281 section 5)."""
    data = walk.data
    if at + 8 > end or data[at] & 0xF0 != 0x30 or data[at + 1] != 0xFF:
        return
    limit = at + 8 + field_at(data, at + 2)
    end, real, inside = min(end, limit), min(real, limit), at + 8
    if data[at] & 7:
        inside += 4
        following = data[inside - 1] if data[at] & 4 and inside <= end else 0
        while following:
            if inside >= end or not data[inside]:
                return
            inside += data[inside] * 4
            if inside > end:
                return
            following = data[inside - 1]
    internet(walk, inside, end, real)


def teredo(walk: Walk, at: int, end: int, real: int) -> None:
    """Teredo (RFC 4380 section 5.1.1)."""
    data = walk.data
    if data[at : at + 2] == b"\0\1" and at + 4 <= end:
        at += 13 + data[at + 2] + data[at + 3]
    if data[at : at + 2] == b"\0\0":
        at += 8
    if at < end:
        ipv6(walk, at, end, real)


def l2tp(walk: Walk, at: int, end: int, real: int) -> None:
    """L2TP version 2 data messages (RFC 2661 section 3.1)."""
    data = walk.data
    if at + 6 > end:
        return
    flags = field_at(data, at)
    if flags & 0x8000 or flags & 0x000F != 2:
        return
    inside = at + 6
    if flags & 0x4000:
        limit = at + field_at(data, at + 2)
        end, real, inside = min(end, limit), min(real, limit), inside + 2
    inside += 4 if flags & 0x0800 else 0
    if flags & 0x0200:
        if inside + 2 > end:
            return
        inside += 2 + field_at(data, inside)
    ppp(walk, inside, end, real)


UDP_PORTS: dict[int, Layer] = {
    4789: vxlan,
    8472: vxlan,
    4790: vxlan_gpe,
    6081: geneve,
    2152: gtpu,
    3544: teredo,
    1701: l2tp,
    6635: mpls,
}


def udp(walk: Walk, at: int, end: int, real: int) -> None:
    """UDP (RFC 768), and the tunnel that one of its ports announces."""
    walk.reach(at, end)
    if at + 8 > end or not walk.deeper():
        return
    data = walk.data
    length = field_at(data, at + 4)
    if length and not 8 <= length <= real - at:
        return
    if length:
        real = at + length
        end = min(end, real)
    walk.checks.append(Check(at + 6, at, end, "UDP", True))
    walk.reach(at + 8, end)
    layer = UDP_PORTS.get(field_at(data, at + 2)) or UDP_PORTS.get(field_at(data, at))
    if layer is not None:
        layer(walk, at + 8, end, real)


IP_PROTOCOLS: dict[int, Layer] = {17: udp, 4: ipv4, 41: ipv6, 47: gre, 97: etherip}
