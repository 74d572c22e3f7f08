"""A strategy with a mistake, to try the search for differences on."""

from __future__ import annotations

from collections.abc import Callable

from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.registry import load_strategy

NAME = f"{__name__}:Spoiled"


class Spoiled:
    """Says what legacy says, and forgets the last byte of every long body part."""

    name = "spoiled"
    version = "1"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        """As Strategy.plan."""
        with MaskPlan(plan.options) as whole:
            load_strategy("legacy").plan(capture, whole, tally, progress)
            for packet in whole.packets():
                for span in packet.spans:
                    is_long = span.byte_class is ByteClass.BODY and span.end - span.start > 40
                    plan.add_span(packet.number, span.start, span.end - is_long, span.byte_class)
                for change in packet.changes:
                    plan.add_change(
                        packet.number, change.offset, change.kind, change.delta, ByteClass.BODY
                    )
                for check in packet.frame_checks:
                    plan.add_frame_check(packet.number, check.start, check.end)
