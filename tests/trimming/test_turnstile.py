"""Who goes first on SQLite, and who stands behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.db.backends.sqlite3.base import DatabaseWrapper

from trimming import fence, turnstile
from trimming.turnstile import PATIENCE_SECONDS, Turnstile, install, turnstile_of

WRITES = ("BEGIN IMMEDIATE", 'INSERT INTO "a"', 'UPDATE "a"', 'DELETE FROM "a"', "REPLACE INTO a")


class Clock:
    """A clock that only goes on by sleeping, and tells how often that was."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept = 0
        self.then: Callable[[], object] = lambda: None

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += 1
        self.then()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turnstile, "time", clock)
    return clock


@pytest.fixture
def rollback(tmp_path: Path) -> Turnstile:
    return Turnstile(tmp_path / "line")


@pytest.fixture
def worker(tmp_path: Path) -> Turnstile:
    return Turnstile(tmp_path / "line")


def asked(of: Turnstile, sql: str, *, in_a_transaction: bool = False) -> Any:
    """Ask a statement of a connection; it answers with itself."""
    held = SimpleNamespace(in_atomic_block=in_a_transaction)
    return of(lambda sql, *_: sql, sql, (), False, {"connection": held})


@pytest.mark.parametrize("sql", WRITES)
def test_a_write_waits_until_nobody_goes_first_any_more(
    rollback: Turnstile, worker: Turnstile, clock: Clock, sql: str
) -> None:
    with ExitStack() as held:
        held.enter_context(rollback.first())
        clock.then = lambda: held.close() if clock.slept == 3 else None
        assert asked(worker, sql) == sql
    assert clock.slept == 3


def test_nobody_waits_where_nobody_goes_first(worker: Turnstile, clock: Clock) -> None:
    asked(worker, "UPDATE a")
    assert clock.slept == 0


def test_reading_and_what_is_in_a_transaction_already_do_not_wait(
    rollback: Turnstile, worker: Turnstile, clock: Clock
) -> None:
    with rollback.first():
        asked(worker, "SELECT 1")
        asked(worker, "UPDATE a", in_a_transaction=True)
        asked(rollback, "BEGIN IMMEDIATE")
    assert clock.slept == 0


def test_two_that_go_first_go_one_after_the_other(
    rollback: Turnstile, worker: Turnstile, clock: Clock
) -> None:
    with ExitStack() as held:
        held.enter_context(rollback.first())
        clock.then = lambda: held.close() if clock.slept == 5 else None
        with worker.first():
            assert clock.slept == 5


def test_who_is_stopped_in_the_turnstile_is_passed_by(
    rollback: Turnstile, worker: Turnstile, clock: Clock
) -> None:
    with rollback.first():
        assert asked(worker, "UPDATE a") == "UPDATE a"
        assert clock.now == pytest.approx(PATIENCE_SECONDS, abs=0.01)


def test_who_went_first_and_failed_holds_nobody_up(
    rollback: Turnstile, worker: Turnstile, clock: Clock
) -> None:
    with pytest.raises(ZeroDivisionError), rollback.first():
        raise ZeroDivisionError
    asked(worker, "UPDATE a")
    assert clock.slept == 0


def test_a_folder_where_nothing_can_be_written_is_for_sqlite_to_complain_of(tmp_path: Path) -> None:
    with Turnstile(tmp_path / "nowhere" / "line").first():
        pass


def test_a_database_in_memory_has_none() -> None:
    wrapper = DatabaseWrapper({**connection.settings_dict, "NAME": ":memory:"})
    install(wrapper)
    assert turnstile_of(wrapper) is None


@pytest.fixture
def in_a_file(tmp_path: Path, db: None) -> Iterator[DatabaseWrapper]:
    options = {"transaction_mode": "IMMEDIATE"}
    of = {**connection.settings_dict, "NAME": str(tmp_path / "db"), "OPTIONS": options}
    wrapper = DatabaseWrapper(of, "a file")
    yield wrapper
    wrapper.close()


def test_each_connection_to_a_file_has_one_however_often_it_is_made_anew(
    in_a_file: DatabaseWrapper,
) -> None:
    in_a_file.connect()
    first = turnstile_of(in_a_file)
    in_a_file.close()
    in_a_file.connect()
    assert first is not None
    assert [each for each in in_a_file.execute_wrappers if isinstance(each, Turnstile)] == [first]


def test_a_rollback_begins_in_the_turnstile_and_gives_it_back_as_soon_as_it_has_the_lock(
    in_a_file: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    in_a_file.connect()
    monkeypatch.setattr(fence, "connection", in_a_file)
    others = Turnstile(Path(f"{in_a_file.settings_dict['NAME']}{turnstile.SUFFIX}"))
    seen: list[int] = []

    def begun(_held: ExitStack) -> None:
        asked(others, "BEGIN IMMEDIATE")
        seen.append(clock.slept)

    monkeypatch.setattr(fence, "_begin_eagerly", begun)
    with fence.fence(exclusive=True):
        before = clock.slept
        asked(others, "BEGIN IMMEDIATE")
        assert clock.slept == before
    assert seen[0] > 0
