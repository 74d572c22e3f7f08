"""What is taken for a capture when it is uploaded, and what a person reads when it is not."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.captures import pcap, pcapng_of
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import Limits
from trimming.recognition import START_BYTES, check_magic, recognise, refusal

PACKETS = [bytes(100), bytes(60)]


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def _write(folder: Path, data: bytes) -> Path:
    path = folder / "upload"
    path.write_bytes(data)
    return path


def _refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as raised:
        recognise(path, limits)
    return refusal(raised.value)


@pytest.mark.parametrize(
    ("build", "name"), [(pcap, "pcap"), (pcapng_of, "pcapng")], ids=["pcap", "pcapng"]
)
@pytest.mark.parametrize(
    ("pack", "packing"),
    [(bytes, ""), (gzip.compress, ", gzip"), (_zstd, ", zstandard")],
    ids=["plain", "gzip", "zstandard"],
)
def test_captures_are_recognised_by_their_bytes(
    build: Callable[[list[bytes]], bytes],
    name: str,
    pack: Callable[[bytes], bytes],
    packing: str,
    tmp_path: Path,
) -> None:
    assert recognise(_write(tmp_path, pack(build(PACKETS)))) == name + packing


def test_a_capture_without_packets_is_one(tmp_path: Path) -> None:
    assert recognise(_write(tmp_path, pcap([]))) == "pcap"


def test_the_start_of_a_large_capture_is_enough(tmp_path: Path) -> None:
    damaged = pcap([bytes(60_000)] * 100) + b"\xff" * 64
    assert len(damaged) > START_BYTES
    assert recognise(_write(tmp_path, damaged)) == "pcap"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ("Not a capture: an empty file",)),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), ("Not a capture: a PNG picture; expected a pcap",)),
        (gzip.compress(b"\x89PNG\r\n\x1a\n" + bytes(99)), ("a PNG picture",)),
        (b"some text that is long enough", ("Not a capture",)),
        (pcap([])[:10], ("pcap file header of 24 bytes",)),
        (pcap([]) + bytes(8) + b"\xff" * 8, ("at byte 32", "4294967295")),
        (pcap(PACKETS)[:50], ("at byte 24", "at least one whole packet")),
        (gzip.compress(os.urandom(9999))[:20], ("Not a capture",)),
        (gzip.compress(pcap(PACKETS))[:-8] + bytes(8), ("damaged",)),
        (_zstd(pcap(PACKETS))[:-4] + b"\xff" * 4, ("damaged",)),
    ],
    ids=[
        "empty",
        "picture",
        "packed picture",
        "text",
        "cut header",
        "length of 4 GiB",
        "no whole packet",
        "packed noise",
        "broken gzip",
        "broken zstandard",
    ],
)
def test_what_is_none_is_refused_with_a_sentence(
    data: bytes, words: tuple[str, ...], tmp_path: Path
) -> None:
    sentence = _refused(_write(tmp_path, data))
    for word in words:
        assert word in sentence
    assert sentence.endswith("Nothing was stored.")
    assert str(tmp_path) not in sentence


@pytest.mark.parametrize("pack", [gzip.compress, _zstd], ids=["gzip", "zstandard"])
def test_a_bomb_is_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = _write(tmp_path, pack(pcap([bytes(60_000)] * 400)))
    assert path.stat().st_size < 40_000
    assert "at most 10000000 unpacked bytes" in _refused(path, Limits(max_unpacked_bytes=10**7))


def test_a_packed_capture_within_the_limit_is_not_unpacked_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: CaptureFile) -> int:
        raise AssertionError("read to its end")

    monkeypatch.setattr(CaptureFile, "unpacked_size", fail)
    path = _write(tmp_path, gzip.compress(pcap([os.urandom(60_000)] * 100)))
    assert recognise(path) == "pcap, gzip"


def test_a_high_estimate_alone_refuses_nothing(tmp_path: Path) -> None:
    # the start is zeros and promises more than the rest keeps
    packets = [bytes(60_000)] * 80 + [os.urandom(60_000) for _ in range(10)]
    path = _write(tmp_path, gzip.compress(pcap(packets)))
    assert recognise(path, Limits(max_unpacked_bytes=6_000_000)) == "pcap, gzip"


def test_the_first_bytes_tell_most_mistakes() -> None:
    check_magic(pcap([])[:8])
    check_magic(b"\x1f\x8b\x08\x00\x00\x00\x00\x00")
    with pytest.raises(InputError, match="a PDF document"):
        check_magic(b"%PDF-1.7")


@pytest.mark.slow
def test_the_web_process_loads_no_heavy_library() -> None:
    code = (
        "import django, sys; django.setup(); import pktmask_site.asgi, pktmask_site.urls, "
        "trimming.views.upload; from django.urls import reverse; reverse('home'); "
        "print([name for name in ('scapy', 'numpy', 'numba') if name in sys.modules])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert run.stdout.strip() == "[]"
