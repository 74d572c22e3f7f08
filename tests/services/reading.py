"""A strategy that reads two settings again and again, and notes in its report what it saw."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Final

from config.current import current
from trimming.conf import trimming_settings
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy

NOTE: Final = "read: "
READINGS: Final = 25
PAUSE_SECONDS: Final = 0.02


class Reading(LegacyStrategy):
    """Does what the legacy strategy does, and takes its time about it."""

    name = "reading"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Read, walk the capture, and note every pair that was seen."""
        pairs: set[tuple[float, float]] = set()
        for _ in range(READINGS):
            beat_seconds = trimming_settings().beat_seconds
            time.sleep(PAUSE_SECONDS)  # the time in which a version may be replaced
            pairs.add((beat_seconds, trimming_settings().lease_seconds))
        super().plan(capture, plan, tally, progress)
        note = {
            "attempt": capture.path.parent.name,  # files.private_name
            "version": current().version,
            "pairs": sorted(pairs),
        }
        tally.warn(NOTE + json.dumps(note))
