"""What each machine does for its own disk, beside its parts: nobody else can see what lies there.

A worker that is killed leaves its private copies, an upload that is cut off leaves what had come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import structlog
from django.db import close_old_connections

from config.faults import type_and_place
from monitoring.loop import STALE_UPLOAD
from trimming.leftovers import remove_left_folders
from trimming.uploads import remove_stale_uploads

log = structlog.get_logger("pktmask.supervisor")

EVERY_SECONDS: Final = 30.0
# a worker that lost its job notices, and cleans up itself, long before this
LEFT_ALONE: Final = timedelta(seconds=60)


def clean_up() -> None:
    """Remove what nobody on this machine works with any more."""
    remove_left_folders(ended_before=LEFT_ALONE)
    remove_stale_uploads(older_than=STALE_UPLOAD)


class Housekeeping:
    """Cleans up now and then, in a thread."""

    def __init__(self, every_seconds: float = EVERY_SECONDS, do: Callable[[], None] = clean_up):
        self._every_seconds = every_seconds
        self._do = do
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> Housekeeping:
        """Begin."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, after what is being done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._every_seconds):
            try:
                self._do()
            except Exception as error:  # the database or the disk may fail; the next time will do
                log.warning("housekeeping_failed", **type_and_place(error))
            finally:
                close_old_connections()
