"""What a part of a report is made of: plain values with their kinds, for pages, mails and JSON.

A source says what it found and knows nothing of how it is shown.  A value that is None is unknown
and never shown as zero.  Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

# so many rows of a table are kept; of more the number is said
MOST_ROWS: Final = 50


class Kind(StrEnum):
    """What a value is, and so how it is written."""

    TEXT = "text"
    COUNT = "count"
    BYTES = "bytes"
    RATE = "rate"  # bytes a second
    SECONDS = "seconds"
    MILLISECONDS = "ms"
    PERCENT = "percent"  # from 0 to 100
    NUMBER = "number"
    MOMENT = "moment"
    DAY = "day"  # a moment of which only the day matters
    WEEKDAY = "weekday"  # the same, of a week or a month that is known
    CAPTURE = "capture"  # its id: who may see it sees its name
    ARM = "arm"
    VERDICT = "verdict"
    SEVERITY = "severity"


@dataclass(frozen=True, slots=True)
class Value:
    """One value; ``low`` and ``high`` are its interval, ``unit`` is of numbers only."""

    kind: Kind
    value: float | int | str | None
    low: float | None = None
    high: float | None = None
    unit: str = ""


def text(words: Any) -> Value:
    """Return words, or a sentence."""
    return Value(Kind.TEXT, str(words))


def moment(at: datetime | None, kind: Kind = Kind.MOMENT) -> Value:
    """Return a moment; it is kept in UTC."""
    return Value(kind, None if at is None else at.isoformat())


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its name, and what it was in the period before where that is known."""

    name: str
    value: Value
    before: Value | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values under the names of their columns; ``left_out`` rows had no room."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    left_out: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure as ``monitoring.figures`` makes it."""

    name: str
    title: str
    figure: Mapping[str, Any]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What a report says about one thing.

    ``said`` is it in a sentence or two.  What is not known (``is_known``) is said to be so, and
    holds no figures.  Who lacks ``permission`` is not shown the part; "" is for everybody.
    """

    name: str
    title: str
    said: str
    is_known: bool = True
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    charts: Sequence[Chart] = ()
    permission: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return what is stored."""
        return asdict(self)


def shortened(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[Value]], note: str = ""
) -> Table:
    """Return a table of the first MOST_ROWS rows, with the number of the others."""
    return Table(title, columns, rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS), note)
