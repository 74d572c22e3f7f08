"""``manage.py compare INPUT``: where two strategies differ about one capture."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand

from trimming.comparison_views import class_names, comparison_as_dict, count_rows, headline
from trimming.engine.options import PROFILES
from trimming.engine.strategies.registry import Strategy, available, load_strategy
from trimming.management.console import progress_bar, told_in_one_line
from trimming.profile_files import load_profile

if TYPE_CHECKING:  # who only asks for help must not pay for NumPy
    from trimming.engine.byte_classes import Pair
    from trimming.engine.comparison import Comparison

EXIT_DIFFERENT = 1
STAGE_NAMES = {"first": "first strategy", "second": "second strategy", "compare": "comparing"}


class Command(BaseCommand):
    """Plans one capture with two strategies and shows where the plans differ."""

    help = "Compare two strategies on a capture: exit 0 when their plans are equal, 1 when not."
    requires_system_checks: list[str] = []  # nothing to check without a database
    interpret_below_bytes = 0  # alone.run_alone knows better

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("input", type=Path, help="pcap or pcapng, plain, .gz or .zst")
        parser.add_argument(
            "--strategies",
            nargs=2,
            default=["legacy", "scanning"],
            metavar=("FIRST", "SECOND"),
            help=f"two of: {', '.join(sorted(available()))}; by default legacy and scanning",
        )
        parser.add_argument(
            "--profile",
            default="standard",
            metavar="NAME|FILE.yaml",
            help=f"built in are: {', '.join(sorted(PROFILES))}",
        )
        parser.add_argument("--json", action="store_true", help="print the comparison as an object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, print, and exit with 0 (equal), 1 (different), 2 (bad input) or 130."""
        with told_in_one_line():
            found = self._compare(options)
        if options["json"]:
            self.stdout.write(json.dumps(comparison_as_dict(found)))
        else:
            self._show(found)
        if not found.matched:
            sys.exit(EXIT_DIFFERENT)

    def _compare(self, options: dict[str, Any]) -> Comparison:
        from trimming.engine.comparison import compare

        first, second = options["strategies"]
        profile = load_profile(options["profile"])
        with progress_bar(STAGE_NAMES, quiet=options["json"]) as progress:
            return compare(
                options["input"],
                (_loader(first), _loader(second)),
                profile,
                clock=time.perf_counter,
                progress=progress,
                interpret_below_bytes=self.interpret_below_bytes,
            )

    def _show(self, found: Comparison) -> None:
        from rich.console import Console

        console = Console(file=self.stdout, highlight=False, soft_wrap=True)  # type: ignore[arg-type]  # Django's wrapper writes text
        names = [side.strategy for side in found.sides]
        console.print(headline(found))
        tables = (
            (["packet", "byte", "length", *names], _range_rows(found), found.range_count),
            (
                ["packet", "checksum at", "kind", *names],
                _checksum_rows(found),
                found.checksum_count,
            ),
            (
                ["packet", "frame check over", *names],
                _frame_check_rows(found),
                found.frame_check_count,
            ),
            (["ranges", "bytes", *names], _summary_rows(found), len(found.mismatched)),
            (["counted", *names, ""], count_rows(found), 0),
        )
        for titles, rows, count in tables:
            _print_table(console, titles, list(rows), count)
        if found.left_out_bytes:
            console.print(f"the last {found.left_out_bytes:,} bytes are no whole record")


def _loader(name: str) -> Callable[[], Strategy]:
    return lambda: load_strategy(name, settings.TRIMMING_STRATEGIES)


def _print_table(console: Any, titles: list[str], rows: list[tuple[str, ...]], count: int) -> None:
    from rich.table import Table
    from rich.text import Text

    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print()
    console.print(table)
    if count > len(rows):
        console.print(f"and {count - len(rows):,} more")


def _range_rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    for each in found.ranges:
        place = (f"{each.packet:,}", f"{each.offset:,}", f"{each.length:,}")
        yield (*place, *_shown(each.classes))


def _checksum_rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    for each in found.checksums:
        grows = (f"+0x{growth:04x}" if growth else "kept" for growth in each.growths)
        yield (f"{each.packet:,}", f"{each.offset:,}", each.kind.name.lower(), *grows)


def _frame_check_rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    for each in found.frame_checks:
        known = ("known" if known else "-" for known in each.known)
        yield (f"{each.packet:,}", f"{each.start:,} to {each.end:,}", *known)


def _summary_rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    for pair, extent in found.mismatched.items():
        yield (f"{extent.ranges:,}", f"{extent.bytes:,}", *_shown(pair))


def _shown(pair: Pair) -> Iterator[str]:
    return (name or "-" for name in class_names(pair))
