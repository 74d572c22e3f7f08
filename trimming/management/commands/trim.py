"""``manage.py trim INPUT OUTPUT``: trim one capture, without a database and without a server."""

from __future__ import annotations

import json
import resource
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand

from trimming.engine.options import PROFILES
from trimming.engine.strategies.registry import available, load_strategy
from trimming.management.console import progress_bar, told_in_one_line
from trimming.profile_files import load_profile
from trimming.report_views import report_as_dict, rows

if TYPE_CHECKING:  # who only asks for help must not pay for NumPy
    from trimming.engine.report import Report

STAGE_NAMES = {"read": "reading", "write": "writing", "verify": "verifying"}


class Command(BaseCommand):
    """Overwrites HTTP message bodies in a capture with zeros and keeps everything else."""

    help = "Trim a capture: keep packets, headers, lengths and times; zero HTTP message bodies."
    requires_system_checks: list[str] = []  # nothing to check without a database
    interpret_below_bytes = 0  # alone.run_alone knows better

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("input", type=Path, help="pcap or pcapng, plain, .gz or .zst")
        parser.add_argument("output", type=Path, help="a name in .gz or .zst is compressed")
        parser.add_argument(
            "--strategy", default="legacy", help=f"one of: {', '.join(sorted(available()))}"
        )
        parser.add_argument(
            "--profile",
            default="standard",
            metavar="NAME|FILE.yaml",
            help=f"built in are: {', '.join(sorted(PROFILES))}",
        )
        parser.add_argument("--no-verify", action="store_true", help="do not read the output back")
        parser.add_argument("--json", action="store_true", help="print the report as one object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Trim, print the report, and exit with 0, 2 (bad input or usage) or 130 (interrupted)."""
        with told_in_one_line():
            report = self._trim(options)
        if options["json"]:
            self.stdout.write(json.dumps(report_as_dict(report)))
        else:
            self._show(report)

    def _trim(self, options: dict[str, Any]) -> Report:
        from trimming.engine.pipeline import trim

        profile = load_profile(options["profile"])
        with progress_bar(STAGE_NAMES, quiet=options["json"]) as progress:
            return trim(
                options["input"],
                options["output"],
                lambda: load_strategy(options["strategy"], settings.TRIMMING_STRATEGIES),
                profile,
                clock=time.perf_counter,
                peak_rss_bytes=_peak_rss_bytes,
                verified=not options["no_verify"],
                interpret_below_bytes=self.interpret_below_bytes,
                progress=progress,
            )

    def _show(self, report: Report) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name, value in rows(report):
            table.add_row(Text(name, style="bold"), Text(value))
        console = Console(file=self.stdout, highlight=False, soft_wrap=False)  # type: ignore[arg-type]  # Django's wrapper writes text
        console.print(table)
        for warning in report.tally.warnings:
            place = f"packet {warning.packet}: " if warning.packet else ""
            console.print(Text(f"warning: {place}{warning.reason}", style="yellow"))
        if report.tally.warnings_left_out:
            console.print(f"and {report.tally.warnings_left_out:,} more warnings")


def _peak_rss_bytes() -> int:
    # Linux counts in KiB, macOS in bytes
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
