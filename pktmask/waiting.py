"""Waiting for captures: ask again and again, more seldom with time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pktmask.ended import LATER, Ended

OPEN: Final = frozenset({"waiting", "running"})
FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 10.0
GROWTH: Final = 1.5

Ask = Callable[[str], dict[str, Any]]


def wait_for(
    captures: Sequence[str],
    ask: Ask,
    timeout_seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[dict[str, Any]]:
    """Yield the state of each capture when it has ended; raises Ended when it takes too long.

    What is for later is asked again when the installation says, or in the usual time.
    """
    until, pause, left = clock() + timeout_seconds, FIRST_SECONDS, list(captures)
    while left:
        told, after = _look(left[0], ask)
        if told is not None and told["state"] not in OPEN:
            yield told
            left.pop(0)
            continue
        if clock() >= until:
            names = ", ".join(left)
            raise Ended(LATER, f"Not ended within {timeout_seconds:g} s: {names}. Ask again later.")
        sleep(min(max(pause, after), max(0.0, until - clock())))
        pause = min(GROWTH * pause, LONGEST_SECONDS)


def _look(capture: str, ask: Ask) -> tuple[dict[str, Any] | None, float]:
    try:
        return ask(capture), 0.0
    except Ended as ended:
        if ended.code != LATER:
            raise
        return None, float(ended.after_seconds or 0)
