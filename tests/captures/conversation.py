"""One TCP connection as frames, with sequence numbers that are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from tests.captures.packets import Checksum, ipv4, ipv6, pieces_of, tcp
from tests.captures.pcap_files import pcap
from tests.captures.wrappings import LINK_ETHERNET, ethernet

Direction = Literal["client", "server"]
Cut = int | Sequence[int] | None

MSS_BYTES = 1460


class Conversation:
    """The frames of one TCP connection, in ``packets`` in the order in which they were asked for.

    Stream offsets count from the first byte behind the SYN of their direction.
    """

    def __init__(
        self,
        client: str | None = None,
        server: str | None = None,
        sport: int = 40000,
        dport: int = 80,
        client_isn: int = 1000,
        server_isn: int = 5000,
        wrap: Callable[[bytes], bytes] = ethernet,
        *,
        ipv6: bool = False,
        checksum: Checksum = "right",
    ) -> None:
        first, second = ("fd00::1", "fd00::2") if ipv6 else ("10.0.0.1", "10.0.0.2")
        self.addresses: dict[Direction, str] = {
            "client": client or first,
            "server": server or second,
        }
        self.ports: dict[Direction, int] = {"client": sport, "server": dport}
        self.isn: dict[Direction, int] = {"client": client_isn, "server": server_isn}
        self.sent: dict[Direction, int] = {"client": 0, "server": 0}
        self.packets: list[bytes] = []
        self.wrap = wrap
        self.ipv6 = ipv6
        self.checksum: Checksum = checksum

    def handshake(self) -> None:
        """SYN, SYN and ACK, ACK."""
        self.segment("client", -1, b"", "S")
        self.segment("server", -1, b"", "SA")
        self.segment("client", 0, b"", "A")

    def client(self, data: bytes, cut: Cut = None) -> None:
        """Send ``data``; ``cut`` is a segment size or a list of sizes, 1460 without."""
        self._send("client", data, cut)

    def server(self, data: bytes, cut: Cut = None) -> None:
        """As ``client``, the other way."""
        self._send("server", data, cut)

    def lose_client(self, count: int) -> None:
        """Skip ``count`` stream bytes: a gap."""
        self.sent["client"] += count

    def lose_server(self, count: int) -> None:
        """As ``lose_client``, the other way."""
        self.sent["server"] += count

    def fin(self) -> None:
        """Close both directions, the client first."""
        self.segment("client", self.sent["client"], b"", "FA")
        self.sent["client"] += 1
        self.segment("server", self.sent["server"], b"", "FA")
        self.sent["server"] += 1
        self.segment("client", self.sent["client"], b"", "A")

    def rst(self, direction: Direction = "client") -> None:
        """Reset the connection."""
        self.segment(direction, self.sent[direction], b"", "RA")

    def segment(
        self,
        direction: Direction,
        offset: int,
        data: bytes,
        flags: str = "PA",
        *,
        checksum: Checksum | None = None,
        options: bytes = b"",
    ) -> None:
        """Add a segment at a stream offset without advancing: repeats, overlaps, probes."""
        self.packets.append(
            self.frame(direction, offset, data, flags, checksum=checksum, options=options)
        )

    def frame(
        self,
        direction: Direction,
        offset: int,
        data: bytes,
        flags: str = "PA",
        *,
        checksum: Checksum | None = None,
        options: bytes = b"",
    ) -> bytes:
        """As ``segment``, but return the frame instead of adding it."""
        return self.wrap(self.packet(direction, offset, data, flags, checksum, options))

    def packet(
        self,
        direction: Direction,
        offset: int,
        data: bytes,
        flags: str = "PA",
        checksum: Checksum | None = None,
        options: bytes = b"",
    ) -> bytes:
        """As ``frame``, but return the IP packet (to be cut into fragments)."""
        other: Direction = "server" if direction == "client" else "client"
        inner = tcp(
            data,
            sport=self.ports[direction],
            dport=self.ports[other],
            seq=self.isn[direction] + 1 + offset,
            ack=self.isn[other] + 1 + self.sent[other] if "A" in flags else 0,
            flags=flags,
            options=options,
            checksum=checksum or self.checksum,
        )
        src, dst = self.addresses[direction], self.addresses[other]
        if self.ipv6:
            return ipv6(inner, src=src, dst=dst)
        return ipv4(inner, src=src, dst=dst, ident=(len(self.packets) + 1) & 0xFFFF)

    def _send(self, direction: Direction, data: bytes, cut: Cut) -> None:
        size = MSS_BYTES if cut is None else cut
        sizes = [size] * -(-len(data) // size) if isinstance(size, int) else size
        for offset, piece in pieces_of(data, sizes):
            self.segment(direction, self.sent[direction] + offset, piece)
        self.sent[direction] += len(data)

    def pcap(
        self,
        *,
        byte_order: str = "<",
        nanoseconds: bool = False,
        modified: bool = False,
        link_type: int = LINK_ETHERNET,
        snaplen: int = 262144,
        fcs_len: int | None = None,
    ) -> bytes:
        """Return the connection as a pcap file."""
        return pcap(
            self.packets,
            byte_order=byte_order,
            nanoseconds=nanoseconds,
            modified=modified,
            link_type=link_type,
            snaplen=snaplen,
            fcs_len=fcs_len,
        )
