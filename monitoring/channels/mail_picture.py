"""The picture of a mail: the metric of an alert, drawn small in the colours of the console.

Matplotlib is imported when a picture is drawn.  Time and memory are bounded by the number of
points and the size of the picture.
"""

from __future__ import annotations

import io
import math
from datetime import UTC, datetime
from typing import Any, Final

from monitoring.alerts.message import Picture
from monitoring.channels.picture_words import set_clock

# as static/css/tokens.css has them in the light
SURFACE: Final = "#ffffff"
INK: Final = "#414a58"
LINE: Final = "#dde1e8"
VALUES: Final = "#3346c4"
LIMIT: Final = "#b0161e"
WIDTH_INCHES: Final = 5.6
HEIGHT_INCHES: Final = 1.8
# twice what is shown, for sharp screens
DOTS_PER_INCH: Final = 200
MAX_POINTS: Final = 400
# what is larger cannot be drawn to scale
MAX_VALUE: Final = 1e15

Point = tuple[datetime, float]


def drawable(points: tuple[Point, ...]) -> list[Point]:
    """Return points that can be drawn, in order of time, thinned so that every peak stays."""
    kept = [(at, value) for at, value in points if math.isfinite(value) and _small(value)]
    kept.sort(key=lambda point: point[0])
    if len(kept) <= MAX_POINTS:
        return kept
    width = math.ceil(len(kept) / (MAX_POINTS // 2))
    thinned: list[Point] = []
    for start in range(0, len(kept), width):
        part = kept[start : start + width]
        extremes = {min(part, key=_value), max(part, key=_value)}
        thinned += sorted(extremes, key=lambda point: point[0])
    return thinned


def png(picture: Picture) -> bytes | None:
    """Return the picture as PNG; None where there is nothing to draw."""
    points = drawable(picture.points)
    if len(points) < 2:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    # without pyplot nothing is shared between threads and nothing stays in memory
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, facecolor=SURFACE)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.1, 0.16, 0.87, 0.78), facecolor=SURFACE)
    times: list[Any] = [at.astimezone(UTC) for at, _value in points]
    axes.plot(times, [value for _at, value in points], color=VALUES, linewidth=1.4)
    if picture.limit is not None and math.isfinite(picture.limit) and _small(picture.limit):
        axes.axhline(picture.limit, color=LIMIT, linewidth=1.1, linestyle=(0, (5, 3)))
    set_clock(axes, UTC)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8.5, length=0)
    axes.margins(x=0, y=0.12)
    for spine in axes.spines.values():
        spine.set_color(LINE)
    written = io.BytesIO()
    figure.savefig(written, format="png", facecolor=SURFACE)
    return written.getvalue()


def _small(value: float) -> bool:
    return abs(value) <= MAX_VALUE


def _value(point: Point) -> float:
    return point[1]
