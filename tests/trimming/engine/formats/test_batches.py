"""Windows hold the very records that the record-by-record readers give, and refuse the same."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.trimming.engine.formats.walks import one_by_one, records_of, walks_differ
from tests.trimming.engine.rough_captures import rough_capture
from trimming.engine.formats import batches as engine
from trimming.engine.formats.batches import read_batches
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.stream import open_stream
from trimming.engine.options import Limits


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), small=st.booleans())
def test_windows_give_what_the_readers_give(seed: int, small: bool, tmp_path: Path) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(rough_capture(seed))
    limits = Limits(max_record_bytes=600) if small else Limits()
    assert not walks_differ(path, limits)


@pytest.mark.parametrize("seed", [3, 8, 21, 34])
def test_a_window_smaller_than_a_record_grows(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(next(filter(_is_sound, map(rough_capture, count(seed * 100)))))
    raw, _, _, refusal = one_by_one(path, Limits())
    monkeypatch.setattr(engine, "MAX_PACKETS", 3)
    found: list[bytes] = []
    with path.open("rb") as file:
        stream = open_stream(file, "in.pcap", 1 << 30)
        for batch in read_batches(stream, "in.pcap", 1 << 24, window_bytes=64):
            assert len(batch) <= 3
            found += [record.raw for record in records_of(batch)]
    assert not refusal
    assert found == raw


def _is_sound(data: bytes) -> bool:
    return data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a") and len(data) > 2000


def test_progress_is_told_for_every_window_and_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "in.pcap"
    path.write_bytes(rough_capture(1))
    told: list[int] = []
    with CaptureFile(path) as capture:
        for _ in capture.batches(told.append):
            pass
    assert told[-1] == path.stat().st_size
    assert told == sorted(told)
