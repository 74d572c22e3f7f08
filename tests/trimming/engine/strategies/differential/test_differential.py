"""Both strategies say the same of every capture."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.trimming.engine.strategies.differential.difference import (
    MOST_SHOWN,
    NAMES,
    differences_in,
    differing,
    window_bytes_of,
)
from tests.trimming.engine.strategies.differential.large import KINDS, large_capture
from tests.trimming.engine.strategies.differential.profiles import options_of
from trimming.engine.options import PROFILES

SHORT_CASES, SHORT_PARTS = 1500, 3
LONG_CASES, LONG_PARTS = 100_000, 20
SHORT_FILES = 60
LONG_SECONDS = 600
# seeds; those of crowds of 600
SHORT_LARGE = (2, 7)
LONG_LARGE = 60
MOST_SEEDS = 5
# compiling with bounds checks comes on top
GRACE_SECONDS = 600
MODULE = "tests.trimming.engine.strategies.differential.raw_files"
ROOT = Path(__file__).parents[5]


def differences_of_part(part: int, parts: int, cases: int) -> str:
    """Return what the first differing seeds of a part say, "" where there are none."""
    size = cases // parts
    found = islice(differing(range(part * size, (part + 1) * size)), MOST_SEEDS)
    return "\n".join(f"seed {seed}: {line}" for seed, lines in found for line in lines[:MOST_SHOWN])


# the first part reaches what the others do, so it alone is traced
@pytest.mark.parametrize(
    "part",
    [0, *(pytest.param(part, marks=pytest.mark.no_cover) for part in range(1, SHORT_PARTS))],
)
def test_both_strategies_say_the_same(part: int) -> None:
    assert not differences_of_part(part, SHORT_PARTS, SHORT_CASES)


@pytest.mark.long
@pytest.mark.parametrize("part", range(LONG_PARTS))
def test_both_strategies_say_the_same_of_a_hundred_thousand_captures(part: int) -> None:
    assert not differences_of_part(part, LONG_PARTS, LONG_CASES)


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", KINDS)
def test_both_strategies_say_the_same_of_large_captures(kind: str) -> None:
    for seed, options in zip(
        SHORT_LARGE, (PROFILES["standard"], PROFILES["share_safe"]), strict=True
    ):
        assert not differences_in(large_capture(kind, seed), options)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_both_strategies_say_the_same_of_many_large_captures(kind: str) -> None:
    for seed in range(LONG_LARGE):
        window_bytes = window_bytes_of(seed)
        assert not differences_in(
            large_capture(kind, seed), options_of(seed), NAMES, window_bytes
        ), seed


def run_on_raw_files(
    folder: Path, *arguments: str, seconds: float, are_compiled: bool = True
) -> str:
    """Run both strategies on raw files in a process that checks bounds; return what is wrong."""
    from trimming.engine.kernel import CACHE_VARIABLE, cache_root

    current = folder / "current"
    # Numba's cache does not tell kernels with checks from those without
    checked = {"NUMBA_BOUNDSCHECK": "1", CACHE_VARIABLE: str(cache_root() / "checked")}
    # to compile once more takes minutes, so a few files are read by kernels as they are written
    interpreted = {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", MODULE, "--current", str(current), *arguments],
        cwd=ROOT,
        env={**os.environ, **(checked if are_compiled else interpreted)},
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_SECONDS,
        check=False,
    )
    if done.returncode == 0:
        return ""
    return f"exit {done.returncode} at seed {current.read_text()}\n{done.stdout}{done.stderr}"


@pytest.mark.slow
def test_raw_files_lead_to_the_same_and_to_no_access_out_of_range(tmp_path: Path) -> None:
    assert not run_on_raw_files(
        tmp_path, "--count", str(SHORT_FILES), seconds=LONG_SECONDS, are_compiled=False
    )


@pytest.mark.long
def test_raw_files_of_ten_minutes_lead_to_the_same(tmp_path: Path) -> None:
    seconds = str(LONG_SECONDS)
    wrong = run_on_raw_files(
        tmp_path, "--from", str(SHORT_FILES), "--seconds", seconds, seconds=LONG_SECONDS
    )
    assert not wrong
