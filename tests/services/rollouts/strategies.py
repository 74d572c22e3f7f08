"""A treatment that plans nothing, and fails on every capture while the file ``FAULT`` is there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.services.fence.strategies import QuickControl
from trimming.engine.errors import EngineError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally


class Faulty(QuickControl):
    """Does what the control does, unless it is told to fail."""

    name = "scanning"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """As Strategy.plan; raises EngineError while it is told to fail."""
        if Path(os.environ["FAULT"]).exists():
            raise EngineError("The strategy was told to fail, by a test.")
        super().plan(capture, plan, tally, progress)
