"""Numbers as people read them: decimal units, one space before the unit, three figures at most.

The units are symbols of the SI (s, min, h, kB, MB), the same in every language.
"""

from __future__ import annotations

from typing import Final

SIZE_UNITS: Final = ("B", "kB", "MB", "GB", "TB")


def size(count: int | float) -> str:
    """Return a number of bytes, as in "9.8 MB" or "118 MB"."""
    value, at = float(count), 0
    # what would be rounded up to 1000 is written in the next unit
    while value >= 999.5 and at < len(SIZE_UNITS) - 1:
        value /= 1000
        at += 1
    unit = SIZE_UNITS[at]
    if at == 0 or value >= 99.95:
        return f"{value:,.0f} {unit}"
    return f"{value:.1f} {unit}"


def limit(count: int) -> str:
    """Return a round number of bytes without an empty decimal, as in "8 GB"."""
    return size(count).replace(".0 ", " ")


def rate(bytes_per_s: int | float) -> str:
    """Return a rate in bytes a second, as in "4.1 MB/s"."""
    return f"{size(bytes_per_s)}/s"


def duration(seconds: float) -> str:
    """Return a time span, as in "0 s", "3.0 ms", "0.41 s", "18.4 s", "8 min 41 s", "2 h 5 min"."""
    value = max(0.0, seconds)
    if value == 0:
        return "0 s"
    if value < 0.00995:
        return f"{1000 * value:.1f} ms"
    if value < 0.995:
        return f"{value:.2f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(value / 60)
    return f"{minutes // 60:,} h {minutes % 60} min"


def clock(seconds: float) -> str:
    """Return a time span that is counted on, as in "8:41" or "1:02:03"."""
    whole = max(0, int(seconds))
    hours, minutes = whole // 3600, whole // 60 % 60
    rest = f"{minutes:02d}" if hours else f"{minutes}"
    return f"{hours}:{rest}:{whole % 60:02d}" if hours else f"{rest}:{whole % 60:02d}"


def percent(part: int | float, whole: int | float) -> str:
    """Return a share, as in "85.6 %"; empty when there is no whole.

    Only nothing is "0 %" and only everything is "100 %".
    """
    if whole <= 0:
        return ""
    share = 100 * part / whole
    if share <= 0 or share >= 100:
        return f"{0 if share <= 0 else 100} %"
    return f"{min(99.9, max(0.1, share)):.1f} %"


def count(number: int) -> str:
    """Return a number of things, as in "7,817"."""
    return f"{number:,}"
