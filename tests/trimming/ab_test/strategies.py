"""A treatment that misbehaves where a capture tells it to.  Loaded by the processes of tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.strategy import LegacyStrategy


class Obedient(LegacyStrategy):
    """Decides as legacy does, but for the packets that say otherwise."""

    name = "scanning"
    version = "0.7"

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.plan_packets(_obeyed(capture.packets(progress)), plan, tally)


def _obeyed(packets: Iterator[Packet]) -> Iterator[Packet]:
    for packet in packets:
        if b"please crash" in packet.data:
            raise ValueError(bytes(packet.data))
        if b"please die" in packet.data:
            os.kill(os.getpid(), signal.SIGKILL)
        if b"please chat" in packet.data:
            print(bytes(packet.data), flush=True)  # noqa: T201 - as a careless strategy does
        if b"please leak" not in packet.data:
            yield packet
