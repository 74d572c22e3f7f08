"""How a worker reads captures."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from trimming.apart import readers
from trimming.apart.process import apart, here
from trimming.engine import warm
from trimming.engine.errors import EngineError

pytestmark = pytest.mark.no_cover


@pytest.fixture(autouse=True)
def _prepared_anew() -> Iterator[None]:
    readers.prepare.cache_clear()
    yield
    readers.prepare.cache_clear()


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What samples are trimmed by, instead of trimming them."""
    found: list[list[str]] = []
    monkeypatch.setattr(warm, "trim_samples", found.append)
    return found


def test_on_linux_captures_are_read_apart_by_a_worker_that_has_loaded_all_once(
    monkeypatch: pytest.MonkeyPatch, samples: list[list[str]]
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    found = readers.doing()
    readers.doing()
    assert getattr(found, "func", None) is apart
    assert samples == [["legacy", "scanning"]]


def test_a_reader_may_be_silent_for_less_than_a_lease() -> None:
    assert readers.SILENT_SHARE < 1


def test_on_other_systems_a_worker_reads_captures_itself(
    monkeypatch: pytest.MonkeyPatch, samples: list[list[str]]
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert readers.doing() is here
    assert samples == []


def test_what_a_system_lacks_is_told_once(
    monkeypatch: pytest.MonkeyPatch, samples: list[list[str]]
) -> None:
    monkeypatch.setattr(readers, "lacking", lambda: ("Landlock",))
    with capture_logs() as logs:
        readers.prepare()
        readers.prepare()
    assert [(each["event"], each["lacking"]) for each in logs] == [
        ("readers_less_confined", ("Landlock",))
    ]


def test_samples_that_cannot_be_trimmed_cost_time_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(names: list[str]) -> None:
        raise EngineError("no room")

    monkeypatch.setattr(warm, "trim_samples", fail)
    monkeypatch.setattr(readers, "lacking", tuple)
    with capture_logs() as logs:
        readers.prepare()
    assert [each["event"] for each in logs] == ["readers_not_prepared"]
