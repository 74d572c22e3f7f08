"""Pictures of a result as SVG, drawn from its numbers only.

Colours are those of the console.  They are variables, so that one picture serves light and dark:
a picture on its own brings their values along, a page that holds pictures has them already.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from trimming.ab_test.draw import ROLES
from trimming.ab_test.shown import speed_ratio, times
from trimming.quantities import size

Result = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]

# each variable is drawn in a colour of its own and found again by it
DRAWN: Final[Mapping[str, str]] = {
    "--ink": "#0f141b",
    "--ink-3": "#5a6472",
    "--line": "#dde1e8",
    "--surface": "#fefefe",
    "--control": "#9c5226",
    "--treatment": "#0a7083",
    "--ok": "#14683a",
    "--ok-soft": "#e4f4ea",
    "--fail": "#b0161e",
    "--fail-soft": "#fde8e6",
}
COLOURS: Final = """:root {
  color-scheme: light dark;
  --ink: light-dark(#0f141b, #e9edf3);
  --ink-2: light-dark(#414a58, #b4bdca);
  --ink-3: light-dark(#5a6472, #8f99a9);
  --line: light-dark(#dde1e8, #262d37);
  --canvas: light-dark(#f4f5f7, #0c0f13);
  --surface: light-dark(#ffffff, #13171d);
  --control: light-dark(#9c5226, #e0a078);
  --treatment: light-dark(#0a7083, #3ec6d6);
  --ok: light-dark(#14683a, #62d190);
  --ok-soft: light-dark(#e4f4ea, #10291c);
  --warn: light-dark(#8a5700, #f2c14f);
  --unknown: light-dark(#555f6e, #a3adbc);
  --fail: light-dark(#b0161e, #ff8a82);
  --fail-soft: light-dark(#fde8e6, #37171a);
}"""
ARMS = {"legacy": ("--control", "s"), "scanning": ("--treatment", "o")}
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": DRAWN["--ink-3"],
    "axes.labelcolor": DRAWN["--ink-3"],
    "axes.facecolor": "none",
    "text.color": DRAWN["--ink"],
    "xtick.color": DRAWN["--ink-3"],
    "ytick.color": DRAWN["--ink-3"],
    "grid.color": DRAWN["--line"],
    "grid.linewidth": 0.6,
}
INCHES: Final = (5.2, 3.0)
FACE: Final = "font-family: system-ui, sans-serif"
NO_DATA: Final = "Nothing was measured."
# Matplotlib's settings belong to the process
_lock = Lock()


def draw(name: str, result: Result, *, alone: bool) -> str:
    """Return the picture ``name`` of PICTURES as an SVG element.

    ``alone``: the picture is a file of its own and brings its colours along; its heading stands
    where it is shown.
    """
    with _lock, mpl.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=INCHES, layout="constrained", facecolor="none")
        axes = figure.subplots()
        title, paint = PICTURES[name]
        paint(axes, result)
        if not alone:
            axes.set_title(title, loc="left")
        out = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    return _themed(out.getvalue(), name, alone=alone)


def _themed(drawn: str, name: str, *, alone: bool) -> str:
    """Return the SVG element of a document: colours are variables, ids are its own."""
    svg = drawn[drawn.index("<svg") :]
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    for variable, colour in DRAWN.items():
        svg = svg.replace(colour, f"var({variable})")
    svg = re.sub(r"font-family: [^;\"]*", FACE, svg)
    head, rest = svg.split(">", 1)
    style = f"<style>{COLOURS}</style>" if alone else ""
    return f'{head} role="img" aria-label="{PICTURES[name][0]}">{style}{rest}'


def _speed(axes: Axes, result: Result) -> None:
    rows = [row for row in result["captures"] if speed_ratio(row)]
    if not rows:
        _say_nothing(axes)
        return
    ratio = result["summary"]["speed_ratio"]
    if ratio["low"] is not None:
        axes.axhspan(ratio["low"], ratio["high"], color=DRAWN["--treatment"], alpha=0.15, lw=0)
    axes.axhline(ratio["median"], color=DRAWN["--treatment"], lw=1.2)
    axes.annotate(
        f" median {times(ratio['median'])}",
        (1, ratio["median"]),
        xycoords=("axes fraction", "data"),
        xytext=(0, 3),
        textcoords="offset points",
        ha="right",
        color=DRAWN["--treatment"],
    )
    axes.axhline(1, color=DRAWN["--ink-3"], lw=0.8, ls="--")
    axes.scatter(_sizes(rows), [speed_ratio(row) for row in rows], s=18, c=DRAWN["--treatment"])  # type: ignore[arg-type]  # rows without one are left out
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    _over_size(axes, lambda value, _: times(value))


def _memory(axes: Axes, result: Result) -> None:
    largest = 0
    for role in ROLES:
        rows = [row for row in result["captures"] if row[role]["peak_memory_bytes"]]
        colour, marker = ARMS[role]
        if rows:
            peaks = [row[role]["peak_memory_bytes"] for row in rows]
            largest = max(largest, *peaks)
            axes.scatter(_sizes(rows), peaks, s=18, c=DRAWN[colour], marker=marker, label=role)
    if not largest:
        _say_nothing(axes)
        return
    axes.set_ylim(0, 1.2 * largest)
    _over_size(axes, lambda value, _: size(value))
    axes.legend(frameon=False, ncols=2, loc="lower right")


def _agreement(axes: Axes, result: Result) -> None:
    pairs = {tuple(each["classes"]): each["bytes"] for each in result["summary"]["classes"]}
    if not pairs:
        _say_nothing(axes)
        return
    names = sorted({name for pair in pairs for name in pair}, key=lambda name: name or "~")
    for row, first in enumerate(names):
        for column, second in enumerate(names):
            count = pairs.get((first, second), 0)
            tone = "ok" if first == second else "fail"
            colour = DRAWN[f"--{tone}-soft"] if count else "none"
            cell = (column - 0.48, row - 0.46)
            axes.add_patch(mpl.patches.Rectangle(cell, 0.96, 0.92, color=colour, lw=0))
            shown = size(count) if count else "·"
            ink = DRAWN[f"--{tone}"] if count else DRAWN["--ink-3"]
            axes.text(column, row, shown, ha="center", va="center", color=ink, fontsize=8)
    labels = [name.replace("_", " ") if name else "no class" for name in names]
    axes.set_xticks(np.arange(len(names)), labels)
    axes.set_yticks(np.arange(len(names)), labels)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("scanning takes it for")
    axes.set_ylabel("legacy takes it for")


# name to what it shows and who draws it
PICTURES: Final[Mapping[str, tuple[str, Callable[[Axes, Result], None]]]] = {
    "agreement": ("Bytes by what each strategy takes them for", _agreement),
    "speed": ("Speed of each capture, scanning to legacy", _speed),
    "memory": ("Peak memory of both strategies", _memory),
}


def _sizes(rows: Rows) -> list[int]:
    return [max(1, row["size_bytes"]) for row in rows]


def _over_size(axes: Axes, shown: Callable[[float, int], str]) -> None:
    axes.set_xscale("log")
    for axis, formatted in ((axes.xaxis, lambda value, _: size(value)), (axes.yaxis, shown)):
        axis.set_major_formatter(FuncFormatter(formatted))
        axis.set_minor_formatter(NullFormatter())
    axes.grid(True)
    axes.set_axisbelow(True)
    axes.set_xlabel("size of the capture")


def _say_nothing(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, NO_DATA, ha="center", va="center", transform=axes.transAxes)
