"""From a packet to the payloads in it: one header at a time.

Belongs here: the walk, and what becomes of fragments.  Must not be known here: what any header
looks like.  Headers are read as plain bytes; what cannot be followed ends a walk quietly.
"""

from __future__ import annotations

from trimming.engine.checksums import fcs_is_right
from trimming.engine.formats.records import Packet
from trimming.engine.options import TrimOptions
from trimming.engine.report import HEADLESS, Tally
from trimming.engine.strategies.scanning.slow import internet, links, tunnels
from trimming.engine.strategies.scanning.slow.cursor import Cursor, CutHeaderError
from trimming.engine.strategies.scanning.slow.datagrams import Arrival, Datagrams, Payload
from trimming.engine.strategies.scanning.slow.found import Found, OtherPayload, TcpSegment
from trimming.engine.strategies.scanning.slow.numbers import (
    ETHERNET,
    RADIOTAP,
    WLAN,
    Header,
    first_header,
    is_known,
)
from trimming.engine.strategies.scanning.slow.views import Piece, View

__all__ = ["Found", "OtherPayload", "SlowPath", "TcpSegment", "is_known"]

HEADERS_IN_A_TUNNEL = 4  # at most, as max_tunnel_depth counts
READERS = {**links.READERS, **tunnels.READERS, **internet.READERS}


class SlowPath:
    """Finds the payloads in packets of any kind; keeps IP fragments until their datagram is whole.

    Memory is bounded by the open datagrams and the latest whole ones.
    """

    def __init__(self, options: TrimOptions, tally: Tally) -> None:
        self._max_headers = options.limits.max_tunnel_depth * HEADERS_IN_A_TUNNEL
        self._tally = tally
        self._datagrams = Datagrams(options.limits.max_open_datagrams, tally)

    def packet(self, packet: Packet) -> list[Found]:
        """Return what is in a packet, and in datagrams that it makes whole."""
        data = packet.data
        piece = Piece(0, len(data), packet.number, 0)
        view = View(data, max(packet.original_len, len(data)), (piece,))
        return self._walk(first_header(packet.link_type, data), Cursor.over(view))

    def flush(self) -> list[Found]:
        """Return what can be read of datagrams that never became whole."""
        found: list[Found] = []
        while payloads := self._datagrams.flush():  # there may be fragments in what is read
            for payload in payloads:
                found += self._payload(payload, 0)
        return found

    def frame_check(self, packet: Packet) -> tuple[int, int] | None:
        """Return (start, end) of what the frame check sequence at ``end`` covers; None without one.

        It is there where the file declares it, or where the bytes are one.
        """
        if packet.captured_len < max(8, packet.original_len):
            return None
        if packet.link_type not in (ETHERNET, WLAN, RADIOTAP):
            return None
        is_radiotap = packet.link_type == RADIOTAP
        start = int.from_bytes(packet.data[2:4], "little") if is_radiotap else 0
        if packet.fcs_len == 4 or fcs_is_right(packet.data[start:]):
            return start, packet.captured_len - 4
        return None

    def _walk(self, following: Header | None, cursor: Cursor) -> list[Found]:
        try:
            while following is not None and cursor.at < cursor.end:
                cursor.headers += 1
                if cursor.headers > self._max_headers:
                    self._tally.limits_met["max_tunnel_depth"] += 1
                    return []
                following = READERS[following](cursor)
        except CutHeaderError:
            return []
        outcome = cursor.outcome
        if isinstance(outcome, Arrival):
            payloads = self._datagrams.add(outcome)
            return [found for each in payloads for found in self._payload(each, cursor.headers)]
        return [] if outcome is None else [outcome]

    def _payload(self, payload: Payload, headers: int) -> list[Found]:
        cursor = Cursor.over(payload.view, headers)
        cursor.source, cursor.destination = payload.key.source, payload.key.destination
        following = internet.carried(payload.key.version, payload.key.protocol, cursor)
        if following is not None and payload.headless:
            return [OtherPayload(HEADLESS, payload.view, 0, len(payload.view.data))]
        return self._walk(following, cursor)
