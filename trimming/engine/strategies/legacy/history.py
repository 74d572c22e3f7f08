"""Parts of a stream, and what was decided about those that went by."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from trimming.engine.byte_classes import ByteClass
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy.views import View

# classes whose bytes stay: a copy is treated alike only if it holds the same bytes
_KEPT = frozenset((ByteClass.HEADER, ByteClass.FRAMING, ByteClass.SAMPLE, ByteClass.TLS_RECORD))


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


class History:
    """What was decided, so that copies are treated alike.  Bounded in entries."""

    def __init__(self, max_runs: int, tally: Tally) -> None:
        self._max_runs = max_runs
        self._tally = tally
        self._runs: list[Known] = []
        # places before this one were decided, but how is no longer known
        self.forgotten_until: int | None = None

    def add(
        self, start: int, end: int, byte_class: ByteClass, tentative: bool, data: bytes
    ) -> None:
        keeps = byte_class in _KEPT or byte_class is ByteClass.REDACTED
        last = self._runs[-1] if self._runs else None
        if (
            last is not None
            and last.byte_class is byte_class
            and last.tentative is tentative
            and last.end == start
        ):
            last.end = end
            if last.data is not None:
                last.data += data
            return
        self._runs.append(
            Known(start, end, byte_class, tentative, bytearray(data) if keeps else None)
        )
        if len(self._runs) > self._max_runs:
            self._tally.limits_met["history_runs"] += 1
            count = max(1, self._max_runs // 2)
            self.forgotten_until = self._runs[count - 1].end
            del self._runs[:count]

    def known(self, at: int) -> tuple[Known | None, int | None]:
        """Return the entry that holds the byte at ``at``, and where the next entry starts."""
        index = bisect_right(self._runs, at, key=lambda run: run.start)
        following = self._runs[index].start if index < len(self._runs) else None
        if index and at < self._runs[index - 1].end:
            return self._runs[index - 1], following
        return None, following
