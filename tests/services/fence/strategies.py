"""Strategies that plan nothing, so that a race is about decisions and not about packets.

With a folder in ``FENCE_GATE`` the treatment says that it has begun (``begun``) and goes on once a
file ``open`` is there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally


class QuickControl:
    """Reads the capture and masks nothing: there is nothing to mask in it."""

    name = "legacy"
    version = "test"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """As Strategy.plan."""
        for _ in capture.packets(progress):
            pass


class Quick(QuickControl):
    """The same, after the gate."""

    name = "scanning"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """As Strategy.plan."""
        if gate := os.environ.get("FENCE_GATE"):
            Path(gate, "begun").touch()
            while not Path(gate, "open").exists():
                time.sleep(0.01)
        super().plan(capture, plan, tally, progress)
