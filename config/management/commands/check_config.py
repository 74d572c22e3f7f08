"""``manage.py check_config [FILE]``: would this configuration be in force?"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.environment import environment_layer
from config.file_watch import settings_folder
from config.files import read_file, read_files
from config.layers import ConfigurationError
from config.sections import registry
from config.versions import EMPTY, resolved


class Command(BaseCommand):
    """Changes nothing and needs no database: what the console changed is not looked at."""

    help = "Validate a configuration file, or all files of this environment, with the environment."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a file."""
        parser.add_argument(
            "file", nargs="?", type=Path, metavar="FILE", help="instead of those in force"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Say that all is well, or what is wrong, a line each; exit code 2."""
        chosen: Path | None = options["file"]
        try:
            environment_layer(registry, os.environ)
            if chosen is None:
                files = read_files(settings_folder(), needed=False)
            else:
                files = read_file(chosen, str(chosen))
            resolved(files, EMPTY, 0)
        except ConfigurationError as error:
            for problem in error.problems:
                self.stderr.write(str(problem))
            sys.exit(2)
        count = sum(map(len, files.values()))
        place = settings_folder() if chosen is None else chosen
        self.stdout.write(f"{place}: valid, {count} settings.")
