"""Both files and the plan, walked side by side, record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trimming.engine.errors import InputError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Record
from trimming.engine.plan import MaskPlan, PacketPlan
from trimming.engine.report import Verification
from trimming.engine.verification.findings import Findings, Rule
from trimming.engine.verification.judge import Judge
from trimming.engine.verification.records import (
    check_block,
    expected_block,
    tell_ends,
    tell_left_plan,
    tell_unpaired,
)
from trimming.engine.verification.roster import PlainRoster
from trimming.engine.words import gettext_noop


class Lockstep:
    """One verification."""

    def __init__(self, original: CaptureFile, output: CaptureFile, plan: MaskPlan) -> None:
        self._original = original
        self._output = output
        self._options = plan.options
        self._findings = Findings()
        self._plans = plan.packets()
        self._next_plan: PacketPlan | None = next(self._plans, None)
        self._judge = Judge(self._options, self._findings, PlainRoster())
        self._packets = 0

    def run(self, progress: Callable[[int], None] | None) -> Verification:
        """Walk to the end and return what was found."""
        outputs = self._output_records()
        paired = True
        for record in self._original.records(progress):
            if paired:
                paired = self._pair(record, outputs)
            elif record.packet is not None:
                self._packets += 1
        self._ends(outputs, paired)
        self._judge.end()
        return self._judge.verification(self._packets)

    def _output_records(self) -> Iterator[Record]:
        try:
            yield from self._output.records()
        except InputError as error:
            damaged = gettext_noop("the output is damaged at byte %(offset)d")
            self._findings.add(Rule.PACKET_COUNT, damaged % {"offset": error.offset})

    def _pair(self, record: Record, outputs: Iterator[Record]) -> bool:
        """Compare a record with the next one of the output; False where they no longer pair."""
        packet = record.packet
        expected = expected_block(record, self._options) if packet is None else b""
        if packet is None and not expected:
            return True
        if packet is not None:
            self._packets += 1
        found = next(outputs, None)
        if found is None or (packet is None) != (found.packet is None):
            last = self._packets - (packet is not None)
            tell_unpaired(found is None, last, self._findings)
            return False
        if packet is None:
            check_block(expected, found, self._packets, self._findings)
        else:
            self._judge.packet(packet, record, found, self._plan_of(packet.number))
        return True

    def _ends(self, outputs: Iterator[Record], paired: bool) -> None:
        if not paired:
            return
        left = sum(1 for _ in outputs)
        tell_ends(left, self._packets, self._output.tail, self._findings)
        if self._next_plan is not None:
            tell_left_plan(self._next_plan.number, self._packets, self._findings)

    def _plan_of(self, number: int) -> PacketPlan | None:
        plan = self._next_plan
        if plan is None or plan.number != number:
            return None
        self._next_plan = next(self._plans, None)
        return plan
