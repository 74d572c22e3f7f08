"""What a capture file is made of: records, some of which hold a packet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from trimming.engine.words import gettext_noop

# times beyond what 64 bits hold are taken for the last that they do
LAST_NS = (1 << 63) - 1
# metadata that opens what the packets of a capture encrypt
SECRETS = gettext_noop("decryption secrets")
# what is expected of a record's length
CAPTURED_AT_MOST = gettext_noop("a captured length of at most %(most)d bytes")


@dataclass(slots=True)
class Packet:
    """One captured packet.

    ``number`` counts from 1.  ``offset`` is the place of ``data`` in the unpacked capture, in
    bytes.  ``timestamp_ns`` counts from 1970 and is None where the format keeps no time.
    ``fcs_len`` is the length in bytes of the frame check sequence as the file declares it, None
    where it is silent.
    """

    number: int
    offset: int
    data: bytes
    original_len: int
    link_type: int
    timestamp_ns: int | None
    fcs_len: int | None = None

    @property
    def captured_len(self) -> int:
        return len(self.data)


class Record(Protocol):
    """A piece of a capture file that is carried through as it is, or rewritten."""

    @property
    def raw(self) -> bytes:
        """The record's bytes as they stand in the file."""

    @property
    def packet(self) -> Packet | None:
        """The packet in it, None for headers and metadata."""

    def rewritten(self, data: bytes) -> bytes:
        """Return the record's bytes with the packet's captured bytes replaced.

        ``data`` may be shorter than before (a slice); the original length stays.
        """

    def resized(self) -> bytes:
        """Return the record's bytes in a capture whose other records may change their length."""

    def without_metadata(self, data: bytes | None) -> bytes:
        """Return the record without names, secrets, comments and custom data; empty: drop it.

        ``data`` replaces the packet's captured bytes, as in ``rewritten``; None leaves them.
        """

    @property
    def metadata_kind(self) -> str | None:
        """Name of the metadata that this record is ("decryption secrets", ...), else None."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Bytes behind the last whole record: ``length`` bytes from ``offset`` on, and why."""

    offset: int
    length: int
    reason: str
