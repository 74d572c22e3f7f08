"""Back-test: how often a rule would have fired on what was measured, before it is saved.

It takes the rollups of minutes of the last days, as many as are kept: one query, some tenths of a
second for a week.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from monitoring.alerts.rule_rows import is_wrong
from monitoring.metrics.rollups import MINUTE
from monitoring.metrics.series import series

DAYS: Final = 7
# so many times are listed
SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class BackTest:
    """What a rule would have done.  ``days`` is how much was measured within the last week.

    ``values`` are the means of the minutes, None where nothing was measured; ``firings`` the times
    at which it would have fired, ``longest_seconds`` how long the longest alert would have lasted.
    """

    firings: tuple[datetime, ...]
    longest_seconds: float
    days: float
    values: tuple[float | None, ...]
    start: datetime

    @property
    def count(self) -> int:
        """How often it would have fired."""
        return len(self.firings)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was measured."""
        return self.days == 0


def back_test(
    metric: str, comparison: str, threshold: float, for_seconds: float, now: datetime
) -> BackTest:
    """Try a rule on the last week."""
    found = series([metric], now - timedelta(days=DAYS), now, MINUTE)
    values = found.lines[metric].values
    known = sum(each is not None for each in values)
    begins, lasted = firings_in(values, comparison, threshold, for_seconds)
    times = found.times
    return BackTest(
        firings=tuple(times[each] for each in begins),
        longest_seconds=max(lasted, default=0) * float(MINUTE),
        days=round(known * MINUTE / 86400, 2),
        values=tuple(values),
        start=found.start,
    )


def firings_in(
    minutes: Sequence[float | None], comparison: str, threshold: float, for_seconds: float
) -> tuple[list[int], list[int]]:
    """Return the minutes at which it would have fired, and for how many each alert went on.

    A minute without a value neither fires nor resolves, as at present.
    """
    hold = max(1, math.ceil(for_seconds / MINUTE))
    begins: list[int] = []
    lasted: list[int] = []
    wrong = 0
    for number, value in enumerate(minutes):
        if value is None:
            continue
        wrong = wrong + 1 if is_wrong(value, comparison, threshold) else 0
        if wrong == hold:
            begins.append(number)
            lasted.append(1)
        elif wrong > hold:
            lasted[-1] += 1
    return begins, lasted
