"""``manage.py test_channels``: does an alert arrive?"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from monitoring.channels.base import channels
from monitoring.channels.trials import Trial, tried

FAILED: Final = 1
UNKNOWN: Final = 2


class Command(BaseCommand):
    """Sends a test message through the channels that are switched on."""

    help = (
        "Send a test message through each channel of alerts that is switched on. "
        f"Exit code {FAILED} when one failed, {UNKNOWN} for a name of no channel."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--channel", metavar="NAME", help=f"only this one of: {', '.join(channels.names())}"
        )
        parser.add_argument("--json", action="store_true", help="print the result as one list")

    def handle(self, *args: Any, **options: Any) -> None:
        """Send, and say how it went."""
        name, known = options["channel"], channels.names()
        if name is not None and name not in known:
            raise CommandError(
                f"There is no channel {name!r}; the channels are: {', '.join(known)}.",
                returncode=UNKNOWN,
            )
        trials: list[Trial] = []
        for trial in tried([name] if name is not None else known):
            trials.append(trial)
            if not options["json"]:
                self.stdout.write(in_words(trial))
        if options["json"]:
            self.stdout.write(json.dumps([asdict(trial) for trial in trials]))
        if any(trial.outcome == "failed" for trial in trials):
            sys.exit(FAILED)


def in_words(trial: Trial) -> str:
    """Return one line."""
    took = "" if trial.took_ms is None else f"{trial.took_ms:,.0f} ms"
    return f"{trial.channel:8} {trial.outcome:7} {took:>9}  {trial.said}"
