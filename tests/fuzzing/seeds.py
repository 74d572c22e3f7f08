"""What a fuzzer begins with: captures of the generators, whole and broken, and words of HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Final

import zstandard

from tests.trimming.engine.rough_captures import rough_capture
from tests.trimming.engine.strategies.differential.raw_files import raw_file
from tests.trimming.engine.strategies.differential.traffic import traffic

FEW: Final = 40
# what is longer takes the time of many
MOST_BYTES: Final = 6_000
WORDS: Final = (
    *(b"GET / HTTP/1.1\r\n", b"POST ", b"HEAD ", b"CONNECT ", b"HTTP/1.1 200 OK\r\n"),
    *(b"HTTP/1.1 101 ", b"HTTP/1.1 304 ", b"HTTP/1.0 ", b"\r\n\r\n", b"\r\n ", b"\n\n"),
    *(b"Content-Length: 7\r\n", b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"7;x=y\r\n"),
    *(b"Connection: close\r\n", b"Upgrade: websocket\r\n", b"Authorization: ", b"Cookie: "),
    *(b"PRI * HTTP/2.0\r\n", b"\x16\x03\x01", b"\x17\x03\x03"),
    *(b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1", b"\x0a\x0d\x0d\x0a"),
    *(b"\x1a\x2b\x3c\x4d", b"\x06\x00\x00\x00", b"\x01\x00\x00\x00", b"\x03\x00\x00\x00"),
    *(b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"\x08\x00\x45\x00", b"\x86\xdd\x60"),
    *(b"\x81\x00", b"\x88\x64", b"\x88\x47", b"\x65\x58", b"\x12\xb5", b"\x08\x68"),
)


def seeds() -> Iterator[bytes]:
    """Yield small captures of each generator, some of them packed."""
    for make in (rough_capture, traffic, raw_file):
        small = (data for data in map(make, count()) if 0 < len(data) <= MOST_BYTES)
        for number, data in enumerate(islice(small, FEW)):
            yield data
            if number % 8 == 0:
                yield gzip.compress(data, mtime=0)
                yield zstandard.compress(data)


def write_seeds(folder: Path) -> int:
    """Write them as files; return how many."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for number, data in enumerate(seeds(), 1):
        (folder / f"seed-{number:04}").write_bytes(data)
    return number


def write_words(path: Path) -> None:
    """Write the words as libFuzzer reads them."""
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
    path.write_text("".join(f'"{word}"\n' for word in escaped))
