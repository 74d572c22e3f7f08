"""Kinds of news that apps above add to those of the service, without being known here.

A kind says what is so now, as plain values, and puts that into words where the language is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from config.faults import type_and_place

log = structlog.get_logger("pktmask.live")
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """``newest`` gives what is so now, None where there is nothing; ``in_words`` adds words."""

    newest: Callable[[], Figures | None]
    in_words: Callable[[Mapping[str, Any]], Figures]


class Kinds:
    """Kinds of news by their key."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def register(self, key: str, kind: Kind) -> None:
        """Add a kind; its key is none of the service's own (see items.py)."""
        self._kinds[key] = kind

    def newest(self) -> Iterator[tuple[str, Figures]]:
        """Give what is so now of each kind; one that fails keeps nothing from the others."""
        for key in self._kinds:
            try:
                found = self.newest_of(key)
            except Exception as error:  # of an app that is not known here
                log.warning("news_not_read", news=key, **type_and_place(error))
                continue
            if found is not None:
                yield key, found

    def newest_of(self, key: str) -> Figures | None:
        """Return what is so now of one kind; raises LookupError for one that nobody registered."""
        return self._kinds[key].newest()

    def in_words(self, key: str, figures: Mapping[str, Any]) -> Figures:
        """Return what a page shows, in the language that is active now."""
        kind = self._kinds.get(key)
        return dict(figures) if kind is None else kind.in_words(figures)


kinds = Kinds()
