"""TLS records in a stream that is not HTTP: what is handshake, what is application data.

Source: RFC 8446 section 5.1.  Only asked where a profile masks other payload.
"""

from __future__ import annotations

from trimming.engine.byte_classes import ByteClass

Run = tuple[int, ByteClass]

HEADER_BYTES = 5
HANDSHAKE = 22
KEPT_TYPES = frozenset((20, 21, HANDSHAKE))  # change_cipher_spec, alert, handshake
KNOWN_TYPES = frozenset((20, 21, 22, 23, 24))
# RFC 5246 section 6.2.3: the most that any version allows
MAX_RECORD_BYTES = (1 << 14) + 2048
HELLO_TYPES = frozenset((1, 2))


class TlsReader:
    """Splits the bytes of one direction into TLS_RECORD and OTHER; once lost, all is OTHER."""

    def __init__(self) -> None:
        self._lost = False
        self._first = True
        self._header = bytearray()
        self._remaining = 0
        self._kept = False

    def feed(self, data: bytes) -> list[Run]:
        """Class contiguous bytes; the lengths add up to ``len(data)``."""
        runs: list[Run] = []
        at = 0
        while at < len(data):
            if self._lost:
                runs.append((len(data) - at, ByteClass.OTHER))
                break
            if self._remaining:
                length = min(self._remaining, len(data) - at)
                if self._first:
                    self._first = False
                    if data[at] not in HELLO_TYPES:
                        self._lost = True
                        continue
                runs.append((length, ByteClass.TLS_RECORD if self._kept else ByteClass.OTHER))
                self._remaining -= length
                at += length
                continue
            goes_on = bool(self._header and runs)
            self._header.append(data[at])
            if not self._header_is_possible():
                self._lost = True
                continue
            if goes_on:
                runs[-1] = (runs[-1][0] + 1, ByteClass.TLS_RECORD)
            else:
                runs.append((1, ByteClass.TLS_RECORD))
            at += 1
            if len(self._header) == HEADER_BYTES:
                self._kept = self._header[0] in KEPT_TYPES
                self._remaining = int.from_bytes(self._header[3:], "big")
                self._header.clear()
        return runs

    def skip(self, length: int) -> None:
        """``length`` bytes are missing; inside a record the framing holds."""
        if self._remaining > length and not self._first:
            self._remaining -= length
        else:
            self._lost = True

    def _header_is_possible(self) -> bool:
        header = self._header
        if header[0] not in KNOWN_TYPES or (self._first and header[0] != HANDSHAKE):
            return False
        if len(header) >= 2 and header[1] != 3:
            return False
        if len(header) >= 3 and header[2] > 4:
            return False
        return len(header) < HEADER_BYTES or (
            0 < int.from_bytes(header[3:], "big") <= MAX_RECORD_BYTES
        )
