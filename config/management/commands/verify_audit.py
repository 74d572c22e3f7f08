"""``manage.py verify_audit``: was the audit log changed by hand?"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.chain_acts import accept
from config.chain_check import Checked, check
from config.chain_words import words

ANCHOR: Final = re.compile(r"(\d+):([0-9a-f]{8}\.[0-9a-f]{64})")


class Command(BaseCommand):
    """Exit code 1 when an event was changed, moved, removed or inserted; it names each of them."""

    help = "Verify the chain of the audit log, and name each event that was touched by hand."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer, what was noted elsewhere, and a reason to accept."""
        parser.add_argument("--json", action="store_true", help="answer as one JSON object")
        parser.add_argument(
            "--noted",
            action="append",
            default=[],
            metavar="NUMBER:LINK",
            help="as a line audit_chained of the logs says it; may be given again and again",
        )
        parser.add_argument(
            "--accept",
            metavar="REASON",
            help="after you have looked: seal the log anew as it is, and say so in it",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify, and accept if that is asked for."""
        found = check(dict(_anchor(text) for text in options["noted"]))
        accepted = None
        if options["accept"] and not found.is_sound:
            accepted = accept(found, options["accept"])
        if options["json"]:
            self.stdout.write(json.dumps({"is_sound": found.is_sound, **asdict(found)}, indent=2))
        else:
            self._tell(found, accepted)
        if not found.is_sound and accepted is None:
            sys.exit(1)

    def _tell(self, found: Checked, accepted: int | None) -> None:
        for fault in found.faults:
            self.stdout.write(words(fault))
        left = found.fault_count - len(found.faults)
        if left:
            self.stdout.write(f"and {left} more")
        verdict = "nothing was touched" if found.is_sound else f"faults: {found.fault_count}"
        self.stdout.write(f"{found.events} events, {found.waiting} waiting; {verdict}.")
        self.stdout.write(f"The chain ends at {found.number}:{found.link}")
        if accepted is not None:
            self.stdout.write(f"Accepted as it is: {accepted} events are sealed anew.")


def _anchor(text: str) -> tuple[int, str]:
    found = ANCHOR.fullmatch(text)
    if found is None:
        raise CommandError(f"{text!r} is not NUMBER:LINK, as a line audit_chained says it")
    return int(found[1]), found[2]
