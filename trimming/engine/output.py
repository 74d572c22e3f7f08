"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import gzip
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import IO, BinaryIO, cast

import zstandard

from trimming.engine.errors import OutputError

FLUSH_BYTES = 1 << 20


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
        self._committed = False

    def __enter__(self) -> AtomicOutput:
        if self.path.is_dir():
            raise OutputError(f"{self.path}: expected the name of a file, found a folder")
        if not self.path.parent.is_dir():
            raise OutputError(f"{self.path}: the folder {self.path.parent} does not exist")
        return self

    def __exit__(self, *exception: object) -> None:
        if not self._committed:
            self.partial.unlink(missing_ok=True)

    def write(self, chunks: Iterable[bytes]) -> int:
        """Write all chunks, packed as the name says, and sync; return the size in bytes."""
        try:
            with self.partial.open("xb", buffering=0) as file:
                packed = self._pack(cast(BinaryIO, file))
                _write_windows(packed, chunks)
                if packed is not file:
                    packed.close()
                os.fsync(file.fileno())
                return os.fstat(file.fileno()).st_size
        except OSError as error:
            raise output_error(self.path, error) from None

    def commit(self) -> None:
        """Make the file appear under its name, durably; what cannot be made durable is removed."""
        try:
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


def _write_windows(file: IO[bytes], chunks: Iterable[bytes]) -> None:
    window = bytearray()
    for chunk in chunks:
        window += chunk
        if len(window) >= FLUSH_BYTES:
            _write_all(file, window)
            window.clear()
    _write_all(file, window)


def _write_all(file: IO[bytes], window: bytearray) -> None:
    view = memoryview(bytes(window))
    while view:
        # an unbuffered file may take less than it was given
        view = view[file.write(view) :]


def output_error(path: Path, error: OSError) -> OutputError:
    """Return what to tell a person about a refusal of the file system."""
    if error.errno == errno.ENOSPC:
        return OutputError(f"{path}: no space left where it should be written; nothing was kept")
    return OutputError(f"{path}: cannot be written: {error.strerror or error}")
