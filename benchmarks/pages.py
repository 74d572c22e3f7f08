"""How fast pages are painted, how much they move meanwhile, and what they weigh; pictures of all.

Usage: python -m benchmarks.pages [--pictures DIR [--sheets DIR]] [--docs DIR] [--only NAME ...]
[--quick] [--json FILE]

Serves two installations of its own, one busy and one bare, and visits every page in a browser with
an empty cache: light and dark, 390, 768 and 1440 px wide; with --quick two of these six.  Each page
was asked for once before.  --docs gets small pictures of a few, --sheets one sheet for each page
with all six.  The exit code is 1 when a page misses a target.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from benchmarks.machine import describe_commit

if TYPE_CHECKING:
    from tests.browser.walk.walking import Visit

PAINT_MS: Final = 1000.0
SHIFT: Final = 0.05
SIZE_BYTES: Final = 350_000
FIRST_BYTE_MS: Final = 200.0
QUICK: Final = ((1440, "light"), (390, "dark"))
HEADS: Final = ("page", "first byte, ms", "longest", "first paint, ms", "longest", "shift", "kB")


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--sheets", type=Path)
    parser.add_argument("--docs", type=Path)
    parser.add_argument("--only", nargs="+", default=())
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args(arguments)
    if asked.sheets and (asked.quick or not asked.pictures):
        parser.error("--sheets are made of all six --pictures, without --quick")
    for each in filter(None, (asked.pictures, asked.sheets, asked.docs)):
        each.mkdir(parents=True, exist_ok=True)
    looks = QUICK if asked.quick else None
    with tempfile.TemporaryDirectory() as folder:
        visits = walk(Path(folder), asked.pictures, asked.docs, asked.only, looks)
    if asked.sheets:
        write_sheets(asked.pictures, sorted({each.name for each in visits}), asked.sheets)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(each) for each in visits], indent=1))
    print(f"Commit {describe_commit()}\n\n{as_table(visits)}")
    wrong = misses(visits)
    print(*wrong, sep="\n", file=sys.stderr)
    return 1 if wrong else 0


def walk(
    folder: Path,
    pictures: Path | None,
    docs: Path | None,
    only: Iterable[str] = (),
    looks: Sequence[tuple[int, str]] | None = None,
) -> list[Visit]:
    """Visit every page, or those whose names begin as ``only`` says."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
    os.environ["PKTMASK_DATA_DIR"] = str(folder / "walker")
    import django

    django.setup()
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, FLAGS
    from tests.browser.walk.services import both
    from tests.browser.walk.walking import THEMES, WIDTHS, Walker

    starts = tuple(only)
    every = [(width, theme) for width in WIDTHS for theme in THEMES]
    with both(folder) as services, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        walker = Walker(browser, pictures, docs)
        for walked in services:
            walker.warm(walked)
        visits = [
            walker.visit(walked, name, shown, width, theme)
            for width, theme in looks or every
            for walked in services
            for name, shown in walked.pages().items()
            if not starts or name.startswith(starts)
        ]
        browser.close()
    return visits


def write_sheets(pictures: Path, names: Iterable[str], folder: Path) -> None:
    """Write the sheet of each page."""
    from tests.browser.walk.sheets import write_sheet

    for name in names:
        write_sheet(pictures, name, folder)


def as_table(visits: Iterable[Visit]) -> str:
    """Return one line for each page, of all its visits: medians, and the worst."""
    rows = ["| " + " | ".join(HEADS) + " |", "| --- |" + " ---: |" * (len(HEADS) - 1)]
    for name, found in _by_page(visits).items():
        first = [each.first_byte_ms for each in found]
        paint = [each.paint_ms or 0.0 for each in found]
        shift, size = max(each.shift for each in found), max(each.size_bytes for each in found)
        rows.append(
            f"| {name} | {median(first):.0f} | {max(first):.0f} | {median(paint):.0f} "
            f"| {max(paint):.0f} | {shift:.3f} | {size / 1000:.0f} |"
        )
    return "\n".join(rows)


def misses(visits: Iterable[Visit]) -> list[str]:
    """Return what missed a target, with what the browser says about it."""
    said = []
    for each in visits:
        place = f"{each.name} at {each.width} px, {each.theme}"
        if each.paint_ms is None or each.paint_ms >= PAINT_MS:
            said.append(f"{place}: first painted after {each.paint_ms} ms")
        if each.shift >= SHIFT:
            said.append(f"{place}: moved by {each.shift:.3f}: {'; '.join(each.shifts[:3])}")
        if each.first_byte_ms >= FIRST_BYTE_MS:
            said.append(f"{place}: first byte after {each.first_byte_ms:.0f} ms")
        if each.size_bytes >= SIZE_BYTES:
            said.append(f"{place}: {each.size_bytes:,} bytes")
        if each.sideways_px > 0:
            said.append(f"{place}: {each.sideways_px} px wider than the window")
        said += [f"{place}: {complaint}" for complaint in each.complaints]
    return said


def _by_page(visits: Iterable[Visit]) -> dict[str, list[Visit]]:
    found: dict[str, list[Visit]] = defaultdict(list)
    for each in visits:
        found[each.name].append(each)
    return found


if __name__ == "__main__":
    sys.exit(main())
