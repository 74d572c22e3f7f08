"""Command that measures a subject on generated captures and checks what it wrote.

Usage: python -m benchmarks.measure legacy [--size 50MB] [--seed 1] [--json FILE] [--dir DIR]

It runs every variant on a quarter of the size and on the whole, so that the growth of the peak
memory shows. The exit code is 1 when a run failed or an output was not the expected one.
This process must stay small (see ``run_measured``), so it generates in another.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine
from benchmarks.processes import run_measured
from benchmarks.sizes import parse_size_bytes
from benchmarks.subjects import SUBJECTS, Variant

_PROJECT = Path(__file__).resolve().parents[1]
_COMPARED_BYTES = 2**20
_REPORT_KEYS = ("duration_ms", "throughput_bytes_per_s", "peak_rss_bytes")


@dataclass(frozen=True, slots=True)
class Run:
    """One variant on one capture; ``correct`` is None when its output was not to be compared."""

    variant: str
    command: str
    input_bytes: int
    exit_code: int
    correct: bool | None
    first_difference_offset: int | None
    wall_seconds: float
    cpu_seconds: float
    throughput_bytes_per_s: float
    peak_rss_bytes: int
    report: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether the command succeeded and wrote nothing wrong."""
        return self.exit_code == 0 and self.correct is not False


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what ``arguments`` ask for, print a table and return the exit code."""
    options = _parser().parse_args(arguments)
    sizes_bytes = (options.size // 4, options.size)
    with _working_folder(options.dir) as folder:
        runs = measure(SUBJECTS[options.subject], folder, sizes_bytes, options.seed)
    result = {
        "subject": options.subject,
        "machine": describe_machine(),
        "data": {"dataset": "web", "seed": options.seed, "sizes_bytes": sizes_bytes},
        "runs": [asdict(run) for run in runs],
    }
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(table(options.subject, runs))
    return 0 if all(run.passed for run in runs) else 1


def measure(
    variants: Sequence[Variant], folder: Path, sizes_bytes: Sequence[int], seed: int
) -> list[Run]:
    """Run every variant on a capture of every size, made in ``folder``, and return the runs."""
    runs = []
    for size_bytes in sizes_bytes:
        capture = folder / f"web-{seed}-{size_bytes}.pcap"
        expected = capture.with_suffix(".expected.pcap")
        _generate(capture, expected, size_bytes, seed)
        runs += [measure_variant(variant, capture, expected) for variant in variants]
    return runs


def measure_variant(variant: Variant, capture: Path, expected: Path) -> Run:
    """Run one variant once, compare its output, and remove it."""
    output = capture.with_suffix(".output.pcap")
    output.unlink(missing_ok=True)
    usage = run_measured(variant.arguments(capture, output), _PROJECT)
    offset = first_difference(output, expected) if variant.masks and output.exists() else None
    input_bytes = capture.stat().st_size
    run = Run(
        variant=variant.label,
        command=" ".join(variant.command),
        input_bytes=input_bytes,
        exit_code=usage.exit_code,
        correct=(output.exists() and offset is None) if variant.masks else None,
        first_difference_offset=offset,
        wall_seconds=round(usage.wall_seconds, 3),
        cpu_seconds=round(usage.cpu_seconds, 3),
        throughput_bytes_per_s=round(input_bytes / usage.wall_seconds),
        peak_rss_bytes=usage.peak_rss_bytes,
        report=_report(usage.output),
    )
    output.unlink(missing_ok=True)
    return run


def first_difference(one: Path, other: Path) -> int | None:
    """Return the offset of the first byte that differs as cmp(1) does, None when there is none."""
    offset = 0
    with one.open("rb") as one_file, other.open("rb") as other_file:
        while True:
            left, right = one_file.read(_COMPARED_BYTES), other_file.read(_COMPARED_BYTES)
            if left != right:
                same = zip(left, right, strict=False)
                shorter = min(len(left), len(right))
                return offset + next((i for i, (a, b) in enumerate(same) if a != b), shorter)
            if not left:
                return None
            offset += len(left)


def table(subject: str, runs: Sequence[Run]) -> str:
    """Return the runs as text for a person, and the growth of the peak memory with the size."""
    lines = [f"{subject:<14}{'input':>10}{'wall':>9}{'CPU':>9}{'speed':>13}{'peak':>11}  output"]
    for run in runs:
        lines.append(
            f"{run.variant:<14}{run.input_bytes / 1e6:>7.1f} MB{run.wall_seconds:>7.2f} s"
            f"{run.cpu_seconds:>7.2f} s{run.throughput_bytes_per_s / 1e6:>8.2f} MB/s"
            f"{run.peak_rss_bytes / 2**20:>7.1f} MiB  {_outcome(run)}"
        )
    for label in dict.fromkeys(run.variant for run in runs):
        for small, large in pairwise(run for run in runs if run.variant == label):
            grown_bytes = large.peak_rss_bytes - small.peak_rss_bytes
            more_bytes = large.input_bytes - small.input_bytes
            lines.append(
                f"{label}: {grown_bytes / 2**20:+.1f} MiB of peak memory"
                f" for {more_bytes / 1e6:+.1f} MB of input"
            )
    return "\n".join(lines)


def _outcome(run: Run) -> str:
    if run.exit_code != 0:
        return f"failed, exit code {run.exit_code}"
    if run.correct is None:
        return "not compared"
    if run.correct:
        return "as expected"
    if run.first_difference_offset is None:
        return "missing"
    return f"differs at offset {run.first_difference_offset}"


def _report(output: str) -> dict[str, Any]:
    """Return what the command reported of itself, empty when its output is not a JSON object."""
    try:
        report = json.loads(output)
    except ValueError:
        return {}
    if not isinstance(report, dict):
        return {}
    return {key: report[key] for key in _REPORT_KEYS if key in report}


@contextmanager
def _working_folder(chosen: Path | None) -> Iterator[Path]:
    """Yield the folder that was chosen, or a temporary one that is removed behind the measuring."""
    if chosen is not None:
        chosen.mkdir(parents=True, exist_ok=True)
        yield chosen.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="pktmask-benchmark-") as folder:
        yield Path(folder)


def _generate(capture: Path, expected: Path, size_bytes: int, seed: int) -> None:
    command = [sys.executable, "-m", "benchmarks.generator", str(capture)]
    command += ["--expected", str(expected), "--size", str(size_bytes), "--seed", str(seed)]
    subprocess.run(command, cwd=_PROJECT, check=True, stdout=subprocess.DEVNULL)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.measure", description="Measure a subject on generated captures."
    )
    parser.add_argument("subject", choices=sorted(SUBJECTS))
    parser.add_argument("--size", type=parse_size_bytes, default="50MB")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="keeps the captures")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
