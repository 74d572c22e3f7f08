"""How a capture is spread over its time: counts in a few hundred equal steps, never payload.

Belongs here: steps that grow with what is seen.  However many packets a capture has, memory and the
size of what is told stay the same.
"""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.int64]
MAX_STEPS: Final = 300
# a microsecond, and by what a step grows to the next one, so that each is one that people count in
FIRST_NS: Final = 1_000
TO_SECONDS: Final = (2, 5) * 6
TO_WEEKS: Final = (2, 5, 3, 2, 2, 5, 3, 2, 2, 3, 4, 7)
_PACKETS, _BYTES, _MASKED = range(3)


class Timeline:
    """Packets, captured bytes and masked bytes by their time, in at most MAX_STEPS steps."""

    def __init__(self) -> None:
        self.step_ns = FIRST_NS
        # packets of which the format keeps no time
        self.untimed_packets = 0
        self._growth = chain(TO_SECONDS, TO_WEEKS, repeat(10))
        # steps since 1970; there is none yet
        self._first, self._last = 0, -1
        self._counts = [[0] * MAX_STEPS for _ in range(3)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timeline):
            return NotImplemented
        mine, its = self.untimed_packets, other.untimed_packets
        return mine == its and self.as_dict() == other.as_dict()

    __hash__ = None  # type: ignore[assignment]  # it grows

    def add(self, times_ns: Column, lengths: Column, masked: Column) -> None:
        """Count packets: when each was captured, its captured and its masked bytes."""
        # whoever only reads reports, as web processes, does without
        import numpy as np

        if not len(times_ns):
            return
        at = times_ns // self.step_ns
        low, high = int(at.min()), int(at.max())
        if self._last >= self._first:
            low, high = min(low, self._first), max(high, self._last)
        else:
            self._first = low
        while high - low >= MAX_STEPS:
            factor = self._grow()
            at //= factor
            low, high = low // factor, high // factor
        # room for what is earlier than all before it
        room = self._first - low
        self._first, self._last = low, high
        at -= low
        for row, weights in ((_PACKETS, None), (_BYTES, lengths), (_MASKED, masked)):
            found = np.bincount(at, weights, MAX_STEPS).astype(np.int64).tolist()
            before = [0] * room + self._counts[row][: MAX_STEPS - room]
            self._counts[row] = [old + new for old, new in zip(before, found, strict=True)]

    def as_dict(self) -> dict[str, object] | None:
        """Return it as JSON-ready values; None where no packet has a time.

        Step n begins at ``start_ns + n * step_ns``, counted from 1970.
        """
        count = self._last - self._first + 1
        if not count:
            return None
        packets, captured, masked = (row[:count] for row in self._counts)
        return {
            "start_ns": self._first * self.step_ns,
            "step_ns": self.step_ns,
            "packets": packets,
            "bytes": captured,
            "masked": masked,
            "untimed_packets": self.untimed_packets,
        }

    def _grow(self) -> int:
        """Make steps longer; return by what factor."""
        factor = next(self._growth)
        first = self._first // factor
        grown = [[0] * MAX_STEPS for _ in self._counts]
        for row, counts in zip(grown, self._counts, strict=True):
            for place, count in enumerate(counts, self._first):
                row[place // factor - first] += count
        self._counts, self._first, self._last = grown, first, self._last // factor
        self.step_ns *= factor
        return factor
