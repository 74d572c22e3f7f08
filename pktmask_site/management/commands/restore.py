"""``manage.py restore SRC [--check] [--replace]``: an installation as a backup has it."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from pktmask_site.recovery.manifest import BackupError
from pktmask_site.recovery.restoring import Restored, checked, restore

EXIT_REFUSED: Final = 2


class Command(BaseCommand):
    """Checks a backup to its last byte, builds it beside what is there, then puts it in place."""

    help = "Restore a backup. The service must be stopped."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("source", type=Path, help="the folder of a backup")
        parser.add_argument("--check", action="store_true", help="check it and change nothing")
        parser.add_argument(
            "--replace", action="store_true", help="put aside what is there, and take its place"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore; exit code 2 when nothing was changed."""
        for name in ("pktmask.recovery", "pktmask.routing", "pktmask.rollout"):
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            if options["check"]:
                found = checked(options["source"]).manifest
                self.stdout.write(
                    f"Whole: {found.rows:,} rows, {len(found.files):,} files, "
                    f"made {found.made_at:%Y-%m-%d %H:%M:%S} UTC by version {found.app_version}"
                )
                return
            self._tell(
                restore(
                    options["source"],
                    timezone.now(),
                    replaces=options["replace"],
                    told=self._say,
                )
            )
        except BackupError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REFUSED)

    def _say(self, what: str) -> None:
        self.stdout.write(what)
        self.stdout.flush()

    def _tell(self, found: Restored) -> None:
        built = found.built
        self._say(f"Restored: {built['rows']:,} rows, {built['files']:,} files.")
        if built["kept_files"]:
            self._say(f"Files that the backup lacks and that were here: {built['kept_files']:,}.")
        for sentence in built["done"]:
            self._say(sentence)
        for path in found.config:
            self._say(f"Settings that were left as they are here; those of the backup: {path}")
        if found.aside:
            self._say(
                f"What was here before is kept in {found.aside}; remove it when nobody needs it."
            )
