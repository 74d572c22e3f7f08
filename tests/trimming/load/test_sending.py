"""What is sent, and how it is counted."""

from __future__ import annotations

import threading

import pytest

from trimming.load.captures import Size
from trimming.load.schedule import Due, schedule
from trimming.load.sending import Tally, send_all


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_everything_is_sent_once_and_refusals_are_counted_by_reason() -> None:
    time, names, lock = Time(), [], threading.Lock()

    def upload(name: str, data: bytes) -> str:
        with lock:
            names.append(name)
        return "" if data.startswith(b"\xd4\xc3\xb2\xa1") else "This is not a capture."

    table = [Due(0, 0, Size.SMALL), Due(0.5, 1, Size.BROKEN), Due(1.0, 2, Size.SMALL)]
    tally = send_all(
        table,
        upload,
        seed=1,
        connections=2,
        is_stopping=lambda: False,
        clock=time.clock,
        sleep=time.sleep,
    )
    assert sorted(names) == [f"load-1-{number}.pcap" for number in range(3)]
    assert (tally.sent, tally.accepted, tally.late) == (3, 2, 0)
    assert tally.as_dict()["refused"] == {"This is not a capture.": 1}
    assert tally.sent_bytes > 80_000


def test_who_is_told_to_stop_sends_nothing_more() -> None:
    time = Time()
    tally = send_all(
        schedule(1, 100, {Size.BROKEN: 1.0}, 1),
        lambda name, data: "",
        seed=1,
        connections=1,
        is_stopping=lambda: time.now >= 3,
        clock=time.clock,
        sleep=time.sleep,
    )
    assert tally.sent == 3


def test_without_an_upload_there_is_no_time_for_one() -> None:
    assert Tally().as_dict()["p50_seconds"] is None


def test_who_is_told_to_stop_while_all_connections_are_busy_sends_nothing_more() -> None:
    stopping: list[bool] = []

    def upload(name: str, data: bytes) -> str:
        stopping.append(True)
        return ""

    tally = send_all(
        [Due(0, number, Size.BROKEN) for number in range(100)],
        upload,
        seed=1,
        connections=1,
        is_stopping=lambda: bool(stopping),
    )
    assert tally.sent == 1


def test_uploads_that_wait_for_a_connection_are_sent_late_and_counted() -> None:
    time, lock = Time(), threading.Lock()

    def upload(name: str, data: bytes) -> str:
        with lock:
            time.now += 3
        return ""

    tally = send_all(
        [Due(0, number, Size.BROKEN) for number in range(4)],
        upload,
        seed=1,
        connections=1,
        is_stopping=lambda: False,
        clock=time.clock,
        sleep=time.sleep,
    )
    assert (tally.sent, tally.late) == (4, 3)


def test_an_error_that_nobody_foresaw_is_raised_and_not_lost() -> None:
    def upload(name: str, data: bytes) -> str:
        raise LookupError(name)

    with pytest.raises(LookupError):
        send_all(
            [Due(0, number, Size.BROKEN) for number in range(100)],
            upload,
            seed=1,
            connections=1,
            is_stopping=lambda: False,
        )


def test_quantiles_are_of_all_uploads_and_a_watcher_sees_the_same_tally() -> None:
    tally = Tally(seconds=[number / 100 for number in range(101)])
    assert (tally.quantile_seconds(0.5), tally.quantile_seconds(0.95)) == (0.5, 0.95)
    given = send_all(
        [Due(0, 0, Size.BROKEN)],
        lambda name, data: "",
        seed=1,
        connections=1,
        is_stopping=lambda: False,
        tally=tally,
    )
    assert given is tally
    assert tally.sent == 1
