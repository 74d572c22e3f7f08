"""Which backups are kept, and when a task is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pktmask_site.recovery.keeping import is_due, kept, next_at

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)  # a Thursday
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def test_the_newest_of_each_day_and_of_each_week_is_kept() -> None:
    made = [NOW - HOUR * hours for hours in range(0, 24 * 40, 6)]
    found = kept(made, NOW, 3, 21)
    days = {NOW, NOW - 18 * HOUR, NOW - 42 * HOUR, NOW - 66 * HOUR}
    sundays = {datetime(2026, 11, 1, 18, tzinfo=UTC), datetime(2026, 10, 25, 18, tzinfo=UTC)}
    assert found - days - sundays == {datetime(2026, 10, 18, 18, tzinfo=UTC)}
    assert days | sundays <= found


def test_the_newest_backup_is_kept_however_old_it_is() -> None:
    made = [NOW - 300 * DAY, NOW - 200 * DAY]
    assert kept(made, NOW, 1, 0) == {NOW - 200 * DAY}
    assert kept([], NOW, 1, 0) == set()


@pytest.mark.parametrize(
    ("last", "hours", "expected"),
    [
        (None, 24, NOW),
        (NOW - HOUR, 24, NOW + 23 * HOUR),
        (NOW - 100 * DAY, 24, NOW),
        (NOW - HOUR, 0, None),
        (None, 0, None),
    ],
)
def test_a_task_is_due_after_its_hours_and_a_missed_one_once(
    last: datetime | None, hours: float, expected: datetime | None
) -> None:
    assert next_at(last, NOW, hours) == expected
    assert is_due(last, NOW, hours) == (expected == NOW)
