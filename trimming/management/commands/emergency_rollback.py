"""``manage.py emergency_rollback --reason "..."``: everything to legacy, now.

Needs the database and nothing else: no web server, no workers, no monitor, no valid settings.
"""

from __future__ import annotations

import json
import logging
import os
import pwd
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from django.core.management.base import BaseCommand
from django.db import Error as DatabaseClientError
from django.db import connection

from trimming.models import RoutingPolicy
from trimming.policy import emergency_rollback
from trimming.routing_choices import Mode

EXIT_REFUSED: Final = 2
MAX_REASON_CHARACTERS: Final = RoutingPolicy._meta.get_field("reason").max_length or 500
# so long the database may take to answer, and whoever holds the fence to let go of it
PATIENCE_SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class Told:
    """One policy, for people and for machines."""

    policy: int
    mode: str
    epoch: int

    def __str__(self) -> str:
        # one of another version of this program has no label here
        label = Mode(self.mode).label if self.mode in Mode.values else self.mode
        return f"policy {self.policy} ({label}), epoch {self.epoch}"


class Command(BaseCommand):
    """Publishes the mode legacy and raises the epoch, whatever is in force."""

    help = "Send everything to legacy at once; what scanning makes at present is not published."
    # settings may be broken just now
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare what the command takes."""
        # not `required`: the parser would print how it is used instead of a sentence
        parser.add_argument("--reason", default="", help="why; kept with the policy and the audit")
        parser.add_argument("--json", action="store_true", help="print what was done as an object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Roll back and say what changed; exit code 2 when nothing was changed."""
        # what it does is in the audit log; here it would stand between lines for people
        logging.getLogger("pktmask.routing").setLevel(logging.ERROR)
        reason = options["reason"].strip()
        if not reason:
            self._refuse('Nothing was changed: say why, with --reason "...".')
        if missing := _missing_file():
            self._refuse(missing)
        began = time.perf_counter()
        try:
            _be_impatient()
            after = emergency_rollback(reason=signed(reason, who()))
        except DatabaseClientError as error:
            self._refuse(_unreachable(error))
        took_ms = 1000 * (time.perf_counter() - began)
        self._say(_before(after), _told(after), after.reason, took_ms, as_json=options["json"])

    def _say(
        self, before: Told | None, after: Told, reason: str, took_ms: float, *, as_json: bool
    ) -> None:
        if as_json:
            found = {
                "before": asdict(before) if before else None,
                "after": asdict(after),
                "reason": reason,
                "took_ms": round(took_ms, 1),
            }
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(f"Everything goes to legacy now; it took {took_ms:.1f} ms.")
        self.stdout.write(f"Before: {before or 'could not be read'}\nNow:    {after}")

    def _refuse(self, sentence: str) -> NoReturn:
        self.stderr.write(sentence)
        sys.exit(EXIT_REFUSED)


def who() -> str:
    """Return the operating system's name of whoever runs this, and who that is behind sudo."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = f"user {os.getuid()}"
    behind = os.environ.get("SUDO_USER", "")
    return f"{name} for {behind}" if behind else name


def signed(reason: str, name: str) -> str:
    """Return the reason with who gave it, within what is kept; of the two the reason is cut."""
    signature = f" ({name}, by command)"
    room = MAX_REASON_CHARACTERS - len(signature)
    return f"{reason if len(reason) <= room else reason[: room - 1] + '…'}{signature}"


def _told(row: RoutingPolicy) -> Told:
    return Told(row.version, str(row.mode), row.fence_epoch)


def _before(after: RoutingPolicy) -> Told | None:
    """Return what was in force; the rollback is committed, whatever happens here."""
    try:
        return _told(RoutingPolicy.objects.get(pk=after.version - 1))
    except DatabaseClientError:
        return None


def _be_impatient() -> None:
    """Let a server that is away, or a fence that is held, be told instead of waited for.

    SQLite has a patience of its own (settings.DATABASES).
    """
    if connection.vendor == "postgresql" and connection.connection is None:
        options = connection.settings_dict.setdefault("OPTIONS", {})
        options.setdefault("connect_timeout", PATIENCE_SECONDS)
        options.setdefault("options", f"-c lock_timeout={PATIENCE_SECONDS}s")


def _missing_file() -> str:
    """Say that there is no such database: SQLite would make an empty one."""
    name = connection.settings_dict["NAME"]
    if connection.vendor != "sqlite" or not isinstance(name, Path) or name.exists():
        return ""
    return f"Not rolled back: there is no database {name}. Does PKTMASK_DATA_DIR name the data?"


def _unreachable(error: Exception) -> str:
    """Say which database it was, and what it answered; no password, and no promise either.

    Of a connection that breaks while it commits nobody knows what was kept.
    """
    settings = connection.settings_dict
    place = str(settings["NAME"])
    if settings.get("HOST"):
        place = f"{place} on {settings['HOST']}"
    # further lines quote the statement
    answer = next(iter(str(error).strip().splitlines()), type(error).__name__).rstrip(".")
    return (
        f"Not rolled back: the database {place} could not do it ({answer}). "
        "Try again; twice does no harm."
    )
