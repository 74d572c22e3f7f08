"""What the slow path finds in packets."""

from __future__ import annotations

from dataclasses import dataclass

from trimming.engine.strategies.scanning.slow.views import View


@dataclass(frozen=True, slots=True)
class TcpSegment:
    """A TCP segment: its captured payload is ``view.data[start:end]``.

    Addresses are as on the wire, 4 or 16 bytes; ``flags`` are the nine of RFC 9293 and RFC 3540;
    ``wire_len`` is the length of the payload on the wire, in bytes.
    """

    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    sequence: int
    flags: int
    view: View
    start: int
    end: int
    wire_len: int


@dataclass(frozen=True, slots=True)
class OtherPayload:
    """Payload that is not TCP's: ``what`` names it, its bytes are ``view.data[start:end]``."""

    what: str
    view: View
    start: int
    end: int


Found = TcpSegment | OtherPayload
