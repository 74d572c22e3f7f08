"""Bytes of a file in windows, unpacked on the way; the end may come early and is then named."""

from __future__ import annotations

import io
import zlib
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import zstandard

from trimming.engine.errors import InputError
from trimming.engine.formats.records import Tail
from trimming.engine.words import gettext_noop

WINDOW_BYTES = 1 << 20
PACKED_BYTES = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# A run-length block of zstandard turns 4 bytes into 128 KiB: feeding little bounds what one call
# makes.
ZSTD_FEED_BYTES = 1 << 10
ZSTD_MAX_WINDOW_BYTES = 1 << 27


def unreadable(name: str, at: int, error: OSError) -> InputError:
    """Return the refusal of a file of which the system says no."""
    found = error.strerror or gettext_noop("an error")
    return InputError(name, at, gettext_noop("a readable file"), found)


class ByteStream:
    """A buffered stream of unpacked bytes that knows how much it gave and why it ended.

    ``max_unpacked_bytes`` guards against packed data that grow without end; None for plain files.
    """

    def __init__(self, source: _Source, name: str, max_unpacked_bytes: int | None) -> None:
        self._source = source
        self._buffer = io.BufferedReader(source, WINDOW_BYTES)
        self._name = name
        self._limit = max_unpacked_bytes
        self.position = 0
        self.tail: Tail | None = None

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, fewer only at the end.

        Raises InputError when the unpacked size passes the limit or packed data are damaged.
        """
        data = self._buffer.read(count)
        self._advance(len(data))
        return data

    def read_into(self, view: memoryview) -> int:
        """Fill ``view`` and return how much of it is filled, less than all only at the end.

        Raises as ``read``.
        """
        filled = 0
        while filled < len(view):
            count = self._buffer.readinto(view[filled:])
            if not count:
                break
            filled += count
        self._advance(filled)
        return filled

    def _advance(self, count: int) -> None:
        self.position += count
        if self._limit is not None and self.position > self._limit:
            most = gettext_noop("at most %(most)d unpacked bytes (limits.max_unpacked_bytes)")
            raise InputError(
                self._name, self._limit, most % {"most": self._limit}, gettext_noop("more")
            )

    def peek(self, count: int) -> bytes:
        """Return up to ``count`` of the next bytes without taking them."""
        return self._buffer.peek(count)[:count]

    @property
    def packed_position(self) -> int:
        """How much of the file itself was read, in bytes."""
        return self._source.packed_position

    @property
    def expansion(self) -> float:
        """How many bytes one byte of the file has become on average, as far as it was unpacked."""
        return self._source.expansion

    def cut(self, offset: int, length: int, reason: str) -> None:
        """Record that the last ``length`` bytes, from ``offset`` on, are no whole record."""
        self.tail = Tail(offset, length, reason)

    def finish(self) -> None:
        """Record that packed data ended early, where no record was cut by it."""
        if self.tail is None and self._source.ended_early:
            self.tail = Tail(self.position, 0, self._source.ended_early)


class _Source(io.RawIOBase):
    """Plain bytes of the file."""

    ended_early = ""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__()
        self._file = file
        self._name = name
        self.packed_position = 0
        # read from the file and not unpacked yet; unpacked and not asked for yet
        self._pending = b""
        self._ready = memoryview(b"")
        self._given = 0

    @property
    def expansion(self) -> float:
        """Unpacked bytes for each byte of the file that they came from; 1 before the first."""
        used = self.packed_position - len(self._pending)
        return (self._given + len(self._ready)) / used if used else 1.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower than any buffer
        return self._read_plain(memoryview(buffer))

    def _read_plain(self, view: memoryview) -> int:
        with self._refusing():
            # the file is shared with other walks over the same capture
            self._file.seek(self.packed_position)
            count = cast(io.BufferedReader, self._file).readinto(view)
        self.packed_position += count
        self._given += count
        return count

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unreadable(self._name, self.packed_position, error) from None

    def _packed(self, count: int) -> bytes:
        with self._refusing():
            self._file.seek(self.packed_position)
            data = self._file.read(count)
        self.packed_position += len(data)
        return data

    def _damaged(self, what: str, fed: int) -> InputError:
        """Return the refusal of packed data, somewhere in the last ``fed`` bytes that were read."""
        at = self.packed_position - fed
        sound = gettext_noop("sound %(packing)s data") % {"packing": what}
        return InputError(self._name, at, sound, gettext_noop("damaged data there or soon behind"))


class _Unpacked(_Source):
    """Bytes that are unpacked on the way."""

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # narrower than any buffer
        # filled to the brim: unpacking gives little at a time, and peeking needs a whole magic
        filled = 0
        while filled < len(buffer):
            data = self._unpacked(len(buffer) - filled)
            if not data:
                break
            buffer[filled : filled + len(data)] = data
            filled += len(data)
        self._given += filled
        return filled

    @abstractmethod
    def _unpacked(self, count: int) -> bytes:
        """Return up to ``count`` unpacked bytes, none only at the end."""


class _Gzip(_Unpacked):
    """One or more gzip members (RFC 1952)."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(file, name)
        self._member = zlib.decompressobj(wbits=31)
        self._done = False

    def _unpacked(self, count: int) -> bytes:
        while not self._done:
            self._pending = self._pending or self._packed(PACKED_BYTES)
            fed = len(self._pending)
            try:
                data = self._member.decompress(self._pending, count)
            except zlib.error:
                raise self._damaged("gzip", fed) from None
            if not fed and not data:  # a few bytes may have waited behind an earlier ``count``
                self._done = True
                self.ended_early = gettext_noop("the gzip data end early")
                break
            self._pending = self._member.unconsumed_tail
            if self._member.eof:
                self._next_member(self._member.unused_data)
            if data:
                return data
        return b""

    def _next_member(self, following: bytes) -> None:
        # zeros may pad a file to the size of a block
        following = following.lstrip(b"\0")
        while not following:
            packed = self._packed(PACKED_BYTES)
            if not packed:
                self._done = True
                return
            following = packed.lstrip(b"\0")
        if following[:1] != GZIP_MAGIC[:1]:
            self._done = True
            self.ended_early = gettext_noop("other bytes follow the gzip data")
        else:
            self._member = zlib.decompressobj(wbits=31)
            self._pending = following


class _Zstandard(_Unpacked):
    """One or more zstandard frames (RFC 8878)."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        super().__init__(file, name)
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW_BYTES)
        self._frame: zstandard.ZstdDecompressionObj | None = self._decompressor.decompressobj()
        self._fed = 0

    def _unpacked(self, count: int) -> bytes:
        while not self._ready:
            packed = self._pending or self._packed(ZSTD_FEED_BYTES)
            self._pending = b""
            if not packed:
                if self._frame is not None and self._fed:
                    self.ended_early = gettext_noop("the zstandard data end early")
                return b""
            if self._frame is None:
                self._frame, self._fed = self._decompressor.decompressobj(), 0
            self._fed += len(packed)
            try:
                self._ready = memoryview(self._frame.decompress(packed))
            except zstandard.ZstdError:
                raise self._damaged("zstandard", len(packed)) from None
            if self._frame.eof:
                self._pending, self._frame = self._frame.unused_data, None
        data = bytes(self._ready[:count])
        self._ready = self._ready[count:]
        return data


UNPACKERS: dict[str, Callable[[BinaryIO, str], _Source]] = {
    "gzip": _Gzip,
    "zstandard": _Zstandard,
}
MAGICS = {GZIP_MAGIC: "gzip", ZSTD_MAGIC: "zstandard"}


def open_stream(file: BinaryIO, name: str, max_unpacked_bytes: int) -> ByteStream:
    """Return the unpacked bytes of ``file`` from its start on; several may be open at a time."""
    packing = packing_of(file)
    if packing is None:
        return ByteStream(_Source(file, name), name, None)
    return ByteStream(UNPACKERS[packing](file, name), name, max_unpacked_bytes)


def is_packed(file: BinaryIO) -> bool:
    """Whether the file is compressed in a way that can be read."""
    return packing_of(file) is not None


def packing_of(file: BinaryIO) -> str | None:
    """Return how the file is compressed, "gzip" or "zstandard"; None when it is not."""
    file.seek(0)
    return packing_by_magic(file.read(4))


def packing_by_magic(magic: bytes) -> str | None:
    """Return how a file that starts with the 4 bytes ``magic`` is compressed, as ``packing_of``."""
    return next((name for known, name in MAGICS.items() if magic.startswith(known)), None)
