"""``manage.py show_config [--origin]``: what is in force, and where it comes from."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError
from django.utils import translation

from config.current import adopt_newest
from config.layers import Configuration, ConfigurationError
from config.reference import as_markdown, as_yaml, yaml_value
from config.sections import registry

REFERENCES = {"markdown": as_markdown, "yaml": as_yaml}


class Command(BaseCommand):
    """Shows values as they are written in YAML."""

    help = "Show every effective setting, as a YAML file that gives the same."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to show."""
        parser.add_argument("--origin", action="store_true", help="and the layer of each value")
        parser.add_argument(
            "--reference",
            choices=sorted(REFERENCES),
            help="instead: all settings with defaults, explained",
        )
        parser.add_argument(
            "--language",
            choices=sorted(dict(settings.LANGUAGES)),
            default=settings.LANGUAGE_CODE,
            help="of the explanations in markdown",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print; exit code 2 when nothing valid is in force."""
        if options["reference"]:
            with translation.override(options["language"]):
                self.stdout.write(REFERENCES[options["reference"]](registry), ending="")
            return
        try:
            found = adopt_newest()
        except ConfigurationError as error:
            self.stderr.write(str(error))
            sys.exit(2)
        except DatabaseError:
            self.stderr.write("There is no database yet: `manage.py up` makes it.")
            sys.exit(2)
        self.stdout.write(f"# version {found.version}")
        for name, section in found.sections.items():
            self.stdout.write(f"{name}:")
            for key in type(section).model_fields:
                self.stdout.write(_line(found, name, key, with_origin=options["origin"]))


def _line(found: Configuration, section: str, key: str, *, with_origin: bool) -> str:
    line = f"  {key}: {yaml_value(found.value(section, key))}"
    if not with_origin:
        return line
    origin = found.origin(section, key)
    return f"{line:<48}# {origin.layer}{f': {origin.place}' if origin.place else ''}"
