"""``manage.py backup DEST [--files CHOICE]``: a backup of the running service."""

from __future__ import annotations

import json
import logging
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from pktmask_site.recovery.choices import FilesChoice
from pktmask_site.recovery.manifest import BackupError, Manifest
from pktmask_site.recovery.writing import make_backup
from trimming.quantities import size

EXIT_REFUSED: Final = 2
EXIT_FAULTS: Final = 1


class Command(BaseCommand):
    """Writes rows, settings and files of one state into a new folder."""

    help = "Back up database, settings and stored files while the service runs."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("destination", type=Path, help="a folder that is not there yet")
        parser.add_argument(
            "--files",
            type=FilesChoice,
            choices=list(FilesChoice),
            default=FilesChoice.ALL,
            metavar="{" + ",".join(FilesChoice.values) + "}",
            help="which stored files it holds; all by default",
        )
        parser.add_argument("--json", action="store_true", help="print an object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it; exit code 2 when there is none, 1 when files are not as their rows say."""
        logging.getLogger("pktmask.recovery").setLevel(logging.WARNING)
        try:
            found = make_backup(options["destination"], options["files"], timezone.now())
        except BackupError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REFUSED)
        if options["json"]:
            self.stdout.write(json.dumps(_as_plain(found)))
        else:
            self.stdout.write(
                f"Backed up: {found.rows:,} rows, {len(found.files):,} files, "
                f"{size(found.size_bytes)} in {options['destination']}"
            )
        for fault in found.faults:
            self.stderr.write(fault)
        if found.faults:
            sys.exit(EXIT_FAULTS)


def _as_plain(found: Manifest) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "files": len(found.files),
        "size_bytes": found.size_bytes,
        "deleted_meanwhile": len(found.gone),
        "faults": list(found.faults),
    }
