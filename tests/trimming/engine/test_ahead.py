"""Items that are made while the one before is looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from trimming.engine.ahead import one_ahead


def test_all_items_come_in_their_order() -> None:
    assert list(one_ahead(iter([3, 1, 2]))) == [3, 1, 2]
    assert list(one_ahead(iter([]))) == []


def test_items_may_be_none() -> None:
    assert list(one_ahead(iter([None, 1, None]))) == [None, 1, None]


def test_the_next_item_and_no_more_is_made_in_a_thread_of_its_own() -> None:
    made: list[int] = []
    threads: set[int] = set()
    is_made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number in range(4):
            threads.add(threading.get_ident())
            made.append(number)
            is_made[number].set()
            yield number

    for number in one_ahead(items()):
        if number < 3:
            assert is_made[number + 1].wait(10)
        assert len(made) <= number + 2
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_what_making_an_item_raises_comes_in_its_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("unplugged")

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="unplugged"):
        next(ahead)


def test_whoever_stops_early_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    ahead = one_ahead(iter(range(100)))
    assert next(ahead) == 0
    ahead.close()  # type: ignore[attr-defined]  # it is a generator
    assert threading.active_count() == before
