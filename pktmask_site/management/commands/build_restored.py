"""``manage.py build_restored SRC``: the part of a restore that happens in a place of its own.

``restore`` and drills call it; it refuses to work anywhere else.
"""

from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from config.faults import type_and_place
from pktmask_site.recovery.building import build
from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.places import is_new_place
from pktmask_site.recovery.restoring import checked

EXIT_REFUSED: Final = 2


class Command(BaseCommand):
    """Fills the empty installation that its environment names, and says what came of it."""

    help = "Fill an empty place from a backup; called by restore and by drills."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("source", type=Path, help="the folder of a backup")
        parser.add_argument("--present", type=Path, help="a folder with stored files from before")
        parser.add_argument(
            "--links", action="store_true", help="files may be second names of those of the backup"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Build; the last line of the output is an object, or that of the errors a sentence."""
        logging.disable(logging.CRITICAL)
        try:
            if not is_new_place():
                raise BackupError("This is no place for it; call manage.py restore.")
            found = build(
                checked(options["source"]),
                timezone.now(),
                present=options["present"],
                by_links=options["links"],
            )
        except BackupError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REFUSED)
        except Exception as error:  # the text of a foreign error may quote a row
            self.stderr.write("{kind} at {place}".format(**type_and_place(error)))
            sys.exit(EXIT_REFUSED)
        self.stdout.write(json.dumps(asdict(found)))
