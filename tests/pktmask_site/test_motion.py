"""Who asks for less motion gets none: all of it goes by two lengths that are nothing then."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).resolve().parents[2] / "static"
MOVING: Final = re.compile(r"^\s*(?:transition|animation)(?:-duration)?:\s*(.+?);", re.M | re.S)
LENGTH: Final = re.compile(r"\d*\.?\d+m?s\b")


def test_whatever_moves_goes_by_the_lengths_that_less_motion_takes_away() -> None:
    sheets = {path.name: path.read_text() for path in sorted((STATIC / "css").glob("*.css"))}
    moving = [(name, found) for name, sheet in sheets.items() for found in MOVING.findall(sheet)]
    assert moving
    assert [each for each in moving if LENGTH.search(each[1]) or "var(--" not in each[1]] == []
    less = sheets["tokens.css"].split("prefers-reduced-motion: reduce")[1].split("}")[0]
    assert re.findall(r"--(\w+): 0\.01ms", less) == ["quick", "settle"]
    assert not any("scroll-behavior: smooth" in sheet for sheet in sheets.values())


def test_no_script_scrolls_softly_or_animates() -> None:
    scripts = [path for path in STATIC.rglob("*.js") if "vendor" not in path.parts]
    assert scripts
    soft = re.compile(r'behavior: "smooth"|\.animate\(')
    assert [path.name for path in scripts if soft.search(path.read_text())] == []
