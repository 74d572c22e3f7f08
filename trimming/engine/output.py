"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import gzip
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from threading import Thread
from typing import IO, BinaryIO, TypeAlias, cast

import zstandard

from trimming.engine.errors import OutputError
from trimming.engine.words import gettext_noop

FLUSH_BYTES = 1 << 20
SYNC_BYTES = 1 << 25
FOLDER = gettext_noop("%(path)s: expected the name of a file, found a folder")
NO_FOLDER = gettext_noop("%(path)s: the folder %(folder)s does not exist")
FULL = gettext_noop("%(path)s: no space left where it should be written; nothing was kept")
NOT_WRITTEN = gettext_noop("%(path)s: cannot be written: %(error)s")
# a memoryview is one of single bytes
Chunk: TypeAlias = bytes | bytearray | memoryview


def _plain(file: BinaryIO) -> IO[bytes]:
    return file


def _gzip(file: BinaryIO) -> IO[bytes]:
    # no name and no time in the header: the same capture gives the same file
    return cast(IO[bytes], gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0))


def _zstandard(file: BinaryIO) -> IO[bytes]:
    return zstandard.ZstdCompressor().stream_writer(file, closefd=False)


PACKERS = {".gz": _gzip, ".zst": _zstandard}


class AtomicOutput:
    """Writes beside ``path`` and renames on ``commit``; without it nothing is left behind.

    A context manager.  What the file system refuses becomes OutputError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.partial")
        self._pack = PACKERS.get(path.suffix.lower(), _plain)
        self._file: IO[bytes] | None = None
        self._syncing: _Syncing | None = None
        self._committed = False

    def __enter__(self) -> AtomicOutput:
        if self.path.is_dir():
            raise OutputError(FOLDER % {"path": self.path})
        if not self.path.parent.is_dir():
            raise OutputError(NO_FOLDER % {"path": self.path, "folder": self.path.parent})
        return self

    def __exit__(self, *exception: object) -> None:
        if self._syncing is not None:
            self._syncing.end()
        if self._file is not None:
            self._file.close()
        if not self._committed:
            self.partial.unlink(missing_ok=True)

    def write(self, chunks: Iterable[Chunk]) -> int:
        """Write all chunks, packed as the name says; return the size in bytes.

        A chunk is read before the next one is asked for.  What is written is
        synced while writing goes on, so that there is no long wait in which nobody can stop it;
        the last of it while the file is read back.
        """
        try:
            file = self._file = self.partial.open("xb", buffering=0)
            syncing = self._syncing = _Syncing(file.fileno())
            packed = self._pack(cast(BinaryIO, file))
            for piece in _pieces(chunks):
                _write_all(packed, piece)
                syncing.look()
            if packed is not file:
                packed.close()
            syncing.finish()
            return os.fstat(file.fileno()).st_size
        except OSError as error:
            raise output_error(self.path, error) from None

    def commit(self) -> None:
        """Make the file appear under its name, durably; what cannot be made durable is removed."""
        assert self._syncing is not None
        try:
            self._syncing.wait()
            self.partial.replace(self.path)
        except OSError as error:
            raise output_error(self.path, error) from None
        try:
            _sync_folder(self.path.parent)
        except OSError as error:
            self.path.unlink(missing_ok=True)
            raise output_error(self.path, error) from None
        self._committed = True


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class _Syncing:
    """Brings a file to the disk in steps of SYNC_BYTES, beside whoever writes it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._asked = 0
        self._step: Thread | None = None
        self._error: OSError | None = None

    def look(self) -> None:
        """Begin a step when enough was written; raises OSError that the step before met."""
        written = os.lseek(self._descriptor, 0, os.SEEK_CUR)
        if written - self._asked >= SYNC_BYTES:
            self.wait()
            self._asked = written
            self._begin(_sync_data)

    def finish(self) -> None:
        """Begin the last step, of the whole file; raises OSError that the step before met."""
        self.wait()
        self._begin(os.fsync)

    def end(self) -> None:
        """Wait for the step that runs, whatever comes of it."""
        if self._step is not None:
            self._step.join()

    def wait(self) -> None:
        """Wait for the step that runs; raises OSError that it met."""
        self.end()
        if self._error is not None:
            raise self._error

    def _begin(self, sync: Callable[[int], None]) -> None:
        self._step = Thread(target=self._sync, args=(sync,), name="sync")
        self._step.start()

    def _sync(self, sync: Callable[[int], None]) -> None:
        try:
            sync(self._descriptor)
        except OSError as error:
            self._error = error  # the system tells it once


# not every system has the cheaper one
_sync_data = getattr(os, "fdatasync", os.fsync)


def _pieces(chunks: Iterable[Chunk]) -> Iterator[memoryview]:
    """Yield the chunks in pieces that are worth a write: small ones together, large ones alone."""
    window = bytearray()
    for chunk in chunks:
        view = memoryview(chunk)
        if len(window) + len(view) >= FLUSH_BYTES and window:
            yield memoryview(window)
            window = bytearray()  # the old one may still be looked at
        if len(view) >= FLUSH_BYTES:
            yield view
        else:
            window += view
    yield memoryview(window)


def _write_all(file: IO[bytes], view: memoryview) -> None:
    while view:
        # an unbuffered file may take less than it was given
        view = view[file.write(view) :]


def output_error(path: Path, error: OSError) -> OutputError:
    """Return what to tell a person about a refusal of the file system."""
    if error.errno == errno.ENOSPC:
        return OutputError(FULL % {"path": path})
    return OutputError(NOT_WRITTEN % {"path": path, "error": error.strerror or error})
