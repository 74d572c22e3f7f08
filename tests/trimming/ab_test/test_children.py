"""Processes of the test: what stands for an answer when there is none, and that all of them end."""

from __future__ import annotations

import os
import sys
from tempfile import gettempdir
from threading import Event, Thread

import pytest

from trimming.ab_test.children import Children, StoppedError, death


def saying(code: str, deadline_seconds: float = 60) -> Children:
    return Children(deadline_seconds, gettempdir(), (sys.executable, "-c", code))


def test_an_answer_is_passed_on() -> None:
    echo = "import json, sys; json.dump({'outcome': json.load(sys.stdin)['task']}, sys.stdout)"
    with saying(echo) as children:
        assert children.ask({"task": "trim"}) == {"outcome": "trim"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(3)", "its process ended with exit code 3"),
        ("import os; os.abort()", "its process was killed by signal SIGABRT"),
        ("print('hello')", "its process ended without an answer"),
        ("", "its process ended without an answer"),
    ],
)
def test_no_answer_is_a_failure_that_says_how_the_process_ended(code: str, reason: str) -> None:
    with saying(code) as children:
        assert children.ask({}) == {"outcome": "strategy_failure", "reason": reason}


def test_a_process_that_hangs_is_ended_at_the_deadline() -> None:
    with saying("import signal; signal.pause()", deadline_seconds=0.2) as children:
        assert children.ask({})["reason"] == "not done after 0.2 s"
        assert not children._running


def test_what_a_process_says_on_standard_error_goes_nowhere(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with saying("raise ValueError('payload')") as children:
        assert "payload" not in str(children.ask({}))
    assert capfd.readouterr() == ("", "")


def test_stopping_ends_what_runs_and_refuses_what_comes() -> None:
    children = saying("import signal; signal.pause()")
    ended = Event()

    def ask() -> None:
        with pytest.raises(StoppedError):
            children.ask({})
        ended.set()

    thread = Thread(target=ask)
    thread.start()
    while not children._running:
        os.sched_yield()
    children.stop()
    thread.join(60)
    assert ended.is_set()
    with pytest.raises(StoppedError):
        children.ask({})


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert death(-200) == "its process was killed by signal 200"
