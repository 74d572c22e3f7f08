"""Work in a process of its own: what it says, how it ends, and that it is gone then."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from trimming.apart import process, words
from trimming.apart.process import DiedError, Tell, Values, Work, apart
from trimming.engine.errors import CancelledError, EngineError
from trimming.worker_limits import CpuTimeError

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="readers are apart on Linux"),
    pytest.mark.no_cover,  # the other process is not traced
]
# nothing here takes so long, however slow the machine is
PATIENCE_SECONDS = 120.0


@pytest.fixture
def told() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture
def do(told: list[tuple[str, int, int]], tmp_path: Path) -> Iterator[Callable[..., Values]]:
    """Do work apart; none of it may be left."""

    def tell(stage: str, done: int, total: int) -> None:
        told.append((stage, done, total))

    def done(work: Work, tell: Tell = tell, seconds: float = PATIENCE_SECONDS) -> Values:
        return apart(work, tell, tmp_path, silence_seconds=seconds)

    before = children()
    yield done
    assert children() <= before


def children() -> set[int]:
    """Return the processes that this one has to collect; tests of others leave some running."""
    return {each.pid for each in psutil.Process().children()}


def forever(tell: Tell) -> Values:
    """Go on."""
    while True:
        tell("read", 1, 2)
        time.sleep(0.01)  # work that takes time


def test_work_tells_how_far_it_is_and_answers_from_another_process(
    do: Callable[..., Values], told: list[tuple[str, int, int]], tmp_path: Path
) -> None:
    def work(tell: Tell) -> Values:
        tell("read", 1, 2)
        tell("write", 2, 2)
        (tmp_path / "output").write_bytes(b"x")
        return {"pid": os.getpid()}

    assert do(work)["pid"] != os.getpid()
    assert told == [("read", 1, 2), ("write", 2, 2)]
    assert (tmp_path / "output").read_bytes() == b"x"


def test_what_the_work_raises_is_raised_here(do: Callable[..., Values]) -> None:
    def work(tell: Tell) -> Values:
        raise EngineError("no")

    with pytest.raises(EngineError, match=r"^no$"):
        do(work)


def test_who_listens_may_stop_it_whatever_it_is_doing(do: Callable[..., Values]) -> None:
    def stop(*_: Any) -> None:
        raise CancelledError("enough")

    with pytest.raises(CancelledError):
        do(forever, stop)


def test_work_that_says_nothing_is_ended(do: Callable[..., Values]) -> None:
    def work(tell: Tell) -> Values:
        signal.pause()
        return {}

    with pytest.raises(DiedError, match="it said nothing for 0 s"):
        do(work, seconds=0.1)


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        (signal.SIGKILL, DiedError, "it was ended by SIGKILL"),
        (signal.SIGABRT, DiedError, "it was ended by SIGABRT"),
        (signal.SIGPROF, CpuTimeError, "^$"),
    ],
)
def test_work_that_is_ended_says_by_what(
    do: Callable[..., Values], number: signal.Signals, kind: type[BaseException], text: str
) -> None:
    def work(tell: Tell) -> Values:
        os.kill(os.getpid(), number)
        return {}

    with pytest.raises(kind, match=text):
        do(work)


def test_work_that_ends_its_process_has_no_answer(do: Callable[..., Values]) -> None:
    def work(tell: Tell) -> Values:
        os._exit(0)

    with pytest.raises(DiedError, match="it ended without an answer"):
        do(work)


@pytest.mark.parametrize("said", [b"no words\n", b"x" * (words.MAX_LINE_BYTES + 1)])
def test_what_no_work_says_ends_it(
    do: Callable[..., Values], monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    def lie(writing: int, _: words.Said) -> None:
        data = said
        while data:
            data = data[os.write(writing, data) :]

    monkeypatch.setattr(process, "_say", lie)
    with pytest.raises(DiedError, match=words.STRANGE):
        do(forever)


def test_a_failure_that_is_none_ends_it(
    do: Callable[..., Values], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(words, "failure_of", lambda error: words.Failure(kind="x", texts=()))

    def work(tell: Tell) -> Values:
        raise ValueError

    with pytest.raises(DiedError, match=words.STRANGE):
        do(work)
