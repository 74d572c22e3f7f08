"""Command that draws a result: cost against size, and against the number of connections.

Usage: python -m benchmarks.pictures RESULT.json FOLDER

Cost is wall time, CPU time and peak memory of the whole command, the median of all runs.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.figures import Quantity
from benchmarks.results import Result, Run

SIZE_PICTURE = "cost-against-size.svg"
CONNECTIONS_PICTURE = "cost-against-connections.svg"

_PANELS: tuple[tuple[Quantity, float, str], ...] = (
    ("wall_seconds", 1, "wall time, s"),
    ("cpu_seconds", 1, "CPU time, s"),
    ("peak_rss_bytes", 2**20, "peak memory, MiB"),
)
# Okabe and Ito's colours, told apart by colour-blind people too; peers are grey
_COLOURS = {"scanning": "#0072B2", "legacy": "#D55E00"}
_GREY = "#767676"
_MARKERS = "osv^D*PX<>"
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "svg.fonttype": "none",
    # the same result gives the same file
    "svg.hashsalt": "benchmarks",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw what the arguments name and return the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    result_path, folder = Path(arguments[0]), Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    draw(Result.read(result_path).runs, folder)
    return 0


def draw(runs: Sequence[Run], folder: Path) -> None:
    """Draw each picture that there are runs for."""
    with mpl.rc_context(_STYLE):
        _draw(
            [run for run in runs if run.dataset == "web" and run.passed],
            lambda run: run.input_bytes / 1e6,
            "capture, MB",
            folder / SIZE_PICTURE,
        )
        _draw(
            [run for run in runs if run.dataset == "single-packet" and run.passed],
            lambda run: run.amount,
            "connections of one packet each",
            folder / CONNECTIONS_PICTURE,
        )


def _draw(
    runs: Sequence[Run], amount_of: Callable[[Run], float], amount_label: str, path: Path
) -> None:
    if not runs:
        return
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, len(_PANELS)))
    variants = list(dict.fromkeys(run.variant for run in runs))
    for panel, (quantity, unit, label) in zip(panels, _PANELS, strict=True):
        for position, variant in enumerate(variants):
            points = _points([run for run in runs if run.variant == variant], amount_of, quantity)
            subject = variant.split()[0]
            panel.plot(
                [amount for amount, _ in points],
                [value / unit for _, value in points],
                label=variant,
                color=_COLOURS.get(subject, _GREY),
                linestyle="-" if variant == subject else "--",
                marker=_MARKERS[position % len(_MARKERS)],
                markersize=4,
                linewidth=1.2,
            )
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter("{x:,g}")
        panel.xaxis.set_minor_formatter("")
        if quantity == "peak_rss_bytes":
            panel.set_ylim(bottom=0)
        else:
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter("{x:g}")
            panel.yaxis.set_minor_formatter("")
        panel.set_xlabel(amount_label)
        panel.set_title(label, loc="left", fontsize=9)
        panel.grid(True, color="#e0e0e0", linewidth=0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.savefig(path, metadata={"Date": None})


def _points(
    runs: Sequence[Run], amount_of: Callable[[Run], float], quantity: Quantity
) -> list[tuple[float, float]]:
    """Return (amount, median of the quantity), ascending."""
    amounts = sorted({amount_of(run) for run in runs})
    return [
        (amount, median(getattr(run, quantity) for run in runs if amount_of(run) == amount))
        for amount in amounts
    ]


if __name__ == "__main__":
    raise SystemExit(main())
