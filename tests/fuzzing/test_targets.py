"""The targets of fuzzers: they take what is right, and say what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.factories import capture_bytes
from tests.fuzzing import targets
from tests.fuzzing.seeds import MOST_BYTES, WORDS, seeds, write_seeds, write_words
from tests.fuzzing.targets import TARGETS, WrongError
from trimming.engine import pipeline
from trimming.engine.strategies.legacy.strategy import LegacyStrategy

pytestmark = pytest.mark.no_cover
ROOT = Path(__file__).parents[2]
FEW = 25
FUZZ = ("-m", "tests.fuzzing.fuzz", "reader", "--seconds", "2")


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_a_target_takes_captures_and_rubbish(
    target: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "unverified", {})
    for data in (b"", b"\xff" * 40, *islice(seeds(), FEW)):
        target(data)


def leaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the legacy strategy mask nothing."""
    monkeypatch.setattr(LegacyStrategy, "plan", lambda *_: None)


def test_an_output_that_its_verification_refuses_is_noted_with_its_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(targets, "unverified", {})
    leaking(monkeypatch)
    data = capture_bytes()
    targets.legacy(data)
    assert targets.unverified == {"kept-bytes": data}


def test_strategies_that_differ_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    leaking(monkeypatch)
    with pytest.raises(WrongError, match="bytes"):
        targets.scanning(capture_bytes())


def test_a_crash_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: Any) -> None:
        raise LookupError

    monkeypatch.setattr(LegacyStrategy, "plan", crash)
    with pytest.raises(LookupError):
        targets.legacy(capture_bytes())


def test_walks_that_differ_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "walks_differ", lambda *_: "records or packets differ")
    with pytest.raises(WrongError, match="records or packets differ"):
        targets.reader(capture_bytes())


def test_what_was_not_verified_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipeline.trim

    def unverified(*given: Any, **named: Any) -> Any:
        return real(*given, **named, verified=False)

    monkeypatch.setattr(targets, "trim", unverified)
    with pytest.raises(WrongError, match="without a verification"):
        targets.legacy(capture_bytes())


def test_what_is_left_behind_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipeline.trim

    def untidy(source: Path, *given: Any, **named: Any) -> Any:
        (source.parent / "more").touch()
        return real(source, *given, **named)

    monkeypatch.setattr(targets, "trim", untidy)
    with pytest.raises(WrongError, match="left behind: 1 files"):
        targets.legacy(capture_bytes())


def test_seeds_are_small_and_of_the_generators_alone(tmp_path: Path) -> None:
    count = write_seeds(tmp_path / "seeds")
    files = list((tmp_path / "seeds").iterdir())
    assert len(files) == count > 100
    assert max(path.stat().st_size for path in files) <= 2 * MOST_BYTES


def test_words_are_written_as_a_dictionary(tmp_path: Path) -> None:
    write_words(tmp_path / "words")
    lines = (tmp_path / "words").read_text().splitlines()
    assert len(lines) == len(WORDS)
    assert lines[0] == r'"\x47\x45\x54\x20\x2f\x20\x48\x54\x54\x50\x2f\x31\x2e\x31\x0d\x0a"'


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("atheris"), reason="atheris is not there for this system")
def test_a_fuzzer_is_guided_by_coverage_and_keeps_what_is_wrong(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *FUZZ, "--folder", str(tmp_path)],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "stat::number_of_executed_units" in done.stderr
    # new paths were found, so the code is seen
    assert any(path.name.isalnum() for path in (tmp_path / "reader").iterdir())
