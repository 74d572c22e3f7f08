"""One sheet for each page: its window in every width, light above dark, small enough to be kept."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

from tests.browser.walk.walking import HEIGHTS, THEMES, WIDTHS, picture

SCALE: Final = 4
GAP: Final = 8
GROUND: Final = (128, 128, 128)
QUALITY: Final = 55


def write_sheet(pictures: Path, name: str, folder: Path) -> None:
    """Write the sheet of a page from the pictures that were taken of it."""
    columns = {width: (width // SCALE, HEIGHTS[width] // SCALE) for width in reversed(WIDTHS)}
    row = max(height for _, height in columns.values()) + GAP
    size = (sum(width + GAP for width, _ in columns.values()) + GAP, row * len(THEMES) + GAP)
    sheet = Image.new("RGB", size, GROUND)
    for number, theme in enumerate(THEMES):
        left = GAP
        for width, small in columns.items():
            with Image.open(picture(pictures, name, width, theme)) as taken:
                window = taken.convert("RGB").crop((0, 0, width, HEIGHTS[width]))
            sheet.paste(window.resize(small, Image.Resampling.LANCZOS), (left, GAP + number * row))
            left += small[0] + GAP
    sheet.save(folder / f"{name}.webp", quality=QUALITY, method=6)
