"""``python -m trimming.engine.warm``: compile every kernel before somebody waits for it.

A kernel is compiled when it is first called, which takes seconds, and processes that start at the
same time would each do it.  So small captures are trimmed here by everything that has kernels.
"""

from __future__ import annotations

import logging
import re
import resource
import shutil
import struct
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from trimming.engine.errors import EngineError
from trimming.engine.kernel import cache_name, cache_root
from trimming.engine.options import PROFILES
from trimming.engine.pipeline import trim
from trimming.engine.ready import kernel_folders, mark_ready
from trimming.engine.strategies.registry import BUILT_IN, load_strategy

log = logging.getLogger("pktmask.warm")

CACHE_NAME = re.compile("[0-9a-f]{16}")
WITHOUT_KERNELS = "legacy"
# small captures may go another way than the rest, so these are not small
BODY_BYTES = 1 << 19
SEGMENT_BYTES = 1400
CLIENT, SERVER = (b"\x0a\x00\x00\x01", 40_000), (b"\x0a\x00\x00\x02", 80)
SYN, ACK = 0x02, 0x10


def main() -> None:
    """Compile every kernel, and remove what was compiled of sources that are no more."""
    compile_kernels()
    mark_ready()
    remove_old()


def compile_kernels() -> None:
    """Trim captures of each format, under each profile, with each strategy that has kernels."""
    trim_samples([name for name in BUILT_IN if name != WITHOUT_KERNELS] or [WITHOUT_KERNELS])


def trim_samples(names: Iterable[str]) -> None:
    """Trim captures of each format, under each profile, with these strategies."""
    with tempfile.TemporaryDirectory(prefix="pktmask-warm-") as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        for content in sample_captures():
            source.write_bytes(content)
            for name in names:
                for profile in PROFILES.values():
                    trim(
                        source,
                        target,
                        lambda name=name: load_strategy(name),  # type: ignore[misc]  # called at once
                        profile,
                        clock=time.perf_counter,
                        peak_rss_bytes=lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                    )


def sample_captures(body_bytes: int = BODY_BYTES) -> tuple[bytes, bytes]:
    """Return a small pcap and a small pcapng that lead through every kernel."""
    packets = list(_packets(body_bytes))
    return _pcap(packets), _pcapng(packets)


def remove_old() -> None:
    """Remove the caches that belong to no present folder of kernels."""
    present = {cache_name(folder) for folder in kernel_folders()}
    root = cache_root()
    for path in root.iterdir() if root.is_dir() else ():
        if CACHE_NAME.fullmatch(path.name) and path.name not in present:
            shutil.rmtree(path, ignore_errors=True)


def _packets(body_bytes: int) -> Iterator[bytes]:
    """Yield the frames of a connection with a counted, a chunked and an uncounted body."""
    talk = _Talk()
    yield talk.frame(CLIENT, SYN)
    yield talk.frame(SERVER, SYN | ACK)
    body = bytes(range(1, 256)) * (body_bytes // 255)
    request = b"GET /a?token=b HTTP/1.1\r\nHost: example.org\r\nCookie: c=d\r\n\r\n"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
    for response in (
        b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body),
        chunked,
        b"HTTP/1.1 200 OK\r\n\r\n" + body[:SEGMENT_BYTES],
    ):
        yield talk.frame(CLIENT, ACK, request)
        for at in range(0, len(response), SEGMENT_BYTES):
            yield talk.frame(SERVER, ACK, response[at : at + SEGMENT_BYTES])


class _Talk:
    """Two ends that count what they send."""

    def __init__(self) -> None:
        self._sent = {CLIENT: 1000, SERVER: 5000}

    def frame(self, sender: tuple[bytes, int], flags: int, payload: bytes = b"") -> bytes:
        """Return what ``sender`` says next: Ethernet, IPv4 and TCP without checksums."""
        receiver = SERVER if sender == CLIENT else CLIENT
        numbers = (self._sent[sender], self._sent[receiver])
        tcp = struct.pack(">HHIIBBHHH", sender[1], receiver[1], *numbers, 0x50, flags, 65535, 0, 0)
        self._sent[sender] += len(payload) + bool(flags & SYN)
        total = 20 + len(tcp) + len(payload)
        ip = struct.pack(">BBHHHBBH", 0x45, 0, total, 0, 0, 64, 6, 0) + sender[0] + receiver[0]
        return bytes(12) + b"\x08\x00" + ip + tcp + payload


def _pcap(packets: list[bytes]) -> bytes:
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    records = (
        struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet
        for number, packet in enumerate(packets)
    )
    return header + b"".join(records)


def _pcapng(packets: list[bytes]) -> bytes:
    section = _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = _block(1, struct.pack("<HHI", 1, 0, 65535))
    blocks = (
        _block(6, struct.pack("<IIIII", 0, 0, number, len(packet), len(packet)) + packet)
        for number, packet in enumerate(packets)
    )
    return section + interface + b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


if __name__ == "__main__":
    logging.basicConfig()
    try:
        main()
    except (EngineError, OSError) as error:
        # nothing is lost but time: kernels are compiled where they are first called
        log.warning("kernels were not compiled: %s", error)
