"""Files that may be anything: whatever they hold, both strategies must come to an end and agree.

As a command, for a process of its own that Numba is told to check bounds in:
``NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=… python -m tests.….raw_files --from 0 --count 300``.
A seed that takes too long ends the process with a traceback.
"""

from __future__ import annotations

import argparse
import faulthandler
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count, islice
from pathlib import Path

from tests.captures import pcap_header
from tests.trimming.engine.rough_captures import rough_capture
from tests.trimming.engine.strategies.differential.captures import Container, Sent
from tests.trimming.engine.strategies.differential.difference import (
    MOST_SHOWN,
    NAMES,
    differences_in,
    window_bytes_of,
)
from tests.trimming.engine.strategies.differential.profiles import options_of
from tests.trimming.engine.strategies.differential.traffic import case, traffic
from tests.trimming.engine.strategies.scanning.slow.odd_packets import odd_packets

# the longest that one file of a few kilobytes may take
SEED_SECONDS = 120
WARM_SEEDS = 20
LARGEST_SEED = 1 << 30
# bytes that mean something somewhere: versions, flags, lengths, protocols
TELLING = bytes.fromhex("00010203040506080a0b0d101112202b2c2f3132333a3c40414546476081888999ff")
MAGICS = (
    b"\xa1\xb2\xc3\xd4",
    b"\xd4\xc3\xb2\xa1",
    b"\x4d\x3c\xb2\xa1",
    b"\x34\xcd\xb2\xa1",
    b"\x0a\x0d\x0d\x0a",
    b"\x1f\x8b\x08\x00",
    b"\x28\xb5\x2f\xfd",
)


def _noise(rng: random.Random) -> bytes:
    magic = rng.choice((*MAGICS, b""))
    return magic + rng.randbytes(rng.choice((0, 1, 20, 24, 28, 100, 1000)))


def _noise_as_packets(rng: random.Random) -> bytes:
    """A sound header, then records of rubbish with lengths that may be right."""
    link_type = rng.choice((0, 1, 1, 1, 101, 105, 113, 127, 276, rng.randrange(300)))
    pieces = [pcap_header(link_type=link_type)]
    for _ in range(rng.randrange(1, 12)):
        data = bytes(rng.choice(TELLING) for _ in range(rng.choice((0, 10, 40, 80, 300))))
        if rng.random() < 0.3:
            data = rng.randbytes(len(data))
        stated = len(data) + (rng.randrange(-9, 9) if rng.random() < 0.1 else 0)
        head = (rng.getrandbits(32), rng.getrandbits(32), max(0, stated), rng.choice((0, stated)))
        pieces += [b"".join(max(0, n).to_bytes(4, "little") for n in head), data]
    return b"".join(pieces)


def _damaged_file(rng: random.Random) -> bytes:
    broken = bytearray(traffic(rng.randrange(LARGEST_SEED)))
    for _ in range(rng.choice((1, 3, 10, 100))):
        at = rng.randrange(len(broken))
        broken[at] = rng.choice((rng.choice(TELLING), rng.randrange(256)))
    return bytes(broken)


def _cut_file(rng: random.Random) -> bytes:
    data = traffic(rng.randrange(LARGEST_SEED))
    return data[: rng.randrange(len(data) + 1)]


def _spliced_files(rng: random.Random) -> bytes:
    one, other = (traffic(rng.randrange(LARGEST_SEED)) for _ in range(2))
    return one[: rng.randrange(len(one) + 1)] + other[rng.randrange(len(other) + 1) :]


def _damaged_packets(rng: random.Random) -> bytes:
    """A sound file whose packets are broken, most of all in their headers."""
    whole = case(rng.randrange(LARGEST_SEED))
    return whole.container.file([_damaged(rng, sent) for sent in whole.packets])


def _damaged(rng: random.Random, sent: Sent) -> Sent:
    broken = bytearray(sent.data)
    if not broken or rng.random() < 0.5:
        return sent
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(min(len(broken), rng.choice((20, 60, 120, 1 << 16))))
        broken[at] = rng.choice(TELLING)
    if rng.random() < 0.2:
        del broken[rng.randrange(len(broken)) :]
    return Sent(bytes(broken), sent.original_len, sent.link_type, sent.timestamp_ns)


def _odd_packets(rng: random.Random) -> bytes:
    packets = odd_packets(rng.randrange(LARGEST_SEED))
    sent = [Sent(p.data, p.original_len, p.link_type, 10**18) for p in packets]
    return Container("enhanced", "<", False, False, rng.choice((None, 0, 4)), True).file(sent)


def _rough(rng: random.Random) -> bytes:
    return rough_capture(rng.randrange(LARGEST_SEED))


KINDS: tuple[Callable[[random.Random], bytes], ...] = (
    _noise,
    _noise_as_packets,
    _damaged_file,
    _cut_file,
    _spliced_files,
    _damaged_packets,
    _damaged_packets,
    _odd_packets,
    _rough,
)


def raw_file(seed: int) -> bytes:
    """Return the bytes of a file that may or may not be a capture."""
    rng = random.Random(f"raw file {seed}")
    return rng.choice(KINDS)(rng)


def differing_files(
    seeds: Iterator[int], names: Sequence[str], *, current: Path | None = None
) -> Iterator[tuple[int, list[str]]]:
    """Yield each seed with what differs; ``current`` tells a parent which one is at work."""
    for seed in seeds:
        if current is not None:
            current.write_text(str(seed))
        faulthandler.dump_traceback_later(SEED_SECONDS, exit=True)
        try:
            found = differences_in(raw_file(seed), options_of(seed), names, window_bytes_of(seed))
        finally:
            faulthandler.cancel_dump_traceback_later()
        if found:
            yield seed, found


def warm(names: Sequence[str]) -> None:
    """Compile what there is to compile, which takes longer than any file may."""
    for seed in range(WARM_SEEDS):
        differences_in(traffic(seed), options_of(seed), names)


def until(deadline: float, seeds: Iterator[int], clock: Callable[[], float]) -> Iterator[int]:
    """Yield seeds as long as ``clock`` (seconds) is before the deadline."""
    for seed in seeds:
        if clock() >= deadline:
            return
        yield seed


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the differing seeds and how many were tried; return 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--count", type=int, default=LARGEST_SEED)
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--most", type=int, default=10, help="stop behind so many seeds")
    parser.add_argument("--current", type=Path, help="a file that holds the seed at work")
    parser.add_argument("--strategies", nargs=2, default=NAMES, metavar=("FIRST", "SECOND"))
    chosen = parser.parse_args(arguments)
    warm(chosen.strategies)
    tried = count()
    seeds = until(
        time.monotonic() + chosen.seconds,
        (chosen.first + next(tried) for _ in range(chosen.count)),
        time.monotonic,
    )
    found = differing_files(seeds, tuple(chosen.strategies), current=chosen.current)
    differing = list(islice(found, chosen.most))
    for seed, lines in differing:
        sys.stdout.write(f"seed {seed} ({options_of(seed).name})\n")
        sys.stdout.writelines(f"  {line}\n" for line in lines[:MOST_SHOWN])
    sys.stdout.write(f"{len(differing)} of {next(tried)} files differ\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
