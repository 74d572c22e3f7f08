"""Who goes first on SQLite, and who stands behind."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.backends.sqlite3.base import DatabaseWrapper

from trimming import fence, turnstile
from trimming.turnstile import (
    PATIENCE_SECONDS,
    WAIT_SECONDS,
    Turnstile,
    install,
    turnstile_of,
)

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


def answer(sql: str, *_: Any) -> str:
    return sql


def asked(
    of: Turnstile,
    sql: str,
    *,
    in_a_transaction: bool = False,
    execute: Callable[..., Any] = answer,
) -> Any:
    """Ask a statement of a connection; it answers with itself."""
    held = SimpleNamespace(in_atomic_block=in_a_transaction)
    return of(execute, sql, (), False, {"connection": held})


class Busy:
    """A database whose lock another one has for so many tries of two seconds."""

    def __init__(self, clock: Clock, tries: int, code: int = sqlite3.SQLITE_BUSY) -> None:
        self._clock, self._left, self._code = clock, tries, code
        self.meanwhile: Callable[[], object] = lambda: None

    def __call__(self, sql: str, *_: Any) -> str:
        self.meanwhile()
        if self._left == 0:
            return sql
        self._left -= 1
        self._clock.now += PATIENCE_SECONDS
        cause = sqlite3.OperationalError("database is locked")
        cause.sqlite_errorcode = self._code
        raise OperationalError("database is locked") from cause


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


def test_who_has_waited_for_long_goes_first(
    rollback: Turnstile, worker: Turnstile, clock: Clock
) -> None:
    busy, slept = Busy(clock, tries=3), list[int]()

    def another_asks() -> None:
        before = clock.slept
        asked(rollback, "UPDATE b")
        slept.append(clock.slept - before)

    busy.meanwhile = another_asks
    assert asked(worker, "UPDATE a", execute=busy) == "UPDATE a"
    assert slept[0] == 0  # nobody waits at the first try, everybody at the others
    assert all(slept[1:])
    assert len(slept) == 4


def test_the_database_is_said_to_be_locked_after_so_long(worker: Turnstile, clock: Clock) -> None:
    busy = Busy(clock, tries=1_000)
    with pytest.raises(OperationalError, match="locked"):
        asked(worker, "BEGIN IMMEDIATE", execute=busy)
    assert WAIT_SECONDS <= clock.now <= WAIT_SECONDS + 2 * PATIENCE_SECONDS


@pytest.mark.parametrize("code", [sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY_SNAPSHOT])
def test_another_error_is_told_at_once(worker: Turnstile, clock: Clock, code: int) -> None:
    with pytest.raises(OperationalError):
        asked(worker, "UPDATE a", execute=Busy(clock, tries=1, code=code))


def test_an_error_of_a_reader_or_within_a_transaction_is_not_tried_again(
    worker: Turnstile, clock: Clock
) -> None:
    with pytest.raises(OperationalError):
        asked(worker, "SELECT 1", execute=Busy(clock, tries=1))
    with pytest.raises(OperationalError):
        asked(worker, "UPDATE a", in_a_transaction=True, execute=Busy(clock, tries=1))


def test_an_error_while_going_first_is_told_at_once(worker: Turnstile, clock: Clock) -> None:
    answers = iter((Busy(clock, tries=1), Busy(clock, tries=1, code=sqlite3.SQLITE_FULL)))
    with pytest.raises(OperationalError):
        asked(worker, "UPDATE a", execute=lambda *given: next(answers)(*given))


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
    with in_a_file.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        assert cursor.fetchone() == (1000 * PATIENCE_SECONDS,)
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
