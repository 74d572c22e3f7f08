"""Words within pictures: dates on their axis, and names in letters that can be drawn.

Matplotlib brings no Chinese letters.  A font of the machine is taken by its path: the list of fonts
that Matplotlib keeps lacks what was installed later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from django.utils.translation import pgettext

from config.languages.told import told

# where packages of Debian (fonts-wqy-microhei, fonts-noto-cjk), Fedora and Alpine put them
FONTS: Final = (
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    Path("/usr/share/fonts/google-noto-sans-cjk-vf-fonts/NotoSansCJK-VF.ttc"),
    Path("/usr/share/fonts/noto/NotoSansCJK-Regular.ttc"),
)


def drawable(texts: Sequence[str], fonts: Iterable[Path] = FONTS) -> tuple[list[str], Path | None]:
    """Return texts in the language that is active now, and the font that draws them.

    None is Matplotlib's own; where there is none for the language, texts stay in English.
    """
    stored, said = list(texts), [told(each) for each in texts]
    if said == stored:
        return stored, None
    font = next((path for path in fonts if path.is_file()), None)
    return (stored, None) if font is None else (said, font)


def set_clock(axes: Any, zone: Any, most: int | None = None) -> None:
    """Give an axis of time at most so many dates, by the clock of a zone."""
    from matplotlib import dates

    month = pgettext("on the axis of a chart", "%b")
    day = pgettext("on the axis of a chart", "%b-%d")
    # Matplotlib leaves these two without types
    locator = dates.AutoDateLocator(minticks=3, maxticks=most, tz=zone)  # type: ignore[no-untyped-call]
    form = dates.ConciseDateFormatter(  # type: ignore[no-untyped-call]
        locator,
        tz=zone,
        formats=["%Y", month, "%d", "%H:%M", "%H:%M", "%S.%f"],
        zero_formats=["", "%Y", month, day, "%H:%M", "%H:%M"],
        show_offset=False,
    )
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(form)
