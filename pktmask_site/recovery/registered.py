"""What recovery adds to the monitor: it has upkeep done by a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from monitoring.loop import Step, strands
from pktmask_site.recovery import alerts  # noqa: F401 - importing registers

LOOK_SECONDS = 15.0
# what is due by the clock waits for so long after a start: there is enough to do then
SETTLED_SECONDS = 600.0


@strands.register("upkeep")
def steps() -> tuple[Step, ...]:
    """Return what is done in a thread of its own; a start is none of its moments."""
    return (Step("upkeep", LOOK_SECONDS, Upkeep().look, at_once=False),)


class Upkeep:
    """Starts a process when something is due, so that nothing in the monitor waits for it."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[str], subprocess.Popen[bytes]] | None = None,
    ) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._start = start or begin
        self._clock = clock
        self._since = clock()

    def look(self) -> None:
        """Start one, unless one runs."""
        from pktmask_site.recovery.running import due, end_cut_off, is_anything_asked

        if self._process is not None and self._process.poll() is None:
            return
        now = timezone.now()
        end_cut_off(now)
        if self._clock() - self._since >= SETTLED_SECONDS and due(now):
            self._process = self._start("--due")
        elif is_anything_asked():
            self._process = self._start("--asked")


def begin(what: str) -> subprocess.Popen[bytes]:
    """Start a process for upkeep, within the group of the monitor, so that it ends with it."""
    return subprocess.Popen(
        [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "maintenance", what],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
