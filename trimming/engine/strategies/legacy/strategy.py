"""The legacy strategy as a whole: packets in, mask plan out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable

from trimming.engine.byte_classes import ByteClass
from trimming.engine.checksums import fcs_is_right
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.plan import MaskPlan
from trimming.engine.report import HEADLESS, ICMP_QUOTE, LINK_TYPE, Tally
from trimming.engine.strategies.legacy.layers import (
    Found,
    LayerWalk,
    Other,
    Segment,
)
from trimming.engine.strategies.legacy.redaction import Redactor
from trimming.engine.strategies.legacy.streams import Connection, Shared
from trimming.engine.strategies.legacy.tables import is_known
from trimming.engine.strategies.legacy.views import Planner

NS_PER_SECOND = 1_000_000_000
Endpoint = tuple[bytes | str, int]
Key = tuple[Endpoint, Endpoint]
ETHERNET, WLAN, RADIOTAP = 1, 105, 127
# what is masked with other payload; DNS is not
_MASKABLE = frozenset(("UDP", ICMP_QUOTE, HEADLESS))


class LegacyStrategy:
    """Exact protocol parsing, packet by packet.  Memory is bounded by the open streams."""

    name = "legacy"
    version = "1.2"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """As Strategy.plan."""
        self.plan_packets(capture.packets(progress), plan, tally)

    def plan_packets(self, packets: Iterable[Packet], plan: MaskPlan, tally: Tally) -> None:
        """The same for packets that need not come from a file."""
        run = _Run(plan, tally)
        for packet in packets:
            run.packet(packet)
        run.finish()


class _Run:
    def __init__(self, plan: MaskPlan, tally: Tally) -> None:
        self._plan = plan
        self._tally = tally
        self._options = plan.options
        self._planner = Planner(plan)
        self._walk = LayerWalk(plan.options, tally)
        redactor = Redactor(plan.options)
        self._shared = Shared(plan.options, self._planner, redactor, tally, plan.mark_http)
        self._open: OrderedDict[Key, Connection] = OrderedDict()
        self._finished: OrderedDict[Key, Connection] = OrderedDict()
        # connections that were HTTP and are no longer kept: late bytes must not pass as unknown
        self._departed: OrderedDict[Key, None] = OrderedDict()
        self._numbers = 0
        self._packet_number = 0

    def packet(self, packet: Packet) -> None:
        if not is_known(packet.link_type):
            self._tally.unknown_link_types[str(packet.link_type)] += 1
            self._tally.left_bytes[LINK_TYPE % {"number": packet.link_type}] += packet.captured_len
            return
        now_ns = packet.timestamp_ns or 0
        self._packet_number = packet.number
        for found in self._walk.packet(packet):
            self._take(found, now_ns)
        self._frame_check(packet)
        self._evict(now_ns)

    def finish(self) -> None:
        for found in self._walk.flush():
            self._take(found, 0)
        for connections in (self._finished, self._open):
            for connection in connections.values():
                connection.close()
                self._shared.forget(connection)

    def _take(self, found: Found, now_ns: int) -> None:
        if isinstance(found, Segment):
            self._segment(found, now_ns)
        else:
            self._other(found)

    def _other(self, found: Other) -> None:
        masked = self._options.other_payload == "mask" and found.what in _MASKABLE
        if masked:
            self._planner.add(found.view, found.start, found.end, ByteClass.OTHER)
        elif found.what != ICMP_QUOTE:
            self._tally.left_bytes[found.what] += found.end - found.start

    def _segment(self, segment: Segment, now_ns: int) -> None:
        key, side = _key_of(segment)
        connection = self._open.get(key) or self._finished.get(key)
        if connection is not None and connection.is_another(side, segment):
            self._depart(key, connection)
            connection = None
        if connection is None:
            self._numbers += 1
            was_http = key in self._departed and not segment.flags & 0x02
            connection = Connection(self._numbers, self._shared, opened_by=side, was_http=was_http)
            self._open[key] = connection
        connection.take(side, segment)
        connection.last_seen_ns = now_ns
        connection.last_seen_packet = self._packet_number
        if connection.is_finished:
            self._open.pop(key, None)
            self._finished[key] = connection
            self._finished.move_to_end(key)
        else:
            self._open.move_to_end(key)
        self._shared.relieve()

    def _evict(self, now_ns: int) -> None:
        limits = self._options.limits
        while len(self._finished) > limits.max_closed_connections:
            self._depart(*next(iter(self._finished.items())))
        while len(self._open) > limits.max_connections:
            self._tally.limits_met["max_connections"] += 1
            self._depart(*next(iter(self._open.items())))
        for connections in (self._open, self._finished):
            while connections:
                key, oldest = next(iter(connections.items()))
                # both, because a clock that jumps in mid-capture ends no connection
                if (
                    self._packet_number - oldest.last_seen_packet <= limits.idle_packets
                    or now_ns - oldest.last_seen_ns <= limits.idle_seconds * NS_PER_SECOND
                ):
                    break
                self._depart(key, oldest)

    def _depart(self, key: Key, connection: Connection) -> None:
        connection.close()
        self._open.pop(key, None)
        self._finished.pop(key, None)
        self._shared.forget(connection)
        if connection.exchange.is_http:
            self._departed[key] = None
            self._departed.move_to_end(key)
            if len(self._departed) > 4 * self._options.limits.max_connections:
                self._departed.popitem(last=False)

    def _frame_check(self, packet: Packet) -> None:
        """Note a frame check sequence, where the file declares one or the bytes are one."""
        if not 8 <= packet.captured_len >= packet.original_len:
            return
        if packet.link_type not in (ETHERNET, WLAN, RADIOTAP):
            return
        start = int.from_bytes(packet.data[2:4], "little") if packet.link_type == RADIOTAP else 0
        if packet.fcs_len == 4 or fcs_is_right(packet.data[start:]):
            self._planner.frame_check(packet.number, start, packet.captured_len - 4)


def _key_of(segment: Segment) -> tuple[Key, int]:
    """Return the connection's key and the side that sent the segment."""
    source, destination = segment.source, segment.destination
    if (str(source[0]), source[1]) <= (str(destination[0]), destination[1]):
        return (source, destination), 0
    return (destination, source), 1
