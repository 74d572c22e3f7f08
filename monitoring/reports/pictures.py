"""The charts of a report as pictures, for mails and files, in the colours of the console.

Matplotlib is imported when a picture is drawn.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from monitoring.channels.mail_picture import INK, LINE, SURFACE
from monitoring.channels.picture_words import drawable, set_clock

# as static/css/tokens.css has them in the light; of one role lines differ by dashes
STYLES: Final[Mapping[str, tuple[str, Any]]] = {
    "control": ("#9c5226", "solid"),
    "treatment": ("#0a7083", (0, (5, 1.5))),
    "process-1": ("#0f141b", "solid"),
    "process-2": ("#0f141b", (0, (5, 2))),
    "process-3": ("#0f141b", (0, (1, 1.5))),
}
PLAIN: Final = ("#0f141b", "solid")
WIDTH_INCHES: Final = 5.6
HEIGHT_INCHES: Final = 2.0
# twice what is shown, for sharp screens
DOTS_PER_INCH: Final = 200


def png(figure: Mapping[str, Any], zone: ZoneInfo) -> bytes | None:
    """Return a figure as PNG, by the clock of a zone; None where there is nothing to draw.

    Steps without a value are gaps.
    """
    lines = [each for each in figure["lines"] if any(v is not None for v in each["values"])]
    if not lines:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties
    from matplotlib.ticker import MaxNLocator

    # without pyplot nothing is shared between threads and nothing stays in memory
    drawn = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DOTS_PER_INCH, facecolor=SURFACE)
    FigureCanvasAgg(drawn)
    axes = drawn.add_axes((0.1, 0.14, 0.87, 0.7), facecolor=SURFACE)
    begin = datetime.fromisoformat(figure["start"])
    # a step is drawn at its middle
    times: list[Any] = [
        (begin + timedelta(seconds=(number + 0.5) * figure["step"])).astimezone(zone)
        for number in range(figure["size"])
    ]
    names, font = drawable([line["name"] for line in lines])
    letters = FontProperties(fname=font, size=8.5)
    for name, line in zip(names, lines, strict=True):
        colour, dashes = STYLES.get(line["role"], PLAIN)
        values = [math.nan if value is None else value for value in line["values"]]
        axes.plot(
            times,
            values,
            color=colour,
            linestyle=dashes,
            linewidth=1.4,
            # a value between two gaps would not be seen as a line
            marker="." if len(values) < 100 else None,
            markersize=2.5,
            label=name,
        )
    set_clock(axes, zone, most=8)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    axes.tick_params(colors=INK, labelsize=8.5, length=0)
    axes.margins(x=0.01)
    for spine in axes.spines.values():
        spine.set_color(LINE)
    if figure["unit"]:
        axes.set_title(figure["unit"], loc="left", fontsize=8.5, color=INK)
    if len(lines) > 1:
        axes.legend(
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
            ncols=len(lines),
            frameon=False,
            prop=letters,
            labelcolor=INK,
            borderaxespad=0.1,
        )
    written = io.BytesIO()
    drawn.savefig(written, format="png", facecolor=SURFACE)
    return written.getvalue()
