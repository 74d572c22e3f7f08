"""Spans of time from seconds to weeks, as people read them.  Pure."""

from __future__ import annotations

from trimming.routing_words import span_text

MINUTE, HOUR = 60, 3600
# from here on whole minutes say enough, in seconds
ROUGH = 120
# from here on days are easier to read than hours
LONG_HOURS = 48


def long_span(seconds: float) -> str:
    """Return a span with two units at most: "18 s", "5 min", "29 h 32 min", "6 d 5 h"."""
    if not seconds:
        return "0 s"
    hours = round(seconds / HOUR)
    if hours < LONG_HOURS:
        if seconds < ROUGH:
            return span_text(seconds) if seconds >= MINUTE else f"{seconds:.0f} s"
        # nobody waits for seconds that come after many minutes
        whole, minutes = divmod(round(seconds / 60), 60)
        return " ".join(
            f"{count} {unit}" for count, unit in ((whole, "h"), (minutes, "min")) if count
        )
    days, rest = divmod(hours, 24)
    return f"{days} d {rest} h" if rest else f"{days} d"
