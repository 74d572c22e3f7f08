"""What the throughput is held to: an app above says it, while it has frozen a baseline."""

from __future__ import annotations

from collections.abc import Callable

# bytes for each second of work; None while there is none
Source = Callable[[], float | None]


class Baselines:
    """Sources of the frozen throughput; the first one that has a value counts."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def register(self, source: Source) -> Source:
        """Add a source; return it, so that this can decorate one."""
        self._sources.append(source)
        return source

    def bytes_per_second(self) -> float | None:
        """Return the frozen throughput."""
        return next((found for each in self._sources if (found := each()) is not None), None)


baselines = Baselines()
