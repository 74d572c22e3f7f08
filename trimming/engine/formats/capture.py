"""A capture file, opened once and read as often as needed."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from trimming.engine.ahead import one_ahead
from trimming.engine.errors import InputError
from trimming.engine.formats import pcap, pcapng
from trimming.engine.formats.records import Packet, Record, Tail
from trimming.engine.formats.stream import (
    WINDOW_BYTES,
    ByteStream,
    is_packed,
    open_stream,
    packing_by_magic,
    packing_of,
    unreadable,
)
from trimming.engine.options import Limits
from trimming.engine.words import gettext_noop

if TYPE_CHECKING:
    from trimming.engine.formats.batches import Batch

EXPECTED = gettext_noop("a pcap or pcapng capture, plain or packed with gzip or zstandard")
STARTS_WITH = gettext_noop("a file that starts with the bytes %(bytes)s")
NOBODY_WRITES = gettext_noop("a file that nobody writes to")
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
# what people mistake for a capture, so that the message can say what it is
LOOKALIKES = {
    b"\x89PNG": gettext_noop("a PNG picture"),
    b"GIF8": gettext_noop("a GIF picture"),
    b"\xff\xd8\xff": gettext_noop("a JPEG picture"),
    b"%PDF": gettext_noop("a PDF document"),
    b"PK\x03\x04": gettext_noop("a ZIP archive; unpack it first"),
    b"BZh": gettext_noop("bzip2 data; unpack it first"),
    b"\xfd7zXZ": gettext_noop("xz data; unpack it first"),
    b"7z\xbc\xaf": gettext_noop("a 7-Zip archive; unpack it first"),
    b"\x7fELF": gettext_noop("a program"),
    b"snoop\0": gettext_noop("a snoop capture; convert it with editcap first"),
    b"GMBU": gettext_noop("a Network Monitor capture; convert it with editcap first"),
    b"TRSNIFF": gettext_noop("a Sniffer capture; convert it with editcap first"),
    b"<?xml": gettext_noop("an XML document"),
    b"<!DOC": gettext_noop("an HTML document"),
    b"<html": gettext_noop("an HTML document"),
}


MAGIC_BYTES = 8


@dataclass(frozen=True, slots=True)
class Start:
    """What was seen of a capture in a walk over its start.  Sizes are in bytes, unpacked.

    ``expansion`` is unpacked bytes for each byte of the file, so far.
    """

    packets: int
    walked_bytes: int
    expansion: float
    is_whole: bool


def mistaken_for(magic: bytes) -> str | None:
    """Return what a file is that starts with ``magic`` (8 bytes, fewer only when it is shorter).

    None when it may be a capture: for packed files that shows only behind the packing.
    """
    if magic[:4] in pcap.VARIANTS or magic[:4] == PCAPNG_MAGIC or packing_by_magic(magic[:4]):
        return None
    return _describe(magic)


def _describe(magic: bytes) -> str:
    for known, what in LOOKALIKES.items():
        if magic.startswith(known):
            return what
    if not magic:
        return gettext_noop("an empty file")
    return STARTS_WITH % {"bytes": magic[:4].hex(" ")}


def no_whole_packet(path: Path, tail: Tail) -> InputError:
    """Return the refusal of a capture that is cut before its first packet is whole."""
    found = gettext_noop("none: %(reason)s") % {"reason": tail.reason}
    return InputError(str(path), tail.offset, gettext_noop("at least one whole packet"), found)


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


class CaptureFile:
    """A capture on disk.  Use as a context manager; ``records`` may be walked several times.

    ``tail`` tells, after a whole walk, which bytes at the end were no whole record.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self.limits = limits or Limits()
        self.tail: Tail | None = None
        try:
            # a pipe without a writer would block
            self._file = open(path, "rb", opener=_open_at_once)  # noqa: SIM115 - see __exit__
        except OSError as error:
            raise unreadable(str(path), 0, error) from None
        status = os.fstat(self._file.fileno())
        if not stat.S_ISREG(status.st_mode):
            self._file.close()
            expected, found = gettext_noop("a regular file"), gettext_noop("something else")
            raise InputError(str(path), 0, expected, found)
        self._signature = self._read_signature()
        self.size_bytes = status.st_size

    def __enter__(self) -> CaptureFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    @property
    def is_packed(self) -> bool:
        """Whether the capture is compressed."""
        return is_packed(self._file)

    @property
    def file_format(self) -> str:
        """Name of the format and its packing, as in "pcap" or "pcapng, gzip".

        Raises InputError for what starts like no capture.
        """
        stream = self._stream()
        self._reader(stream)
        name = "pcapng" if stream.peek(4)[:4] == PCAPNG_MAGIC else "pcap"
        packing = packing_of(self._file)
        return f"{name}, {packing}" if packing else name

    def look_at_start(self, enough_bytes: int) -> Start:
        """Walk the records until ``enough_bytes`` unpacked bytes are behind, or to the end.

        Raises InputError for what cannot be read, and for a capture that is cut before its first
        packet is whole.
        """
        stream = self._stream()
        packets = 0
        for record in self._reader(stream):
            packets += record.packet is not None
            if stream.position >= enough_bytes:
                return Start(packets, stream.position, stream.expansion, is_whole=False)
        stream.finish()
        if stream.tail is not None and not packets:
            raise no_whole_packet(self.path, stream.tail)
        return Start(packets, stream.position, stream.expansion, is_whole=True)

    def unpacked_size(self) -> int:
        """Return the size when unpacked, in bytes.

        Raises InputError for what is no capture, is damaged, or grows past the limit.
        """
        stream = self._stream()
        self._reader(stream)  # what is no capture is refused at once
        if not self.is_packed:
            return self.size_bytes
        while stream.read(WINDOW_BYTES):
            pass
        return stream.position

    def records(self, progress: Callable[[int], None] | None = None) -> Iterator[Record]:
        """Yield every record from the first one on.

        ``progress`` is called about once per MiB with the bytes of the file that were read; what
        it raises ends the walk.  Raises InputError for what cannot be read.
        """
        stream = self._stream()
        self.tail = None
        told = 0
        for record in self._reader(stream):
            yield record
            if progress is not None and stream.packed_position - told >= WINDOW_BYTES:
                told = stream.packed_position
                progress(told)
        self._finish(stream, progress)

    def packets(self, progress: Callable[[int], None] | None = None) -> Iterator[Packet]:
        """Yield every packet, as ``records``."""
        return (r.packet for r in self.records(progress) if r.packet is not None)

    def batches(
        self, progress: Callable[[int], None] | None = None, *, ahead: bool = True
    ) -> Iterator[Batch]:
        """Yield every record from the first one on in windows, as ``records`` otherwise.

        While a batch is looked at the next one is read, and it is valid until that is asked for.
        Without ``ahead`` nothing is read meanwhile, and it is valid for one batch longer.
        """
        from trimming.engine.formats.batches import read_batches

        stream = self._stream()
        self._reader(stream)  # what is no capture is refused at once
        self.tail = None
        batches = read_batches(stream, str(self.path), self.limits.max_record_bytes)
        for batch in one_ahead(batches) if ahead else batches:
            yield batch
            if progress is not None:
                progress(stream.packed_position)
        self._finish(stream, progress)

    def _finish(self, stream: ByteStream, progress: Callable[[int], None] | None) -> None:
        stream.finish()
        self.tail = stream.tail
        if self._read_signature() != self._signature:
            expected, found = NOBODY_WRITES, gettext_noop("a changed file")
            raise InputError(str(self.path), stream.position, expected, found)
        if progress is not None:
            progress(self.size_bytes)

    def _stream(self) -> ByteStream:
        return open_stream(self._file, str(self.path), self.limits.max_unpacked_bytes)

    def _reader(self, stream: ByteStream) -> Iterator[Record]:
        magic = stream.peek(8)
        name, largest = str(self.path), self.limits.max_record_bytes
        if magic[:4] in pcap.VARIANTS:
            return pcap.read_pcap(stream, name, largest)
        if magic[:4] == PCAPNG_MAGIC:
            return pcapng.read_pcapng(stream, name, largest)
        raise InputError(name, 0, EXPECTED, _describe(magic))

    def _read_signature(self) -> tuple[int, int]:
        status = os.fstat(self._file.fileno())
        return status.st_size, status.st_mtime_ns
