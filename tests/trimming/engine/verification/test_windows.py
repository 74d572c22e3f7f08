"""What is said in windows is what is said record by record, whatever the capture and the output."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.captures import Conversation
from tests.trimming.engine.rough_captures import rough_capture
from tests.trimming.engine.test_real_captures import CAPTURES, needs_captures
from tests.trimming.engine.verification.dialogues import spoiled_dialogues
from tests.trimming.engine.verification.differential import (
    OPTIONS,
    WINDOW_BYTES,
    small_windows,
    spoiled_output,
    spoiled_plan,
    trimmed_by_legacy,
    walked,
    windowed,
)
from tests.trimming.engine.verification.test_verify import CLEAN, SAFE, head
from tests.trimming.engine.verification.trimmed import Body, Trimmed, trimmed, verify_files
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import PROFILES
from trimming.engine.plan import MaskPlan
from trimming.engine.verification import SMALL_BYTES, verify
from trimming.engine.verification.connections import Connections
from trimming.engine.verification.judge import Judge

ROOT = Path(__file__).resolve().parents[4]
SHORT_SEEDS, LONG_SEEDS = 60, 5000
ROUGH_SEEDS = 40
BIG = bytes(range(1, 256)) * 4000


def assert_same_of_dialogues(seed: int, folder: Path, patch: pytest.MonkeyPatch) -> None:
    case, before, after = spoiled_dialogues(seed)
    paths = folder / "before", folder / "after"
    paths[0].write_bytes(before)
    paths[1].write_bytes(after)
    with case.plan() as plan:
        expected = walked(*paths, plan)
        with patch.context() as patched:
            small_windows(patched, WINDOW_BYTES[seed % len(WINDOW_BYTES)])
            assert windowed(*paths, plan) == expected, seed


def test_dialogues_badly_carried_and_badly_masked_are_judged_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(SHORT_SEEDS):
        assert_same_of_dialogues(seed, tmp_path, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("block", range(10))
def test_many_dialogues_are_judged_the_same(
    block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(block * LONG_SEEDS // 10, (block + 1) * LONG_SEEDS // 10):
        assert_same_of_dialogues(seed, tmp_path, monkeypatch)


def assert_same_of_rough_capture(seed: int, folder: Path, patch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    source, output, spoiled = (folder / name for name in ("in", "out", "spoiled"))
    source.write_bytes(rough_capture(seed))
    with MaskPlan(OPTIONS[seed % len(OPTIONS)]) as plan:
        if not trimmed_by_legacy(source, output, plan):
            return
        for attempt in range(4):
            data = output.read_bytes()
            if attempt > 1:
                data = spoiled_output(source.read_bytes(), data, rng)
            spoiled.write_bytes(data)
            with spoiled_plan(plan, rng) if attempt else MaskPlan(plan.options) as other:
                judged = other if attempt else plan
                expected = walked(source, spoiled, judged)
                with patch.context() as patched:
                    small_windows(patched, rng.choice(WINDOW_BYTES))
                    assert windowed(source, spoiled, judged) == expected, (seed, attempt)


@pytest.mark.slow
def test_rough_captures_are_judged_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(ROUGH_SEEDS):
        assert_same_of_rough_capture(seed, tmp_path, monkeypatch)


@needs_captures
@pytest.mark.slow
@pytest.mark.parametrize("source", CAPTURES[::3], ids=lambda path: path.name)
def test_captures_of_others_are_judged_the_same(source: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for profile in PROFILES.values():
        with MaskPlan(profile) as plan:
            assert trimmed_by_legacy(source, output, plan)
            result = windowed(source, output, plan)
            assert result == walked(source, output, plan)
            assert not isinstance(result, str)
            assert result.passed


@pytest.mark.slow
def test_kernels_as_they_are_written_reach_nothing_out_of_range() -> None:
    run_dialogues(30, {"NUMBA_DISABLE_JIT": "1"})


@pytest.mark.long
def test_compiled_kernels_reach_nothing_out_of_range() -> None:
    from trimming.engine.kernel import CACHE_VARIABLE, cache_root

    # Numba's cache does not tell kernels with checks from those without
    checked = {"NUMBA_BOUNDSCHECK": "1", CACHE_VARIABLE: str(cache_root() / "checked")}
    run_dialogues(2000, checked)


def run_dialogues(count: int, environment: dict[str, str]) -> None:
    """Judge dialogues in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.judging", str(count)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- what goes where -----------------------------------------------------------------------------


def in_windows(case: Trimmed, folder: Path) -> object:
    before, after = case.files()
    paths = folder / "before", folder / "after"
    paths[0].write_bytes(before)
    paths[1].write_bytes(after)
    with case.plan() as plan:
        return windowed(*paths, plan)


@pytest.mark.parametrize("name", [name for name in SAFE if name != "late_and_repeated"])
@pytest.mark.parametrize("ipv6", [False, True])
def test_kernels_alone_judge_what_is_plain(
    name: str, ipv6: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("not a kernel")

    monkeypatch.setattr(Judge, "packet", refuse)
    monkeypatch.setattr(Connections, "add", refuse)
    in_windows(trimmed(CLEAN[name], ipv6=ipv6), tmp_path)


def swapped(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    text = head(5000) + body(BIG[:5000])
    for start in (0, 3000, 1000, 2000, 4000, 1000):
        c.segment("server", start, text[start : start + 1000])
    c.segment("server", 5000, text[5000:])


def test_kernels_alone_judge_what_comes_out_of_order_or_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("not a kernel")

    case = trimmed(swapped)
    assert case.verify().findings == ()
    monkeypatch.setattr(Connections, "add", refuse)
    in_windows(case, tmp_path)


def big(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    c.server(head(len(BIG)) + body(BIG))
    c.fin()


def test_progress_is_told_once_a_window_and_ends_a_verification(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = trimmed(big)
    before, after = case.files()
    paths = tmp_path / "before", tmp_path / "after"
    paths[0].write_bytes(before)
    paths[1].write_bytes(after)
    assert len(before) > SMALL_BYTES
    small_windows(monkeypatch, 1 << 18)
    told: list[int] = []
    with case.plan() as plan, CaptureFile(paths[0]) as original, CaptureFile(paths[1]) as output:
        assert verify(original, output, plan, told.append).passed
        assert told == sorted(told)
        assert told[-1] == len(before)
        assert len(told) > 3

        def stop(_: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            verify(original, output, plan, stop)


def test_a_leak_in_a_large_output_is_found() -> None:
    case = trimmed(big)
    index = len(case.before) // 2
    case.unmask(index, 100, 101)
    assert verify_files(*case.files(), case.plan()).findings[0].packet == index + 1


def test_a_small_output_is_verified_without_loading_kernels() -> None:
    code = (
        "import sys\n"
        "from tests.trimming.engine.verification.small import verify_one\n"
        "assert verify_one().passed\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
