"""What is made in a thread of its own while the item before is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(items: Iterator[T]) -> Iterator[T]:
    """Yield ``items``; the next one, and no more, is made meanwhile.

    What making one raises is raised in its turn.  Whoever stops early waits for the one that is
    being made.
    """
    nothing = object()
    with ThreadPoolExecutor(1, "ahead") as pool:
        upcoming = pool.submit(next, items, nothing)
        while (item := upcoming.result()) is not nothing:
            upcoming = pool.submit(next, items, nothing)
            yield item  # type: ignore[misc]  # it is not the sentinel
