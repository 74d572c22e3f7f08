"""Command that prints a result as Markdown, or puts it into a page.

Usage: python -m benchmarks.render RESULT.json [--into docs/performance.md]

In the page it replaces what stands between the lines ``BEGIN`` and ``END``.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.figures import (
    Spread,
    growth,
    lines,
    of_variant,
    speed_ratio,
    spread,
    throughput,
)
from benchmarks.results import Result, Run
from benchmarks.series import SMALL
from benchmarks.targets import TARGETS

BEGIN = "<!-- figures: begin -->"
END = "<!-- figures: end -->"

Cells = Sequence[str]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result, or put it into the page, and return the exit code."""
    options = _parser().parse_args(arguments)
    text = render(Result.read(options.result))
    if options.into is None:
        print(text)
    else:
        page = options.into.read_text(encoding="utf-8")
        options.into.write_text(insert(page, text), encoding="utf-8")
    return 0


def insert(page: str, text: str) -> str:
    """Return the page with ``text`` between its two marks.

    Raises:
        ValueError: the page lacks the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected a line {BEGIN} and behind it a line {END}")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def render(result: Result) -> str:
    """Return the conditions and all tables that the result has figures for."""
    series = list(dict.fromkeys(run.series for run in result.runs))
    parts = [_conditions(result), _targets(result.runs)]
    parts += [_throughputs(result.runs, name) for name in series if name != SMALL]
    parts += [_steps(result.runs, name) for name in series]
    parts += [_whole_commands(result.runs, name) for name in series]
    return "\n\n".join(part for part in parts if part)


def _conditions(result: Result) -> str:
    machine = result.machine
    memory_bytes = machine["memory_bytes"]
    memory = f"{memory_bytes / 2**30:.0f} GiB" if isinstance(memory_bytes, int) else "unknown"
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    sentences = [
        f"`{result.command}`, commit `{result.commit}`, seed {result.seed},"
        f" {result.seconds / 60:.1f} min in all.",
        f"Machine: {machine['cores']} cores of {machine['cpu_model']}, {memory} of memory,"
        f" {machine['kernel']}, Python {machine['python']}, captures on {machine['filesystem']},"
        f" page cache warm, load {machine['load_before']} before.",
        f"Versions: {versions}.",
        *(f"Not measured: {sentence}." for sentence in result.left_out),
    ]
    judged = [run for run in result.runs if run.correct is not None]
    right = sum(run.passed for run in judged)
    sentences.append(
        f"`cmp` with the expected form found nothing in {right} of {len(judged)} runs."
    )
    return "\n".join(sentences)


def _targets(runs: Sequence[Run]) -> str:
    rows = []
    for target in TARGETS:
        value, verdict = target.judge(runs)
        figure = "" if value is None else f"{value:.3g} {target.unit}"
        limits = (f"{limit:g} {target.unit}" for limit in (target.must, target.aim))
        rows.append((target.name, *limits, figure, verdict))
    if all(row[-1] == "not measured" for row in rows):
        return ""
    return _section("Targets", "", ("what", "must reach", "aim", "measured", "verdict"), rows)


def _throughputs(runs: Sequence[Run], series: str) -> str:
    """Return the slopes of a series on web traffic of two sizes, with the ratios to its peers."""
    variants = [name for name in _variants(runs, series) if throughput(runs, series, name)]
    if not variants or any(run.dataset != "web" for run in runs if run.series == series):
        return ""
    compared = [name for name in variants if _is_peer(runs, name)]
    rows = []
    for variant in variants:
        slope = throughput(runs, series, variant)
        start = Spread.of(line.at_nothing for line in lines(runs, series, variant).values())
        cpu = Spread.of(
            line.slope_per_byte * 1e9
            for line in lines(runs, series, variant, "cpu_seconds").values()
        )
        ratios = (speed_ratio(runs, series, variant, peer) for peer in compared)
        rows.append(
            (
                variant,
                _ranged(slope, 1e-6, "MB/s", 1),
                _ranged(start, 1, "s", 2),
                _ranged(cpu, 1, "s", 2),
                *(f"{ratio.median:.3g}x" if ratio else "" for ratio in ratios),
            )
        )
    sizes = sorted({run.amount for run in runs if run.series == series})
    note = (
        f"Speed by the slope between {_size(sizes[0])} and {_size(sizes[-1])}; the start-up is what"
        " the line says for no input. Median of the rounds, with the range."
    )
    titles = ("variant", "speed", "start-up", "CPU per GB", *(f"against {p}" for p in compared))
    return _section(f"Throughput: {series}", note, titles, rows)


def _steps(runs: Sequence[Run], series: str) -> str:
    """Return what a further connection costs, for the series that grow in connections."""
    if any(run.dataset == "web" for run in runs if run.series == series):
        return ""
    rows = []
    for variant in _variants(runs, series):
        for fewer, more, seconds in growth(runs, series, variant):
            rows.append((variant, f"{fewer:,} to {more:,}", f"{seconds * 1e6:.2f} µs"))
    note = "Where time is linear in packets, every step costs the same."
    return _section(f"Time of a further packet: {series}", note, ("variant", "step", "each"), rows)


def _whole_commands(runs: Sequence[Run], series: str) -> str:
    rows = []
    for variant in _variants(runs, series):
        for amount in dict.fromkeys(run.amount for run in runs if run.series == series):
            asked = [
                run
                for run in runs
                if (run.series, run.variant, run.amount) == (series, variant, amount)
            ]
            if asked:
                rows.append(_whole_command(asked, of_variant(asked, series, variant)))
    titles = ("variant", "input", "rounds", "wall", "CPU", "speed", "peak memory", "output")
    return _section(f"Whole commands: {series}", "", titles, rows)


def _whole_command(asked: Sequence[Run], passed: Sequence[Run]) -> Cells:
    first = asked[0]
    size = _size(first.input_bytes)
    if first.dataset != "web":
        size = f"{first.amount:,} connections, {size}"
    wall, cpu = spread(passed, "wall_seconds"), spread(passed, "cpu_seconds")
    peak = spread(passed, "peak_rss_bytes")
    return (
        first.variant,
        size,
        str(len(asked)),
        _ranged(wall, 1, "s", 2),
        f"{cpu.median:.2f} s" if cpu else "",
        f"{first.input_bytes / wall.median / 1e6:.2f} MB/s" if wall else "",
        f"{peak.highest / 2**20:.1f} MiB" if peak else "",
        _outcome(asked),
    )


def _outcome(runs: Sequence[Run]) -> str:
    """Return the worst outcome of some runs of one variant."""
    for run in runs:
        if run.exit_code != 0:
            return f"failed, exit code {run.exit_code}"
        if run.correct is False:
            offset = run.first_difference_offset
            return "missing" if offset is None else f"differs at offset {offset}"
    return "not compared" if runs[0].correct is None else "as expected"


def _variants(runs: Iterable[Run], series: str) -> list[str]:
    return list(dict.fromkeys(run.variant for run in runs if run.series == series))


def _is_peer(runs: Iterable[Run], variant: str) -> bool:
    return all(run.correct is None for run in runs if run.variant == variant)


def _ranged(found: Spread | None, scale: float, unit: str, digits: int) -> str:
    if found is None:
        return ""
    middle, low, high = (
        f"{value * scale:.{digits}f}" for value in (found.median, found.lowest, found.highest)
    )
    return f"{middle} {unit}" if low == high else f"{middle} ({low}-{high}) {unit}"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.4g} MB" if size_bytes >= 10**5 else f"{size_bytes / 1e3:.3g} kB"


def _section(title: str, note: str, titles: Cells, rows: Sequence[Cells]) -> str:
    """Return a heading and a table with its columns aligned, nothing when there are no rows."""
    if not rows:
        return ""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    grid = [titles, ["-" * width for width in widths], *rows]
    table = [
        "| " + " | ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)) + " |"
        for row in grid
    ]
    return "\n\n".join(part for part in (f"### {title}", note, "\n".join(table)) if part)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.render", description="Print a result as Markdown."
    )
    parser.add_argument("result", type=Path, metavar="RESULT.json")
    parser.add_argument("--into", type=Path, metavar="PAGE.md", help="replaces its figures")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
