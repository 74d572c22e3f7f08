"""From a frame to its TCP segment or UDP datagram: the usual layers only, nothing behind them.

Says the same as ``links.walk_frame``, or UNUSUAL.  Offsets count from the frame's first byte.
"""

from __future__ import annotations

import numpy as np

from trimming.engine.kernel import inner
from trimming.engine.verification.kernels.octets import double, octet, word
from trimming.engine.verification.kernels.state import (
    M_AT,
    M_END,
    M_FLAGS,
    M_KEY,
    M_KIND,
    M_LENGTH,
    M_SEQ,
    M_SIDE,
    M_START,
    NOTHING,
    TCP_SEGMENT,
    UDP_DATAGRAM,
    UNUSUAL,
    Bytes,
    Numbers,
)

ETHERNET, RAW_IP, COOKED, COOKED_2 = 1, 101, 113, 276
LOOPBACK = (0, 108)
TCP, UDP = 6, 17
# what else an IP protocol number may announce that ``layers.transport`` looks into
TUNNELS = (4, 41, 47, 97)
EXTENSIONS = (0, 43, 60, 135, 51, 44)
TUNNEL_PORTS = (4789, 8472, 4790, 6081, 2152, 3544, 1701, 6635)
LAYERED_TYPES = (0x8847, 0x8848, 0x8864, 0x88E7)
SIGN = -(1 << 63)
IPV4, IPV6 = 4, 6
NO_KIND, BY_VERSION = -1, -2


@inner
def decode(m: Numbers, data: Bytes, base: int, captured: int, original: int, link: int) -> None:
    """Decode the frame at ``base`` into the registers."""
    real = max(original, captured)
    kind, at = _link(data, base, captured, link)
    if kind == NO_KIND:
        m[M_KIND] = NOTHING if link == ETHERNET else UNUSUAL
    elif kind == BY_VERSION:
        m[M_KIND] = _internet(m, data, base, at, captured, real)
    else:
        m[M_KIND] = _ethertype(m, data, base, kind, at, captured, real)


@inner
def _link(data: Bytes, base: int, captured: int, link: int) -> tuple[int, int]:
    """Return the EtherType and where its payload begins, BY_VERSION for IP, or NO_KIND."""
    kind, at = np.int64(NO_KIND), np.int64(0)
    if link == ETHERNET and captured >= 14:
        kind, at = np.int64(word(data, base + 12)), np.int64(14)
    elif link == COOKED and captured >= 16:
        kind, at = np.int64(word(data, base + 14)), np.int64(16)
    elif link == COOKED_2 and captured >= 20:
        kind, at = np.int64(word(data, base)), np.int64(20)
    elif link == RAW_IP:
        kind = np.int64(BY_VERSION)
    elif link in LOOPBACK:
        kind, at = np.int64(BY_VERSION), np.int64(4)
    return int(kind), int(at)


@inner
def _ethertype(m: Numbers, data: Bytes, base: int, kind: int, at: int, end: int, real: int) -> int:
    # IEEE 802.1Q, 802.1ad; VN-Tag
    while kind in (0x8100, 0x88A8, 0x9100, 0x9200, 0x8926):
        size = 6 if kind == 0x8926 else 4
        if at + size > end:
            return NOTHING
        kind = word(data, base + at + size - 2)
        at += size
    if kind == 0x0800:
        return _ipv4(m, data, base, at, end, real)
    if kind == 0x86DD:
        return _ipv6(m, data, base, at, end, real)
    if kind <= 1500 or kind in LAYERED_TYPES:
        return UNUSUAL
    return NOTHING


@inner
def _internet(m: Numbers, data: Bytes, base: int, at: int, end: int, real: int) -> int:
    if at >= end:
        return NOTHING
    version = octet(data, base + at) >> 4
    if version == IPV4:
        return _ipv4(m, data, base, at, end, real)
    if version == IPV6:
        return _ipv6(m, data, base, at, end, real)
    return NOTHING


@inner
def _ipv4(m: Numbers, data: Bytes, base: int, at: int, end: int, real: int) -> int:
    if at + 20 > end or octet(data, base + at) >> 4 != IPV4:
        return NOTHING
    size, total = (octet(data, base + at) & 0xF) * 4, word(data, base + at + 2)
    if total == 0 or word(data, base + at + 6) & 0x3FFF:  # offload; a fragment
        return UNUSUAL
    if total < size:
        return NOTHING
    real = at + total
    end = min(end, real)
    if size < 20 or at + size > end:
        return NOTHING
    protocol = octet(data, base + at + 9)
    if protocol in TUNNELS:
        return UNUSUAL
    if protocol == UDP:
        return _udp(m, data, base, at + size, end, real)
    if protocol != TCP:
        return NOTHING
    source, destination = double(data, base + at + 12), double(data, base + at + 16)
    return _tcp(m, data, base, at + size, end, real, source, 0, destination, 0, IPV4)


@inner
def _half(data: Bytes, at: int) -> int:
    # signed, so that words order as the bytes do
    return int((np.int64(double(data, at)) << 32 | double(data, at + 4)) ^ np.int64(SIGN))


@inner
def _ipv6(m: Numbers, data: Bytes, base: int, at: int, end: int, real: int) -> int:
    if at + 40 > end or octet(data, base + at) >> 4 != IPV6:
        return NOTHING
    length, following = word(data, base + at + 4), octet(data, base + at + 6)
    if length == 0 or following in EXTENSIONS or following in TUNNELS:
        return UNUSUAL
    real = at + 40 + length
    end = min(end, real)
    if following == UDP:
        return _udp(m, data, base, at + 40, end, real)
    if following != TCP:
        return NOTHING
    ends = base + at + 8
    return _tcp(
        m,
        data,
        base,
        at + 40,
        end,
        real,
        _half(data, ends),
        _half(data, ends + 8),
        _half(data, ends + 16),
        _half(data, ends + 24),
        IPV6,
    )


@inner
def _udp(m: Numbers, data: Bytes, base: int, at: int, end: int, real: int) -> int:
    if at + 8 > end:
        return NOTHING
    length = word(data, base + at + 4)
    if length:
        if length < 8 or length > real - at:
            return NOTHING
        end = min(end, at + length)
    if word(data, base + at) in TUNNEL_PORTS or word(data, base + at + 2) in TUNNEL_PORTS:
        return UNUSUAL
    m[M_AT], m[M_START], m[M_END] = at, at + 8, end
    return UDP_DATAGRAM


@inner
def _tcp(
    m: Numbers,
    data: Bytes,
    base: int,
    at: int,
    end: int,
    real: int,
    source: int,
    source_low: int,
    destination: int,
    destination_low: int,
    family: int,
) -> int:
    if at + 20 > end:
        return NOTHING
    size = (octet(data, base + at + 12) >> 4) * 4
    if size < 20 or at + size > real:
        return NOTHING
    m[M_AT], m[M_START], m[M_END] = at, min(at + size, end), end
    m[M_LENGTH] = real - at - size
    m[M_SEQ] = double(data, base + at + 4)
    m[M_FLAGS] = data[base + at + 13]
    port, other = word(data, base + at), word(data, base + at + 2)
    forward = source < destination
    if source == destination:
        forward = source_low < destination_low
        if source_low == destination_low:
            forward = port < other
    if not forward:
        source, destination = destination, source
        source_low, destination_low = destination_low, source_low
        port, other = other, port
    m[M_SIDE] = 0 if forward else 1
    m[M_KEY], m[M_KEY + 1] = source, source_low
    m[M_KEY + 2], m[M_KEY + 3] = destination, destination_low
    m[M_KEY + 4] = family << 32 | port << 16 | other
    return TCP_SEGMENT
