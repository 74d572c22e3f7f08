"""What two strategies do not say alike of one capture.

As a command: ``python -m tests.trimming.engine.strategies.differential.difference 17 4711`` or
``… --from 0 --count 1000 --jobs 2``; each differing seed is printed with what differs.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

from tests.trimming.engine.strategies.differential.profiles import options_of
from tests.trimming.engine.strategies.differential.traffic import traffic
from trimming.engine.byte_classes import ByteClass
from trimming.engine.errors import InputError
from trimming.engine.formats import batches
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import TrimOptions
from trimming.engine.plan import MaskPlan, PacketPlan, Span
from trimming.engine.report import Tally
from trimming.engine.strategies.registry import Strategy, load_strategy

NAMES = ("legacy", "scanning")
COUNTS = (
    "connections",
    "streams",
    "http_streams",
    "requests",
    "responses",
    "gaps",
    "retransmitted_segments",
    "out_of_order_segments",
)
COUNTERS = ("left_bytes", "unknown_link_types", "limits_met")
MOST_SHOWN = 12
MOST_LETTERS = 160
# of a small window; one of a few bytes holds fewer anyway
FEW_PACKETS = 5
WINDOWS_BYTES = (batches.WINDOW_BYTES, 64, 300, batches.WINDOW_BYTES, 2000, batches.WINDOW_BYTES)

# (packet, offset, kind) to growth
Growths = dict[tuple[int, int, str], int]


@dataclass
class Answer:
    """What one strategy says of a capture, in a form in which equal answers are equal."""

    spans: dict[int, list[Span]] = field(default_factory=dict)
    growths: Growths = field(default_factory=dict)
    frame_checks: dict[int, set[tuple[int, int]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    refusal: str = ""
    faults: list[str] = field(default_factory=list)


@cache
def _strategy(name: str) -> Strategy:
    """Load a strategy by its name, or by a path ("package.module:Class")."""
    return load_strategy(name, {name: name} if ":" in name else None)


def window_bytes_of(seed: int) -> int:
    """Return how much of the capture is read at a time: mostly all of it, often very little."""
    return WINDOWS_BYTES[seed % len(WINDOWS_BYTES)]


@contextmanager
def windows_of(window_bytes: int) -> Iterator[None]:
    """Let captures be read in windows of another length: what is kept must cross their ends."""
    small = partial(batches.read_batches, window_bytes=window_bytes)
    most = FEW_PACKETS if window_bytes < batches.WINDOW_BYTES else batches.MAX_PACKETS
    with patch.object(batches, "read_batches", small), patch.object(batches, "MAX_PACKETS", most):
        yield


def answer(path: Path, options: TrimOptions, name: str) -> Answer:
    """Plan a capture file with a strategy; what the strategy raises is a fault."""
    found, tally = Answer(), Tally()
    with CaptureFile(path, options.limits) as capture, MaskPlan(options) as plan:
        try:
            _strategy(name).plan(capture, plan, tally, None)
        except InputError as error:
            found.refusal = str(error)
            return found
        except Exception as error:  # any of them is what a fuzz test looks for
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            first = str(error).partition("\n")[0][:MOST_LETTERS]
            found.faults.append(f"raised {type(error).__name__} at {where}: {first}")
            return found
        for packet in plan.packets():
            _add(found, packet, options)
    _count(found, tally)
    return found


def _add(found: Answer, packet: PacketPlan, options: TrimOptions) -> None:
    number = packet.number
    spans = _joined(found, number, packet.spans)
    if spans:
        found.spans[number] = spans
    changed = any(True for _ in packet.fills(options))
    growths: Growths = defaultdict(int)
    for change in packet.changes:
        growths[number, change.offset, change.kind.name] += change.delta
    for key, growth in growths.items():
        if growth % 0xFFFF:
            found.growths[key] = growth % 0xFFFF
            changed = True
    if changed and packet.frame_checks:
        found.frame_checks[number] = {(c.start, c.end) for c in packet.frame_checks}


def _joined(found: Answer, number: int, spans: Iterable[Span]) -> list[Span]:
    joined: list[Span] = []
    for span in spans:
        if span.start >= span.end:
            continue
        last = joined[-1] if joined else None
        if last and span.start < last.end:
            found.faults.append(f"packet {number}: a byte is in two spans at {span.start}")
        if last and last.end == span.start and last.byte_class is span.byte_class:
            joined[-1] = Span(last.start, span.end, span.byte_class)
        else:
            joined.append(span)
    return joined


def _count(found: Answer, tally: Tally) -> None:
    for name in COUNTS:
        found.counts[name] = getattr(tally, name)
    for name in COUNTERS:
        counter: Counter[str] = getattr(tally, name)
        for what, count in counter.items():
            if count:
                found.counts[f"{name}: {what}"] = count


def differences_of(first: Answer, second: Answer, names: Sequence[str] = NAMES) -> list[str]:
    """Return what differs between two answers, and the faults of each."""
    both = zip(names, (first, second), strict=True)
    found = [f"{name}: {fault}" for name, one in both for fault in one.faults]
    if first.refusal != second.refusal:
        found.append(f"refused: {first.refusal!r} / {second.refusal!r}")
    if found:
        return found
    for number in sorted({*first.spans, *second.spans}):
        found += _span_differences(
            number, first.spans.get(number, []), second.spans.get(number, [])
        )
    for key in sorted({*first.growths, *second.growths}):
        a, b = first.growths.get(key, 0), second.growths.get(key, 0)
        if a != b:
            packet, offset, kind = key
            found.append(f"packet {packet}, byte {offset}: {kind} checksum grows {a} / {b}")
    for number in sorted({*first.frame_checks, *second.frame_checks}):
        checks = [a.frame_checks.get(number, set()) for a in (first, second)]
        if checks[0] != checks[1]:
            found.append(f"packet {number}: frame checks {checks[0]} / {checks[1]}")
    for name in sorted({*first.counts, *second.counts}):
        a, b = first.counts.get(name, 0), second.counts.get(name, 0)
        if a != b:
            found.append(f"{name}: {a} / {b}")
    return found


def _span_differences(number: int, first: list[Span], second: list[Span]) -> Iterator[str]:
    bounds = sorted({at for span in (*first, *second) for at in (span.start, span.end)})
    for start, end in itertools.pairwise(bounds):
        a, b = _class_at(first, start), _class_at(second, start)
        if a != b:
            yield f"packet {number}, bytes {start} to {end}: {a} / {b}"


def _class_at(spans: list[Span], at: int) -> str:
    classes = (span.byte_class for span in spans if span.start <= at < span.end)
    byte_class: ByteClass | None = next(classes, None)
    return "none" if byte_class is None else byte_class.name


def differences_in(
    data: bytes,
    options: TrimOptions,
    names: Sequence[str] = NAMES,
    window_bytes: int = batches.WINDOW_BYTES,
) -> list[str]:
    """Return what two strategies do not say alike of the capture file ``data``."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file, windows_of(window_bytes):
        file.write(data)
        file.flush()
        answers = [answer(Path(file.name), options, name) for name in names]
    return differences_of(answers[0], answers[1], names)


def differences(
    seed: int, options: TrimOptions | None = None, names: Sequence[str] = NAMES
) -> list[str]:
    """Return what two strategies do not say alike of a seed's capture, under its options."""
    chosen = options or options_of(seed)
    return differences_in(traffic(seed), chosen, names, window_bytes_of(seed))


def differing(
    seeds: Iterable[int], names: Sequence[str] = NAMES
) -> Iterator[tuple[int, list[str]]]:
    """Yield each seed with differences, and those."""
    for seed in seeds:
        found = differences(seed, None, names)
        if found:
            yield seed, found


def _one(work: tuple[int, tuple[str, ...]]) -> tuple[int, list[str]]:
    seed, names = work
    return seed, differences(seed, None, names)


def _all(
    seeds: Sequence[int], names: tuple[str, ...], jobs: int
) -> Iterator[tuple[int, list[str]]]:
    if jobs == 1:
        yield from differing(seeds, names)
        return
    with get_context("spawn").Pool(jobs) as pool:
        work = [(seed, names) for seed in seeds]
        for seed, found in pool.imap_unordered(_one, work, chunksize=20):
            if found:
                yield seed, found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the differing seeds; return 1 when there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--from", dest="first", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--strategies", nargs=2, default=NAMES, metavar=("FIRST", "SECOND"))
    parser.add_argument("--most", type=int, default=20, help="stop behind so many seeds")
    chosen = parser.parse_args(arguments)
    seeds = [*chosen.seeds, *range(chosen.first, chosen.first + chosen.count)]
    count = 0
    for seed, found in _all(seeds, tuple(chosen.strategies), chosen.jobs):
        count += 1
        _show(f"seed {seed} ({options_of(seed).name})")
        for line in found[:MOST_SHOWN]:
            _show(f"  {line}")
        if len(found) > MOST_SHOWN:
            _show(f"  and {len(found) - MOST_SHOWN} more")
        if count >= chosen.most:
            break
    _show(f"{count} of {len(seeds)} seeds differ")
    return 1 if count else 0


def _show(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
