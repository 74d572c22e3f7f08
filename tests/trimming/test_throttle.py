"""At most so often."""

from __future__ import annotations

from trimming.throttle import Throttle


def test_it_is_true_at_first_and_then_once_in_each_interval() -> None:
    times = iter([0.0, 0.0, 0.4, 0.5, 0.9, 2.0, 2.4, 2.6])
    due = Throttle(0.5, lambda: next(times))
    assert [due() for _ in range(7)] == [True, False, True, False, True, False, True]
