"""The smallest part of a seed's capture in which two strategies still differ.

As a command: ``python -m tests.trimming.engine.strategies.differential.minimal SEED``
(``--raw`` for a seed of raw_files).  It prints the packets that are left without their payload;
``--write FILE`` keeps them as a capture.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.trimming.engine.strategies.differential.captures import Container, Sent
from tests.trimming.engine.strategies.differential.difference import (
    NAMES,
    differences_in,
    window_bytes_of,
)
from tests.trimming.engine.strategies.differential.profiles import options_of
from tests.trimming.engine.strategies.differential.raw_files import raw_file
from tests.trimming.engine.strategies.differential.traffic import case
from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.options import PROFILES, Limits, TrimOptions
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.layers import LayerWalk, Segment

PLAIN = Container("pcap", "<", False, False, None, False)
FLAGS = "FSRPAUEC"
MS = 1_000_000
LATEST_NS = 1 << 62

Tried = Callable[[Sequence[Sent], Container, TrimOptions], list[str]]


@dataclass(frozen=True)
class Minimal:
    """What is left: packets of the seed by number (from 1), the file around them, the options."""

    packets: tuple[tuple[int, Sent], ...]
    container: Container
    options: TrimOptions
    differences: tuple[str, ...]

    def file(self) -> bytes:
        """Return the packets as a capture file."""
        return self.container.file([sent for _, sent in self.packets])


def kind_of(difference: str) -> str:
    """Return what a difference is about, without where and how much."""
    for word in ("raised", "in two spans", "checksum grows", "frame checks"):
        if word in difference:
            return word
    return "span" if difference.startswith("packet ") else difference.partition(": ")[0]


def minimise(
    seed: int, names: Sequence[str] = NAMES, options: TrimOptions | None = None
) -> Minimal:
    """Leave out of a seed's case whatever the first of its differences does not need."""
    whole, options = case(seed), options or options_of(seed)

    def tried(packets: Sequence[Sent], container: Container, options: TrimOptions) -> list[str]:
        return differences_in(container.file(packets), options, names, window_bytes_of(seed))

    found = tried(whole.packets, whole.container, options)
    if not found:
        return Minimal((), whole.container, options, ())
    return reduced(list(enumerate(whole.packets, 1)), whole.container, options, tried, found)


def minimise_raw(seed: int, names: Sequence[str] = NAMES) -> Minimal:
    """As ``minimise``, for the packets that can be read of a raw file."""
    options, packets = options_of(seed), _readable(raw_file(seed))
    plain = replace(PLAIN, kind="enhanced")

    def tried(packets: Sequence[Sent], container: Container, options: TrimOptions) -> list[str]:
        return differences_in(container.file(packets), options, names)

    found = tried(packets, plain, options)
    if not found:
        return Minimal((), plain, options, ())
    return reduced(list(enumerate(packets, 1)), plain, options, tried, found)


def _readable(data: bytes) -> list[Sent]:
    found: list[Sent] = []
    with NamedTemporaryFile() as file, suppress(InputError):
        file.write(data)
        file.flush()
        with CaptureFile(Path(file.name)) as capture:
            for packet in capture.packets():
                time_ns = min(packet.timestamp_ns or 0, LATEST_NS)
                found.append(Sent(packet.data, packet.original_len, packet.link_type, time_ns))
    return found


def reduced(
    packets: list[tuple[int, Sent]],
    container: Container,
    options: TrimOptions,
    tried: Tried,
    found: list[str],
) -> Minimal:
    """Leave out packets, then what is special about the file and the options."""
    kind = kind_of(found[0])

    def still(packets: list[tuple[int, Sent]], container: Container, options: TrimOptions) -> bool:
        left = tried([sent for _, sent in packets], container, options)
        return any(kind_of(difference) == kind for difference in left)

    packets = fewest(packets, lambda some: still(some, container, options))
    if len({sent.link_type for _, sent in packets}) == 1 and still(packets, PLAIN, options):
        container = PLAIN
    for simpler in _simpler_options(options):
        if still(packets, container, simpler):
            options = simpler
            break
    for usual in _with_one_limit_less(options):
        limits = replace(options.limits, **usual)
        if still(packets, container, replace(options, limits=limits)):
            options = replace(options, limits=limits)
    packets = fewest(packets, lambda some: still(some, container, options))
    left = tried([sent for _, sent in packets], container, options)
    return Minimal(tuple(packets), container, options, tuple(left))


def _simpler_options(options: TrimOptions) -> Iterator[TrimOptions]:
    yield PROFILES["standard"]
    yield replace(PROFILES["standard"], limits=options.limits)


def _with_one_limit_less(options: TrimOptions) -> Iterator[dict[str, int]]:
    usual = Limits()
    for name in Limits.__slots__:
        value: int = getattr(usual, name)
        if getattr(options.limits, name) != value:
            yield {name: value}


def fewest(
    packets: list[tuple[int, Sent]], still: Callable[[list[tuple[int, Sent]]], bool]
) -> list[tuple[int, Sent]]:
    """Drop runs of packets, ever shorter ones, as long as ``still`` holds of the rest."""
    length = max(1, len(packets) // 2)
    while True:
        at, dropped = 0, False
        while at < len(packets) and len(packets) > 1:
            rest = packets[:at] + packets[at + length :]
            if rest and still(rest):
                packets, dropped = rest, True
            else:
                at += length
        if length == 1 and not dropped:
            return packets
        length = max(1, length // 2)


# --- what is printed ---------------------------------------------------------------------------


def described(minimal: Minimal) -> Iterator[str]:
    """Yield a line for each packet and segment: places, lengths and flags, no payload."""
    walk = LayerWalk(minimal.options, Tally())
    first: dict[object, int] = {}
    before_ns: int | None = None
    for position, (number, sent) in enumerate(minimal.packets, 1):
        pause_ms = 0 if before_ns is None else (sent.timestamp_ns - before_ns) // MS
        before_ns = sent.timestamp_ns
        yield (
            f"packet {position} ({number} of the seed): link type {sent.link_type}, "
            f"{len(sent.data)} of {sent.original_len} bytes, {pause_ms} ms later"
        )
        packet = Packet(
            position, 0, sent.data, sent.original_len, sent.link_type, sent.timestamp_ns, None
        )
        for found in walk.packet(packet):
            yield f"    {_segment(found, first) if isinstance(found, Segment) else found.what}"
    for found in walk.flush():
        left = _segment(found, first) if isinstance(found, Segment) else found.what
        yield f"at the end: {left}"


def _segment(segment: Segment, first: dict[object, int]) -> str:
    way = (segment.source, segment.destination)
    start = first.setdefault(way, segment.sequence)
    places = [(piece.packet, piece.offset) for piece in segment.view.pieces]
    flags = "".join(name for bit, name in enumerate(FLAGS) if segment.flags >> bit & 1)
    ends = " > ".join(f"{address!s}:{port}" for address, port in way)
    length = segment.end - segment.start
    return (
        f"{ends} {flags or '-'} sequence {segment.sequence} ({segment.sequence - start:+d}), "
        f"{length} bytes of {segment.wire_len} at {segment.start}"
        f"{f', pieces at {places}' if len(places) > 1 else ''}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the smallest case of a seed; return 1 when there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--raw", action="store_true", help="the seed is that of a raw file")
    parser.add_argument("--write", type=Path, help="where to keep the capture")
    parser.add_argument("--strategies", nargs=2, default=NAMES, metavar=("FIRST", "SECOND"))
    chosen = parser.parse_args(arguments)
    search = minimise_raw if chosen.raw else minimise
    minimal = search(chosen.seed, tuple(chosen.strategies))
    if not minimal.differences:
        sys.stdout.write(f"seed {chosen.seed}: no difference\n")
        return 0
    if chosen.write is not None:
        chosen.write.write_bytes(minimal.file())
    lines = [f"seed {chosen.seed}: {minimal.options}", *described(minimal), *minimal.differences]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
