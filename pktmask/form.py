"""A form with files, as a stream: captures may be larger than memory.

RFC 7578; names of files are written as browsers write them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pktmask.ended import USAGE, Ended

CHUNK_BYTES: Final = 1 << 18
# a header cannot hold them
ESCAPES: Final = {'"': "%22", "\r": "%0D", "\n": "%0A"}


@dataclass(frozen=True, slots=True)
class Part:
    """What stands before a file, and the file with its size in bytes."""

    head: bytes
    file: Path
    size: int


class Form:
    """Fields, then files.  ``length`` is that of the whole body in bytes."""

    def __init__(
        self, fields: Mapping[str, str], files: Sequence[Path], field: str = "files"
    ) -> None:
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        begin = f"--{boundary}\r\n".encode()
        self._fields = b"".join(
            begin + f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        )
        self._parts = [_part(begin, field, file) for file in files]
        self._end = f"--{boundary}--\r\n".encode()
        inner = sum(len(part.head) + part.size + 2 for part in self._parts)
        self.length = len(self._fields) + inner + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body piece by piece; raises Ended when a file is not as long as it was."""
        yield self._fields
        for part in self._parts:
            yield part.head
            yield from _pieces(part)
            yield b"\r\n"
        yield self._end


def _part(begin: bytes, field: str, file: Path) -> Part:
    try:
        size = file.stat().st_size
        file.open("rb").close()
    except OSError as error:
        raise Ended(USAGE, f"{file} cannot be read: {error.strerror}.") from None
    name = "".join(ESCAPES.get(character, character) for character in file.name)
    said = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    head = f"{said}Content-Type: application/octet-stream\r\n\r\n"
    return Part(begin + head.encode(errors="surrogateescape"), file, size)


def _pieces(part: Part) -> Iterator[bytes]:
    left = part.size
    with part.file.open("rb") as opened:
        while left and (piece := opened.read(min(CHUNK_BYTES, left))):
            left -= len(piece)
            yield piece
        if left or opened.read(1):
            raise Ended(USAGE, f"{part.file} was changed while it was sent. Send it again.")
