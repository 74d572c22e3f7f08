"""Parts of a stream, and what was decided about those that went by."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Protocol

from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import Limits
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.views import View

# classes whose bytes stay: a copy is treated alike only if it holds the same bytes
_KEPT = frozenset((ByteClass.HEADER, ByteClass.FRAMING, ByteClass.SAMPLE, ByteClass.TLS_RECORD))
# of a run that keeps its bytes
RUN_BYTES = 4000


@dataclass(order=True, slots=True)
class Part:
    """Bytes of a stream: ``view.data[at:at + length]`` stand at ``start`` of the stream."""

    start: int
    length: int
    view: View = field(compare=False)
    at: int = field(compare=False)
    wire_len: int = field(compare=False)

    @property
    def end(self) -> int:
        return self.start + self.length

    def without_first(self, count: int) -> Part:
        return Part(
            self.start + count,
            self.length - count,
            self.view,
            self.at + count,
            self.wire_len - count,
        )

    def first(self, count: int) -> Part:
        return Part(self.start, count, self.view, self.at, count)

    @property
    def data(self) -> bytes:
        return self.view.data[self.at : self.at + self.length]


@dataclass(slots=True)
class Known:
    """The class that the bytes of a stream from ``start`` to ``end`` were given."""

    start: int
    end: int
    byte_class: ByteClass
    tentative: bool
    data: bytearray | None


class Sums(Protocol):
    """What all histories of a run have in common."""

    tally: Tally
    history_bytes: int


class History:
    """What was decided, so that copies are treated alike.  Bounded in entries and in bytes."""

    def __init__(self, limits: Limits, sums: Sums) -> None:
        self._limits = limits
        self._sums = sums
        self._runs: list[Known] = []
        self._bytes = 0
        # places before this one were decided, but how is no longer known
        self.forgotten_until: int | None = None

    def add(
        self, start: int, end: int, byte_class: ByteClass, tentative: bool, data: bytes
    ) -> None:
        keeps = byte_class in _KEPT or byte_class is ByteClass.REDACTED
        while start < end:
            last = self._runs[-1] if self._runs else None
            if (
                last is None
                or last.byte_class is not byte_class
                or last.tentative is not tentative
                or last.end != start
                or (last.data is not None and len(last.data) >= RUN_BYTES)
            ):
                last = Known(start, start, byte_class, tentative, bytearray() if keeps else None)
                self._runs.append(last)
            taken = end - start
            if last.data is not None:
                taken = min(taken, RUN_BYTES - len(last.data))
                last.data += data[:taken]
                data = data[taken:]
                self._count(taken)
            start += taken
            last.end = start
            self._bound()

    def clear(self) -> None:
        """Forget everything, without a trace."""
        self._runs.clear()
        self._count(-self._bytes)

    def _count(self, more: int) -> None:
        self._bytes += more
        self._sums.history_bytes += more

    def _bound(self) -> None:
        """Forget the oldest where a limit is met."""
        limits, limits_met = self._limits, self._sums.tally.limits_met
        if len(self._runs) > limits.history_runs:
            limits_met["history_runs"] += 1
            self._forget(max(1, limits.history_runs // 2))
        if self._bytes > limits.history_bytes:
            limits_met["history_bytes"] += 1
            while self._bytes > limits.history_bytes:
                self._forget(1)
        if self._sums.history_bytes > limits.history_total_bytes:
            limits_met["history_total_bytes"] += 1
            while self._bytes and self._sums.history_bytes > limits.history_total_bytes:
                self._forget(1)

    def _forget(self, count: int) -> None:
        self.forgotten_until = self._runs[count - 1].end
        self._count(-sum(len(run.data or b"") for run in self._runs[:count]))
        del self._runs[:count]

    def known(self, at: int) -> tuple[Known | None, int | None]:
        """Return the entry that holds the byte at ``at``, and where the next entry starts."""
        index = bisect_right(self._runs, at, key=lambda run: run.start)
        following = self._runs[index].start if index < len(self._runs) else None
        if index and at < self._runs[index - 1].end:
            return self._runs[index - 1], following
        return None, following
