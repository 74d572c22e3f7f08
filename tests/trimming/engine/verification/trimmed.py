"""A dialogue, its right output and its plan, all three from one script.

A script gets a Conversation and a function ``body`` through which it passes all that is to be
masked.  It runs once as it is, once with zeros, and twice with different fillings and no checksums:
where those two differ, the plan masks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.captures import LINK_ETHERNET, Checksum, Conversation, Frame, ethernet, pcap
from trimming.engine.byte_classes import ByteClass
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import TrimOptions
from trimming.engine.plan import MaskPlan
from trimming.engine.report import Verification
from trimming.engine.verification import verify
from trimming.engine.verification.windows import Windows

Body = Callable[[bytes], bytes]
Script = Callable[[Conversation, Body], None]
Spans = list[tuple[int, int]]


@dataclass
class Trimmed:
    """Frames before and after, and what the plan masks in each (by index, from 0)."""

    before: list[bytes]
    after: list[bytes]
    spans: list[Spans]
    link_type: int = LINK_ETHERNET
    fcs_len: int | None = None
    options: TrimOptions = field(default_factory=TrimOptions)
    byte_class: ByteClass = ByteClass.BODY
    original_lens: dict[int, int] = field(default_factory=dict)

    def copy(self) -> Trimmed:
        """Return one that can be spoiled without spoiling this one."""
        return replace(
            self,
            before=list(self.before),
            after=list(self.after),
            spans=[list(spans) for spans in self.spans],
            original_lens=dict(self.original_lens),
        )

    def unmask(self, index: int, start: int, end: int) -> None:
        """Leave bytes of a frame both in the output and in the plan, checksum set right again."""
        self.leave_in_output(index, start, end)
        self.leave_in_plan(index, start, end)

    def leave_in_plan(self, index: int, start: int, end: int) -> None:
        """Take bytes out of the plan."""
        pieces = []
        for low, high in self.spans[index]:
            pieces += [(low, min(high, start)), (max(low, end), high)]
        self.spans[index] = [(low, high) for low, high in pieces if low < high]

    def leave_in_output(self, index: int, start: int, end: int) -> None:
        """Put the original bytes back into the output."""
        self.put(index, start, self.before[index][start:end])

    def put(self, index: int, at: int, data: bytes) -> None:
        """Overwrite bytes of the output and keep its TCP checksum right (plain Ethernet, IPv4)."""
        frame = bytearray(self.after[index])
        was = bytes(frame)
        frame[at : at + len(data)] = data
        _adjust(frame, was, 34 + 16, 34)
        self.after[index] = bytes(frame)

    def payload_start(self, index: int) -> int:
        """Where the TCP payload of a plain Ethernet and IPv4 frame starts."""
        return 34 + (self.before[index][46] >> 4) * 4

    def plan(self) -> MaskPlan:
        """Return the mask plan."""
        plan = MaskPlan(self.options)
        for index, spans in enumerate(self.spans):
            for start, end in spans:
                plan.add_span(index + 1, start, end, self.byte_class)
        return plan

    def files(self) -> tuple[bytes, bytes]:
        """Return the original and the output file."""
        return self._file(self.before), self._file(self.after)

    def _file(self, frames: Sequence[bytes]) -> bytes:
        packets = [
            Frame(data, original_len=self.original_lens.get(index))
            for index, data in enumerate(frames)
        ]
        return pcap(packets, link_type=self.link_type, fcs_len=self.fcs_len)

    def verify(self) -> Verification:
        """Verify the output."""
        return verify_files(*self.files(), self.plan())

    def rules(self) -> set[str]:
        """Return the names of the rules that are broken."""
        return {finding.rule for finding in self.verify().findings}


def _adjust(frame: bytearray, was: bytes, at: int, start: int) -> None:
    before = int.from_bytes(was[start:], "big") << 8 * ((len(was) - start) % 2)
    after = int.from_bytes(frame[start:], "big") << 8 * ((len(was) - start) % 2)
    field_ = int.from_bytes(frame[at : at + 2], "big")
    frame[at : at + 2] = ((field_ - (after - before)) % 0xFFFF).to_bytes(2, "big")


def verify_files(before: bytes, after: bytes, plan: MaskPlan) -> Verification:
    """Verify two files given as bytes, record by record and in windows: both say the same."""
    with tempfile.TemporaryDirectory() as name:
        paths = Path(name, "before"), Path(name, "after")
        paths[0].write_bytes(before)
        paths[1].write_bytes(after)
        with CaptureFile(paths[0]) as original, CaptureFile(paths[1]) as output, plan:
            result = verify(original, output, plan)
            assert Windows(original, output, plan).run(None) == result
            return result


def frames_of(
    script: Script,
    body: Body,
    wrap: Callable[[bytes], bytes],
    ipv6: bool,
    checksum: Checksum,
    isns: tuple[int, int],
) -> list[bytes]:
    """Run a script and return its frames."""
    conversation = Conversation(
        wrap=wrap, ipv6=ipv6, checksum=checksum, client_isn=isns[0], server_isn=isns[1]
    )
    script(conversation, body)
    return conversation.packets


def trimmed(
    script: Script,
    *,
    wrap: Callable[[bytes], bytes] = ethernet,
    ipv6: bool = False,
    checksum: Checksum = "right",
    isns: tuple[int, int] = (1000, 5000),
    link_type: int = LINK_ETHERNET,
) -> Trimmed:
    """Return a dialogue with its right output and plan."""
    before = frames_of(script, lambda data: data, wrap, ipv6, checksum, isns)
    after = frames_of(script, lambda data: bytes(len(data)), wrap, ipv6, checksum, isns)
    low = frames_of(script, lambda data: bytes(len(data)), wrap, ipv6, "zero", isns)
    high = frames_of(script, lambda data: b"\xff" * len(data), wrap, ipv6, "zero", isns)
    if checksum == "wrong":
        after = [_wrong_as_before(a, b) for a, b in zip(before, after, strict=True)]
    spans = [_spans(a, b) for a, b in zip(low, high, strict=True)]
    return Trimmed(before, after, spans, link_type)


def _wrong_as_before(before: bytes, after: bytes) -> bytes:
    frame = bytearray(after)
    frame[50:52] = before[50:52]
    _adjust(frame, before, 50, 34)
    return bytes(frame)


def _spans(low: bytes, high: bytes) -> Spans:
    spans: Spans = []
    for at, (a, b) in enumerate(zip(low, high, strict=True)):
        if a == 0 and b == 0xFF:
            if spans and spans[-1][1] == at:
                spans[-1] = (spans[-1][0], at + 1)
            else:
                spans.append((at, at + 1))
    return spans


def adjust_tcp(case: Trimmed, index: int) -> None:
    """Set the TCP checksum of an output frame as the masked bytes of its input ask."""
    frame = bytearray(case.after[index])
    _adjust(frame, case.before[index], 50, 34)
    case.after[index] = bytes(frame)
