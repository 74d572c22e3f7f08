"""From a packet to its TCP segment or its UDP payload, for the common layers.

Whatever is rare or incomplete is SLOW: the slow path reads it.  Nothing is decided here that the
slow path would decide otherwise.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.formats.kernels.index import CAPTURED, FCS, LINK, ORIGINAL, START
from trimming.engine.kernel import inner
from trimming.engine.strategies.scanning.kernels.octets import byte_at, long_at, short_at, word_at
from trimming.engine.strategies.scanning.kernels.state import (
    NONE,
    O_MAX_HEADERS,
    R_AT,
    R_BUFFER,
    R_CHECKSUM,
    R_END,
    R_FLAGS,
    R_FRAME_CHECK,
    R_KEY,
    R_PACKET,
    R_SEQUENCE,
    R_SIDE,
    R_WIRE,
    Bytes,
    Numbers,
    constant,
)

# what a packet turns out to be
NOTHING, SEGMENT, DATAGRAM, DNS, UNKNOWN_PROTOCOL, RARE = range(6)

ETHERNET, LOOPBACK, LOOPBACK_BIG, RAW_4, RAW_6, COOKED, COOKED_2 = 1, 0, 108, 228, 229, 113, 276
RAW, RAW_BSD, RAW_OPENBSD = 101, 12, 14
IPV4, IPV6, VLAN, QINQ, QINQ_OLD, QINQ_OLDER = 0x0800, 0x86DD, 0x8100, 0x88A8, 0x9100, 0x9200
ARP, LLDP, EAPOL, PPPOE_DISCOVERY = 0x0806, 0x88CC, 0x888E, 0x8863
LONGEST_802_3 = 1500
TCP, UDP = 6, 17
DNS_PORT = 53
LINK_ONLY = constant(1)  # header before
FAMILY_4, FAMILY_6 = constant(4 << 32), constant(6 << 32)
# UDP ports of tunnels, and IP protocols in which more may be: the slow path looks
TUNNEL_PORTS = np.array((1701, 2152, 3544, 4341, 4789, 4790, 6081, 6635, 8472, 37008))
CARRIERS_4 = np.array((1, 4, 41, 47, 51, 97, 137))
CARRIERS_6 = np.array((0, 1, 4, 41, 43, 44, 47, 51, 58, 60, 97, 135, 137))


def _crc_table() -> Numbers:
    table = np.zeros(256, np.int64)
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
        table[byte] = value
    return table


CRC_TABLE = _crc_table()


@inner
def _holds(values: Numbers, value: int) -> bool:
    for each in values:
        if each == value:
            return True
    return False


@inner
def _network_header(data: Bytes, row: Numbers) -> tuple[int, int, int]:
    """Return Ethernet type (or 0: nothing, -1: rare), where its header starts, headers before."""
    at, end, link = int(row[START]), int(row[START] + row[CAPTURED]), row[LINK]
    if link == ETHERNET:
        if end - at < 14:
            return -1, at, 0
        return _behind_tags(data, short_at(data, at + 12), at + 14, end, LINK_ONLY)
    if link == COOKED:
        if end - at < 16:
            return -1, at, 0
        return _behind_tags(data, short_at(data, at + 14), at + 16, end, LINK_ONLY)
    if link == COOKED_2:
        if end - at < 20:
            return -1, at, 0
        return _behind_tags(data, short_at(data, at), at + 20, end, LINK_ONLY)
    if link == RAW_4:
        return IPV4, at, 0
    if link == RAW_6:
        return IPV6, at, 0
    if link == RAW or link == RAW_BSD or link == RAW_OPENBSD:
        if at == end:
            return 0, at, 0
        version = data[at] >> 4
        return (IPV4 if version == 4 else IPV6 if version == 6 else -1), at, 0
    if link == LOOPBACK or link == LOOPBACK_BIG:
        return _behind_family(data, at, end)
    return -1, at, 0


@inner
def _behind_family(data: Bytes, at: int, end: int) -> tuple[int, int, int]:
    """Null and loopback: an address family in either byte order."""
    if end - at < 4:
        return -1, at, 0
    family = byte_at(data, at) | byte_at(data, at + 1) << 8
    if data[at + 2] or data[at + 3] or data[at + 1]:
        return -1, at, 0
    if family == 2:
        return IPV4, at + 4, 1
    if family == 24 or family == 28 or family == 30 or family == 10:
        return IPV6, at + 4, 1
    return -1, at, 0


@inner
def _behind_tags(data: Bytes, kind: int, at: int, end: int, headers: int) -> tuple[int, int, int]:
    while kind == VLAN or kind == QINQ or kind == QINQ_OLD or kind == QINQ_OLDER:
        if end - at < 4:
            return -1, at, headers
        kind = short_at(data, at + 2)
        at += 4
        headers += 1
    if kind == ARP or kind == LLDP or kind == EAPOL or kind == PPPOE_DISCOVERY:
        return 0, at, headers
    if kind == IPV4 or kind == IPV6:
        return kind, at, headers
    return -1, at, headers


@inner
def decode(m: Numbers, data: Bytes, row: Numbers, number: int) -> int:
    """Read a packet into the registers; return what it turned out to be.

    Of a SEGMENT and a DATAGRAM the registers hold where payload and checksum stand (in the packet);
    of an UNKNOWN_PROTOCOL its number is in R_FLAGS and its payload between R_AT and R_END.
    """
    m[R_FRAME_CHECK] = NONE
    kind, at, headers = _network_header(data, row)
    if kind <= 0:
        return NOTHING if kind == 0 else RARE
    if headers + 2 > m[O_MAX_HEADERS]:
        return RARE
    start = int(row[START])
    end = start + int(row[CAPTURED])
    wire_end = start + max(int(row[ORIGINAL]), int(row[CAPTURED]))
    if at == end:
        return NOTHING
    m[R_BUFFER] = start
    m[R_PACKET] = number
    if kind == IPV4:
        return _ipv4(m, data, row, at, end, wire_end)
    return _ipv6(m, data, row, at, end, wire_end)


@inner
def _ipv4(m: Numbers, data: Bytes, row: Numbers, at: int, end: int, wire_end: int) -> int:
    if end - at < 20:
        return RARE
    size, total = (byte_at(data, at) & 15) * 4, short_at(data, at + 2)
    if data[at] >> 4 != 4 or size < 20 or end - at < size or 0 < total < size:
        return RARE
    if short_at(data, at + 6) & 0x3FFF:
        return RARE  # a fragment
    _note_frame_check(m, row, at + total if total else NONE)
    if total:
        end, wire_end = min(end, at + total), min(wire_end, at + total)
    protocol = byte_at(data, at + 9)
    if protocol != TCP and protocol != UDP and _holds(CARRIERS_4, protocol):
        return RARE
    source, destination = long_at(data, at + 12), long_at(data, at + 16)
    family = FAMILY_4
    behind = at + size
    first, second = (destination, source) if source > destination else (source, destination)
    m[R_KEY], m[R_KEY + 1] = first, 0
    m[R_KEY + 2], m[R_KEY + 3] = second, 0
    order = 1 if source > destination else -1 if source < destination else 0
    return _transport(m, data, row, protocol, behind, end, wire_end, order, family)


@inner
def _ipv6(m: Numbers, data: Bytes, row: Numbers, at: int, end: int, wire_end: int) -> int:
    if end - at < 40 or data[at] >> 4 != 6:
        return RARE
    length, protocol = short_at(data, at + 4), byte_at(data, at + 6)
    if protocol != TCP and protocol != UDP and _holds(CARRIERS_6, protocol):
        return RARE
    behind = at + 40
    _note_frame_check(m, row, behind + length if length else NONE)
    if length:
        end, wire_end = min(end, behind + length), min(wire_end, behind + length)
    order = 0
    for which in range(16):
        if data[at + 8 + which] != data[at + 24 + which]:
            order = 1 if data[at + 8 + which] > data[at + 24 + which] else -1
            break
    source, destination = (at + 24, at + 8) if order > 0 else (at + 8, at + 24)
    m[R_KEY] = word_at(data, source)
    m[R_KEY + 1] = word_at(data, source + 8)
    m[R_KEY + 2] = word_at(data, destination)
    m[R_KEY + 3] = word_at(data, destination + 8)
    return _transport(m, data, row, protocol, behind, end, wire_end, order, FAMILY_6)


@inner
def _note_frame_check(m: Numbers, row: Numbers, end: int) -> None:
    """Note where a frame check sequence may be: behind the datagram, or where one is declared."""
    captured = int(row[CAPTURED])
    if row[LINK] != ETHERNET or captured < 8 or captured < row[ORIGINAL]:
        return
    frame_end = int(row[START]) + captured
    if row[FCS] == 4 or frame_end - end >= 4:
        m[R_FRAME_CHECK] = captured - 4


@inner
def fcs_is_there(data: Bytes, row: Numbers) -> bool:
    """Whether the last 4 bytes are declared to be a check sequence, or are the right one."""
    if row[FCS] == 4:
        return True
    start = int(row[START])
    end = start + int(row[CAPTURED]) - 4
    if end <= start:
        return False
    value = 0xFFFFFFFF
    for at in range(start, end):
        value = value >> 8 ^ CRC_TABLE[(value ^ byte_at(data, at)) & 0xFF]
    stated = 0
    for at in range(4):
        stated |= byte_at(data, end + at) << (8 * at)
    return (value ^ 0xFFFFFFFF) == stated


@inner
def _transport(
    m: Numbers,
    data: Bytes,
    row: Numbers,
    protocol: int,
    at: int,
    end: int,
    wire_end: int,
    order: int,
    family: int,
) -> int:
    start = int(row[START])
    if protocol == TCP:
        if at >= end:
            return NOTHING
        if end - at < 20:
            return RARE
        return _tcp(m, data, start, at, end, wire_end, order, family)
    if protocol == UDP:
        if at >= end:
            return NOTHING
        if end - at < 8:
            return RARE
        return _udp(m, data, start, at, end)
    m[R_FLAGS] = protocol
    m[R_AT], m[R_END] = at - start, end - start
    return UNKNOWN_PROTOCOL


@inner
def _tcp(
    m: Numbers,
    data: Bytes,
    start: int,
    at: int,
    end: int,
    wire_end: int,
    order: int,
    family: int,
) -> int:
    size = (byte_at(data, at + 12) >> 4) * 4
    payload = at + size
    if size < 20 or payload > end:
        return NOTHING
    source, destination = short_at(data, at), short_at(data, at + 2)
    if order == 0:
        order = 1 if source > destination else -1
    first, second = (destination, source) if order > 0 else (source, destination)
    m[R_KEY + 4] = family | first << 16 | second
    m[R_SIDE] = int(order > 0)
    m[R_SEQUENCE] = long_at(data, at + 4)
    m[R_FLAGS] = short_at(data, at + 12) & 0x1FF
    m[R_AT], m[R_END] = payload - start, end - start
    m[R_WIRE] = max(wire_end, end) - payload
    m[R_CHECKSUM] = at + 16 - start
    return SEGMENT


@inner
def _udp(m: Numbers, data: Bytes, start: int, at: int, end: int) -> int:
    source, destination, length = short_at(data, at), short_at(data, at + 2), short_at(data, at + 4)
    if _holds(TUNNEL_PORTS, source) or _holds(TUNNEL_PORTS, destination):
        return RARE
    if length >= 8:
        end = min(end, at + length)
    payload = at + 8
    if payload >= end:
        return NOTHING
    m[R_AT], m[R_END] = payload - start, end - start
    m[R_CHECKSUM] = at + 6 - start if short_at(data, at + 6) else NONE
    return DNS if source == DNS_PORT or destination == DNS_PORT else DATAGRAM
