"""``manage.py replay_decision ID``: ask the question of a stored decision again."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any, Final

from django.core.management.base import BaseCommand

from migration.models import Decision
from migration.replay import replay

EXIT_DIFFERS: Final = 1
EXIT_REFUSED: Final = 2


class Command(BaseCommand):
    """Says "same", or shows each difference; exit code 1 when there is one."""

    help = "Recompute a decision of a rollout from what is stored with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("decision", type=int, help="its number")
        parser.add_argument("--json", action="store_true", help="print an object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replay and say what came of it."""
        decision = Decision.objects.filter(pk=options["decision"]).first()
        if decision is None:
            self.stderr.write(f"There is no decision {options['decision']}.")
            sys.exit(EXIT_REFUSED)
        found = replay(decision)
        if options["json"]:
            rows = [
                {"name": name, "stored": stored, "now": now}
                for name, stored, now in found.differences
            ]
            self.stdout.write(json.dumps({"same": found.same, "differences": rows}, default=str))
        elif found.same:
            self.stdout.write("same")
        else:
            for name, stored, now in found.differences:
                self.stdout.write(f"{name}\n  stored: {stored}\n  now:    {now}")
        if not found.same:
            sys.exit(EXIT_DIFFERS)
