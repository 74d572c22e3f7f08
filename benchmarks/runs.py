"""Running: one variant once, a round of a series, and the rounds of all series in turn."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.captures import PROJECT, Recipe, warm
from benchmarks.outputs import first_difference
from benchmarks.processes import run_measured
from benchmarks.results import Run
from benchmarks.series import Series
from benchmarks.subjects import Variant, variants_of

_REPORT_KEYS = ("duration_ms", "throughput_bytes_per_s", "peak_rss_bytes")


def measure(
    plan: Sequence[Series], folder: Path, seed: int, time_remains: Callable[[], bool]
) -> Iterator[Run]:
    """Yield the runs of the series on their captures in ``folder``.

    Every series gets one round, and further ones while ``time_remains`` says so.
    """
    for series in plan:
        _say(f"{series.name}: warming up")
        _warm_up(series, folder, seed)
    for round_number in range(max((series.rounds for series in plan), default=0)):
        for series in plan:
            if round_number >= series.rounds or (round_number > 0 and not time_remains()):
                continue
            _say(f"{series.name}: round {round_number + 1} of {series.rounds}")
            yield from measure_round(series, round_number, folder, seed)


def measure_round(series: Series, round_number: int, folder: Path, seed: int) -> Iterator[Run]:
    """Yield one run of every variant on every capture of the series."""
    for recipe in series.recipes(seed):
        for variant in variants_of(series.subjects):
            yield measure_variant(variant, series.name, round_number, recipe, folder)


def measure_variant(
    variant: Variant, series_name: str, round_number: int, recipe: Recipe, folder: Path
) -> Run:
    """Run one variant once on a warm capture, compare its output, and remove it."""
    capture, output = recipe.capture(folder), recipe.output(folder)
    output.unlink(missing_ok=True)
    warm([capture])
    usage = run_measured(variant.arguments(capture, output), PROJECT)
    expected = recipe.expected(folder)
    offset = first_difference(output, expected) if variant.masks and output.exists() else None
    correct = (output.exists() and offset is None) if variant.masks else None
    # a file that is gone is not written back while the next one is measured
    output.unlink(missing_ok=True)
    return Run(
        series=series_name,
        round_number=round_number,
        variant=variant.label,
        dataset=recipe.dataset,
        amount=recipe.amount,
        command=" ".join(variant.command),
        input_bytes=capture.stat().st_size,
        exit_code=usage.exit_code,
        correct=correct,
        first_difference_offset=offset,
        wall_seconds=round(usage.wall_seconds, 4),
        cpu_seconds=round(usage.cpu_seconds, 4),
        peak_rss_bytes=usage.peak_rss_bytes,
        report=_report(usage.output),
    )


def _warm_up(series: Series, folder: Path, seed: int) -> None:
    """Run every variant once uncounted: programs come into the page cache, kernels get compiled."""
    recipe = series.recipes(seed)[0]
    for variant in variants_of(series.subjects):
        output = recipe.output(folder)
        run_measured(variant.arguments(recipe.capture(folder), output), PROJECT)
        output.unlink(missing_ok=True)


def _report(output: str) -> dict[str, Any]:
    """Return what the command reported of itself, empty when its output is not a JSON object."""
    try:
        report = json.loads(output)
    except ValueError:
        return {}
    if not isinstance(report, dict):
        return {}
    return {key: report[key] for key in _REPORT_KEYS if key in report}


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)
