"""``manage.py exercise NUMBER``: was an exercise of docs/training/ done?"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from pktmask_site.exercises.looking import EXERCISES


class Command(BaseCommand):
    """Looks at the database and changes nothing.  Exit code 1 while it was not done."""

    help = "Check whether an exercise of docs/training/ was done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("number", type=int, choices=sorted(EXERCISES))
        parser.add_argument("--phase", default="", help="of exercise 1: the phase that you read")
        parser.add_argument("--health", default="", help="of exercise 1: the verdict that you read")

    def handle(self, *args: Any, **options: Any) -> None:
        """Judge, and say why."""
        found = EXERCISES[options["number"]](options, timezone.now())
        self.stdout.write(found.sentence)
        if not found.is_done:
            sys.exit(1)
