"""Keeping what was downloaded: whole or not at all, and nowhere that a server chooses."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from email.message import Message
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Final

from pktmask.ended import LATER, USAGE, Ended
from pktmask.words import plain

CHUNK_BYTES: Final = 1 << 20


def target_of(headers: Message, wanted: str, otherwise: str) -> Path:
    """Return where a download goes: as wanted, else under the name it comes with, here."""
    if wanted:
        return Path(wanted)
    name = plain(Path(headers.get_filename() or "").name).lstrip(".")
    return Path(name or otherwise)


def save(answer: HTTPResponse, target: Path, *, force: bool) -> int:
    """Write the answer to ``target``; return how many bytes.  Raises Ended, and leaves nothing."""
    if target.exists() and not force:
        raise Ended(USAGE, f"{target} is there already. Name another file, or use --force.")
    with _whole(target) as file:
        return _copy(answer, file)


def _copy(answer: HTTPResponse, file: IO[bytes]) -> int:
    count = 0
    try:
        while piece := answer.read(CHUNK_BYTES):
            file.write(piece)
            count += len(piece)
    except (HTTPException, ConnectionError, TimeoutError):
        raise Ended(LATER, "The download was cut off. Nothing was kept; try again.") from None
    if answer.length:
        raise Ended(LATER, "The download ended early. Nothing was kept; try again.")
    return count


@contextlib.contextmanager
def _whole(target: Path) -> Iterator[IO[bytes]]:
    """Give a file that becomes ``target`` when the block ends well."""
    try:
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name[:40]}-", delete=False
        ) as file:
            try:
                yield file
                file.close()
                os.replace(file.name, target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise Ended(USAGE, f"{target} cannot be written: {error.strerror}.") from None
