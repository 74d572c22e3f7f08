"""``manage.py check_documents``: which documents somebody should read anew."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.documents import all_documents


class Command(BaseCommand):
    """Warns of each review that is overdue; that alone is no failure."""

    help = "Warn of documents whose review is overdue; exit code 1 for a head that cannot be read."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument(
            "--today", type=date.fromisoformat, help="the day to judge by, as in 2027-05-31"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each document that is overdue, and one for all."""
        today = options["today"] or timezone.now().date()
        try:
            found = all_documents()
        except ValueError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        overdue = [each for each in found if each.is_overdue(today)]
        for each in overdue:
            place = each.name if each.language == "en" else f"{each.language}/{each.name}"
            self.stdout.write(
                f"Warning: docs/{place}.md was to be reviewed by {each.review}, by the {each.owner}"
            )
        self.stdout.write(f"{len(found)} documents, {len(overdue)} to be reviewed.")
