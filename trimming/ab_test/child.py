"""``python -m trimming.ab_test.child``: one task in a process of its own.

Reads one task as JSON from standard input and writes one answer as JSON to standard output.  It
starts no Django.  An answer holds counts, places and names of errors, never payload and no path.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

from config.faults import type_and_place
from trimming.ab_test.meter import Meter, forget_peak
from trimming.comparison_views import class_names
from trimming.engine.comparison import compare
from trimming.engine.errors import EngineError, InputError, OutputError, VerificationError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import TrimOptions, profile_from_mapping
from trimming.engine.pipeline import trim
from trimming.engine.report import Report
from trimming.engine.strategies.registry import Strategy, load_strategy
from trimming.engine.warm import compile_kernels, sample_captures
from trimming.engine.words import gettext_noop
from trimming.management.alone import INTERPRET_BELOW_BYTES

Task = Mapping[str, Any]
Answer = dict[str, Any]


def main() -> None:
    """Do the task, whatever comes of it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # who started this tells what it means
    # a strategy that prints must not garble the answer
    answer_to = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    answer = do(json.load(sys.stdin))
    with open(answer_to, "w", encoding="utf-8") as out:
        json.dump(answer, out)


def do(task: Task) -> Answer:
    """Return the answer to a task: its ``outcome``, a ``reason`` when it failed, and its facts."""
    try:
        return {"outcome": "succeeded", "reason": "", **TASKS[task["task"]](task)}
    except Exception as error:  # a strategy may fail in any way
        outcome = next(name for kind, name in ENDS if isinstance(error, kind))
        answer = {"outcome": outcome, "reason": _reason(error, task)}
        # it has a plan all the same, which can be compared
        return {**answer, "verified": False} if isinstance(error, VerificationError) else answer


# the first kind that fits an error says whose fault it is
ENDS: tuple[tuple[type[Exception], str], ...] = (
    (InputError, "refused_input"),
    (OutputError, "infrastructure"),
    (OSError, "infrastructure"),
    (Exception, "strategy_failure"),
)


def _reason(error: Exception, task: Task) -> str:
    match error:
        case InputError():
            unusable = gettext_noop("byte %(offset)s: expected %(expected)s, found %(found)s")
            place = {"expected": error.expected, "found": error.found}
            return unusable % {"offset": f"{error.offset:,}", **place}
        case EngineError():
            return _without_paths(" ".join(str(error).split()), task)
        case OSError():
            return error.strerror or type(error).__name__
        case _:
            # the text of an unforeseen error may quote payload
            return gettext_noop("%(kind)s at %(place)s") % type_and_place(error)


def _without_paths(text: str, task: Task) -> str:
    for key in ("source", "target"):
        if path := task.get(key):
            text = text.removeprefix(f"{path}: ").replace(path, f"the {key}")
            text = text.replace(str(Path(path).parent), f"the folder of the {key}")
    return text


def _warm(task: Task) -> Answer:
    compile_kernels()
    return {}


def _trim(task: Task) -> Answer:
    source, target, options = Path(task["source"]), Path(task["target"]), _options(task)
    load = _loader(task["strategy"], task)
    with suppress(Exception):  # what fails here fails again when it counts
        _load_all(source, target, load, options)
    gc.collect()
    forget_peak()
    meter = Meter()
    try:
        report = trim(source, target, load, options, clock=meter, peak_rss_bytes=lambda: 0)
        return {**_facts(report, meter), "output_sha256": _digest(target)}
    finally:
        target.unlink(missing_ok=True)


def _load_all(
    source: Path, target: Path, load: Callable[[], Strategy], options: TrimOptions
) -> None:
    """Trim a small capture of the same format, so that everything is imported and compiled."""
    with CaptureFile(source, options.limits) as capture:
        is_pcapng = capture.file_format.startswith("pcapng")
    sample = target.with_name("sample")
    sample.write_bytes(sample_captures()[is_pcapng])
    trim(sample, target, load, options, clock=time.perf_counter, peak_rss_bytes=lambda: 0)
    sample.unlink()


def _facts(report: Report, meter: Meter) -> Answer:
    tally = report.tally
    return {
        "verified": True,
        "version": report.strategy_version,
        "seconds": meter.seconds,
        "cpu_seconds": meter.cpu_seconds,
        "peak_memory_bytes": meter.peak_memory_bytes,
        "start_memory_bytes": meter.start_memory_bytes,
        "packets": tally.packets,
        "captured_bytes": tally.captured_bytes,
        "masked_bytes": tally.masked_bytes,
        "output_bytes": report.output_bytes,
        "bytes_by_class": {c.name.lower(): count for c, count in tally.bytes_by_class.items()},
    }


def _compare(task: Task) -> Answer:
    options = _options(task)
    loaders = (_loader(task["strategies"][0], task), _loader(task["strategies"][1], task))
    found = compare(
        Path(task["source"]),
        loaders,
        options,
        clock=time.perf_counter,
        folder=Path(task["folder"]),
        most=0,
        interpret_below_bytes=INTERPRET_BELOW_BYTES,
    )
    leaked, over_masked = found.masked_by_one(options)
    return {
        "equal": found.matched,
        "matched_bytes": found.matched_bytes,
        "mismatched_bytes": found.mismatched_bytes,
        "leaked_bytes": leaked,
        "over_masked_bytes": over_masked,
        "ranges": found.range_count,
        "checksums": found.checksum_count,
        "frame_checks": found.frame_check_count,
        "mismatched": [
            {"classes": list(class_names(pair)), "ranges": extent.ranges, "bytes": extent.bytes}
            for pair, extent in found.mismatched.items()
        ],
    }


TASKS: Mapping[str, Callable[[Task], Answer]] = {
    "warm": _warm,
    "trim": _trim,
    "compare": _compare,
}


def _options(task: Task) -> TrimOptions:
    return profile_from_mapping(task["profile"], "profile")


def _loader(name: str, task: Task) -> Callable[[], Strategy]:
    return lambda: load_strategy(name, task["extra"])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
