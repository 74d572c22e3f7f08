"""``manage.py collect_diagnostics [DEST]``: a redacted archive for support."""

from __future__ import annotations

import logging
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.utils import timezone

from pktmask_site.recovery.diagnostics import collect
from pktmask_site.recovery.manifest import BackupError

EXIT_REFUSED: Final = 2
NAME: Final = "pktmask-diagnostics-%Y%m%d-%H%M%S.tar.gz"


class Command(BaseCommand):
    """Writes figures, versions and states; no capture, no secret, no name of a person."""

    help = "Collect what support needs into an archive without secrets, captures and names."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        parser.add_argument("destination", nargs="?", type=Path, help="a file that is not there")
        parser.add_argument("--log", type=Path, help="a file with the JSON log of the service")

    def handle(self, *args: Any, **options: Any) -> None:
        """Collect; exit code 2 when there is no archive."""
        logging.disable(logging.CRITICAL)
        now = timezone.now()
        target = options["destination"] or Path(f"{now:{NAME}}")
        try:
            members = collect(target, now, options["log"])
        except BackupError as error:
            self.stderr.write(str(error))
            sys.exit(EXIT_REFUSED)
        finally:
            logging.disable(logging.NOTSET)
        self.stdout.write(f"{target}: {', '.join(members)}")
        self.stdout.write("Look into it before you send it.")
