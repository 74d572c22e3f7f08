"""Panels that apps above add to the overview, without being known here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Panel:
    """A template, and what it shows as ``panel``."""

    template: str
    panel: Any


# None where there is nothing to show, or not to this user
Source = Callable[[datetime, Any], Panel | None]


class Panels:
    """Sources of panels."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def register(self, source: Source) -> Source:
        """Add a source; return it, so that this can decorate one."""
        self._sources.append(source)
        return source

    def at(self, now: datetime, user: Any) -> list[Panel]:
        """Return what is to be shown to ``user`` now, in the order of registering."""
        found = (source(now, user) for source in self._sources)
        return [each for each in found if each is not None]


panels = Panels()
