"""Command that measures subjects and peers on generated captures and checks what they wrote.

Usage: python -m benchmarks.measure [SUBJECT ...] [--size 400MB] [--connections 1000000]
           [--rounds 3] [--seed 1] [--seconds 480] [--json FILE] [--pictures DIR] [--dir DIR]

Without a size or a number of connections it measures the whole suite (see ``series``). The exit
code is 1 when a run failed or an output was not the expected one; a missed target is no failure.
This process must stay small (see ``run_measured``), so it generates and draws in others.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.captures import PROJECT, make_captures
from benchmarks.machine import describe_commit, describe_machine, describe_versions
from benchmarks.render import render
from benchmarks.results import Result
from benchmarks.runs import measure
from benchmarks.series import Series, chosen, suite, without_room
from benchmarks.sizes import parse_size_bytes
from benchmarks.subjects import SUBJECTS, absences, variants_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what ``arguments`` ask for, print the tables and return the exit code."""
    options = _parser().parse_args(arguments)
    subjects = options.subjects or list(SUBJECTS)
    if options.size is None and options.connections is None:
        plan = suite(subjects)
    else:
        plan = chosen(subjects, options.size, options.connections, options.rounds or 1)
    with _working_folder(options.dir) as folder:
        result = _measure(plan, folder, options)
    if options.json:
        result.write(options.json)
    print(render(result))
    if options.pictures:
        _draw(result, options.pictures)
    return 0 if all(run.passed for run in result.runs) else 1


def _measure(plan: Sequence[Series], folder: Path, options: argparse.Namespace) -> Result:
    started = time.monotonic()
    machine = describe_machine(folder)
    plan, left_out = without_room(plan, options.seed, shutil.disk_usage(folder).free)
    subjects = list(dict.fromkeys(subject for series in plan for subject in series.subjects))
    programs = dict.fromkeys(
        program for variant in variants_of(subjects) for program in variant.programs
    )
    print("making the captures", file=sys.stderr, flush=True)
    make_captures({r for series in plan for r in series.recipes(options.seed)}, folder)
    runs = list(
        measure(
            plan,
            folder,
            options.seed,
            time_remains=lambda: time.monotonic() - started < options.seconds,
        )
    )
    return Result(
        command=_command(options),
        commit=describe_commit(),
        machine=machine,
        versions=describe_versions(programs),
        seed=options.seed,
        seconds=round(time.monotonic() - started, 1),
        left_out=left_out + absences(subjects),
        runs=runs,
    )


def _command(options: argparse.Namespace) -> str:
    """Return the command again, with what decides over the figures and without any folder."""
    chosen_ones = {name: getattr(options, name) for name in ("size", "connections", "rounds")}
    words = ["python -m benchmarks.measure", *options.subjects]
    words += [f"--{name} {value}" for name, value in chosen_ones.items() if value is not None]
    return " ".join(words)


def _draw(result: Result, folder: Path) -> None:
    """Draw the pictures in a process of its own, as they need Matplotlib."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, "result.json")
        result.write(path)
        command = [sys.executable, "-m", "benchmarks.pictures", str(path), str(folder.resolve())]
        subprocess.run(command, cwd=PROJECT, check=True)


@contextmanager
def _working_folder(chosen_folder: Path | None) -> Iterator[Path]:
    """Yield the folder that was chosen, or a temporary one that is removed behind the measuring.

    It lies in the project: a system's own folder for such things may be in memory, and small.
    """
    if chosen_folder is not None:
        chosen_folder.mkdir(parents=True, exist_ok=True)
        yield chosen_folder.resolve()
        return
    parent = PROJECT / "var"
    parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=parent) as folder:
        yield Path(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.measure", description="Measure subjects on generated captures."
    )
    parser.add_argument(
        "subjects", nargs="*", type=_subject, metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}"
    )
    parser.add_argument(
        "--size", type=parse_size_bytes, help="web traffic: a quarter and the whole"
    )
    parser.add_argument("--connections", type=int, help="of one packet: a tenth, three tenths, all")
    parser.add_argument("--rounds", type=int, help="with --size or --connections (default 1)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--seconds", type=int, default=480, help="no further round begins later (default 480)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--pictures", type=Path, metavar="DIR")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="keeps the captures")
    return parser


def _subject(name: str) -> str:
    if name not in SUBJECTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(SUBJECTS)}")
    return name


if __name__ == "__main__":
    raise SystemExit(main())
