"""Stored files as asynchronous streams: one chunk in memory, read outside the event loop."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any

from asgiref.sync import sync_to_async
from django.core.files.storage import Storage
from zipstream import ZIP_STORED, ZipStream

CHUNK_BYTES = 1 << 18


async def stream_file(storage: Storage, name: str) -> AsyncIterator[bytes]:
    """Yield the bytes of a stored file."""
    async for chunk in _off_loop(_chunks(storage, name)):
        yield chunk


async def stream_open(file: IO[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of an open file from its start, and close it."""
    file.seek(0)
    async for chunk in _off_loop(_rest(file)):
        yield chunk


def zip_of(storage: Storage, members: list[tuple[str, str, int]]) -> ZipStream:
    """Return an archive, not compressed so that its length is known, of (arcname, name, size)."""
    archive = ZipStream(compress_type=ZIP_STORED, sized=True)
    for arcname, name, size in members:
        archive.add(_chunks(storage, name), arcname, size=size)
    return archive


async def stream_archive(archive: ZipStream) -> AsyncIterator[bytes]:
    """Yield the bytes of an archive."""
    async for chunk in _off_loop(iter(archive)):
        yield chunk


def _chunks(storage: Storage, name: str) -> Iterator[bytes]:
    # opened when the first byte is asked for: an archive of many holds one file open at a time
    yield from _rest(storage.open(name))


def _rest(file: Any) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


async def _off_loop(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Take chunks in threads; the iterator is closed whatever happens, also when nobody listens."""
    take = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    try:
        while (chunk := await take()) is not None:
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            # a read that was cancelled may still be going on in its thread; it is the last one
            with contextlib.suppress(ValueError):
                await sync_to_async(close, thread_sensitive=False)()
