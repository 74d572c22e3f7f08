"""Files that an installation edits become a version of the configuration, once they rest.

One process looks: the monitor, and ``up`` before it starts anything.  An edit may come in several
writes, and a file may be missing for a moment while it is replaced; so what has just changed is
left alone until nothing changed for a while.  What is not valid changes nothing and is said.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from config.choices import VersionKind
from config.files import MAIN, Signature, read_files, signature
from config.layers import ConfigurationError, Layer
from config.models import ConfigVersion, FilesLook
from config.versions import ConflictError, newest_version, publish, stored

log = structlog.get_logger("pktmask.config")

REST_SECONDS: Final = 2.0
# an installation without a name needs no file
NEEDS_NO_FILE: Final = "local"


def settings_folder() -> Path:
    """Return the folder of this installation's settings."""
    return Path(settings.CONFIG_DIR) / settings.INSTALLATION.name


def read_present_files(newest: ConfigVersion | None) -> Layer:
    """Return what the files give now; raises ConfigurationError.

    A main file that gave something and is gone is a mistake, not the wish for defaults.
    """
    known = {} if newest is None else newest.files
    gave = any(
        one["place"].startswith(f"{MAIN},") for given in known.values() for one in given.values()
    )
    needed = gave or settings.INSTALLATION.name != NEEDS_NO_FILE
    return read_files(settings_folder(), needed=needed)


def take_files() -> ConfigVersion | None:
    """Publish what the files give if that is new; return the version that is made.

    Raises ConfigurationError when they are not valid.
    """
    newest = newest_version()
    found = read_present_files(newest)
    if newest is not None and _values(newest.files) == _values(stored(found)):
        return None
    reason = _("the files in %(typed_folder)s/") % {"typed_folder": settings.INSTALLATION.name}
    return publish(newest, kind=VersionKind.FILES, reason=reason, files=found)


def take_files_at_start() -> ConfigVersion | None:
    """Do so by whatever is newest: another machine that starts, or a person, may be first.

    Raises ConfigurationError when the files are not valid.
    """
    while True:
        try:
            return take_files()
        except ConflictError as error:
            log.info("configuration_files_read_again", reason=str(error))


def _values(row: dict[str, dict[str, dict[str, object]]]) -> dict[str, dict[str, object]]:
    # a value that only moved to another line is no change
    return {
        section: {k: one["value"] for k, one in given.items()} for section, given in row.items()
    }


def note_files(problem: str) -> None:
    """Keep what a look at the files found, for the page."""
    FilesLook.objects.update_or_create(
        environment=settings.INSTALLATION.name,
        defaults={"at": timezone.now(), "problem": problem},
    )


class FileWatch:
    """Takes the files when they have changed and rest.  ``look`` is called twice a second or so."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: Signature | None = None
        self._since = 0.0
        self._taken: Signature | None = None

    def look(self) -> None:
        """Look at the files once."""
        now, found = self._clock(), signature(settings_folder())
        if found != self._seen:
            self._seen, self._since = found, now
        if found == self._taken or now - self._since < REST_SECONDS:
            return
        try:
            version = take_files()
        except ConfigurationError as error:
            log.error("configuration_files_refused", reason=str(error))
            note_files(str(error))
        except ConflictError:
            return  # somebody changed something in the console meanwhile: the next look
        else:
            note_files("")
            if version is not None:
                log.info("configuration_files_taken", version=version.number)
        # files that changed while they were read are looked at again
        self._taken = found if signature(settings_folder()) == found else None
