"""At most so often."""

from __future__ import annotations

from collections.abc import Callable


class Throttle:
    """Called again and again, is true for the first time and then once in each interval."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next = clock()

    def __call__(self) -> bool:
        """Return whether it is time."""
        now = self._clock()
        if now < self._next:
            return False
        self._next = now + self._seconds
        return True
