"""A file that appears whole or not at all."""

from __future__ import annotations

import errno
import gzip
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard

from trimming.engine import output as engine
from trimming.engine.errors import CancelledError, InputError, OutputError
from trimming.engine.output import AtomicOutput, Chunk

CHUNKS = [b"first ", b"", b"second ", b"third"]
WHOLE = b"".join(CHUNKS)


def _write(path: Path, chunks: list[bytes]) -> int:
    with AtomicOutput(path) as output:
        size = output.write(chunks)
        output.commit()
    return size


def _files(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_holds_all_chunks_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    assert _write(path, CHUNKS) == len(WHOLE)
    assert path.read_bytes() == WHOLE
    assert _files(tmp_path) == ["out.pcap"]


@pytest.mark.parametrize("name", ["out.pcap.gz", "out.GZ"])
def test_a_name_that_ends_in_gz_is_packed_with_gzip(tmp_path: Path, name: str) -> None:
    size = _write(tmp_path / name, CHUNKS)
    packed = (tmp_path / name).read_bytes()
    assert len(packed) == size
    assert gzip.decompress(packed) == WHOLE


def test_the_same_bytes_make_the_same_gzip_file_whatever_its_name_and_time(tmp_path: Path) -> None:
    for name in ("a.gz", "b.gz"):
        _write(tmp_path / name, CHUNKS)
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert (tmp_path / "a.gz").read_bytes()[4:8] == bytes(4)


def test_a_name_that_ends_in_zst_is_packed_with_zstandard(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap.zst"
    size = _write(path, CHUNKS)
    packed = path.read_bytes()
    assert len(packed) == size
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        assert reader.read() == WHOLE


def test_more_than_a_window_is_written_in_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FLUSH_BYTES", 10)
    _write(tmp_path / "out", [bytes([n]) * n for n in range(30)])
    assert (tmp_path / "out").read_bytes() == b"".join(bytes([n]) * n for n in range(30))


@pytest.mark.parametrize("name", ["out", "out.gz", "out.zst"])
@pytest.mark.parametrize("flush_bytes", [1, 10, 1 << 20])
def test_chunks_may_be_any_bytes_and_may_change_once_the_next_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, flush_bytes: int
) -> None:
    monkeypatch.setattr(engine, "FLUSH_BYTES", flush_bytes)
    window = np.zeros(24, np.uint8)

    def reused() -> Iterator[Chunk]:
        for number in range(1, 5):
            window[:] = number
            yield window[: 6 * number].data
            yield bytearray(window[:2].tobytes())
            yield memoryview(window[:0].tobytes())

    with AtomicOutput(tmp_path / name) as output:
        output.write(reused())
        output.commit()
    whole = b"".join(bytes([n]) * (6 * n + 2) for n in range(1, 5))
    packed = (tmp_path / name).read_bytes()
    unpack: dict[str, Callable[[bytes], bytes]] = {
        "out": bytes,
        "out.gz": gzip.decompress,
        "out.zst": lambda data: zstandard.ZstdDecompressor().stream_reader(data).read(),
    }
    assert unpack[name](packed) == whole


def test_a_large_chunk_is_written_without_a_copy() -> None:
    large = np.zeros(engine.FLUSH_BYTES, np.uint8)
    pieces = list(engine._pieces([b"small", large.data, b"small"]))
    assert [len(piece) for piece in pieces] == [5, len(large), 5]
    assert np.shares_memory(np.asarray(pieces[1]), large)


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how much of the file was written at each sync beside the writing."""
    sizes: list[int] = []
    monkeypatch.setattr(engine, "FLUSH_BYTES", 10)
    monkeypatch.setattr(engine, "SYNC_BYTES", 100)
    monkeypatch.setattr(engine, "_sync_data", lambda file: sizes.append(os.fstat(file).st_size))
    return sizes


def test_a_large_file_is_synced_step_by_step_while_it_is_written(
    tmp_path: Path, synced: list[int]
) -> None:
    _write(tmp_path / "out", [bytes(10)] * 100)
    assert len(synced) == 10
    assert synced == sorted(synced)
    assert synced[0] < 300


def test_a_small_file_is_synced_once_at_the_end(
    tmp_path: Path, synced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[int] = []
    monkeypatch.setattr(os, "fsync", ends.append)
    _write(tmp_path / "out", [bytes(10)] * 9)
    assert (synced, len(ends)) == ([], 2)  # the file and its folder


def test_a_sync_that_fails_beside_the_writing_fails_the_whole(
    tmp_path: Path, synced: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(engine, "_sync_data", fail)
    with pytest.raises(OutputError, match="Input/output error"):
        _write(tmp_path / "out", [bytes(10)] * 11)
    assert _files(tmp_path) == []


def test_a_last_sync_that_fails_leaves_nothing_under_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    path = tmp_path / "out"
    with AtomicOutput(path) as output:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fail)
            output.write(CHUNKS)
            output._syncing.end()  # type: ignore[union-attr]  # it was written to
        with pytest.raises(OutputError, match="Input/output error"):
            output.commit()
    assert _files(tmp_path) == []


def test_whoever_stops_the_writing_waits_for_one_step_at_most(
    tmp_path: Path, synced: list[int]
) -> None:
    def stopped() -> Iterator[bytes]:
        for _ in range(25):
            yield bytes(10)
        raise CancelledError("enough")

    before = threading.active_count()
    with pytest.raises(CancelledError), AtomicOutput(tmp_path / "out") as output:
        output.write(stopped())
    assert _files(tmp_path) == []
    assert threading.active_count() == before


def test_nothing_at_all_is_a_file_too(tmp_path: Path) -> None:
    assert _write(tmp_path / "out", []) == 0
    assert _files(tmp_path) == ["out"]


def test_nothing_appears_before_the_commit(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    with AtomicOutput(path) as output:
        output.write(CHUNKS)
        assert not path.exists()
        assert output.partial.read_bytes() == WHOLE
        assert output.partial.name.startswith(".")
        output.commit()
        assert path.exists()


def test_without_a_commit_nothing_is_left_and_what_was_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    path.write_bytes(b"old")
    with AtomicOutput(path) as output:
        output.write(CHUNKS)
    assert _files(tmp_path) == ["out.pcap"]
    assert path.read_bytes() == b"old"


def test_a_commit_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out.pcap"
    path.write_bytes(b"old")
    _write(path, CHUNKS)
    assert path.read_bytes() == WHOLE


@pytest.mark.parametrize("name", ["out", "out.gz", "out.zst"])
def test_a_failure_of_the_input_leaves_nothing(tmp_path: Path, name: str) -> None:
    def failing() -> Iterator[bytes]:
        yield b"some"
        raise InputError("in", 0, "a packet", "none")

    with pytest.raises(InputError), AtomicOutput(tmp_path / name) as output:
        output.write(failing())
    assert _files(tmp_path) == []


class _FullFile:
    """A file on a disk that has room for ``room`` bytes, and takes 3 at a time."""

    def __init__(self, file: Any, room: int) -> None:
        self._file = file
        self._room = room

    def __enter__(self) -> _FullFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def write(self, data: bytes | memoryview) -> int:
        taken = bytes(data)[: min(3, self._room)]
        if not taken and data:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room -= len(taken)
        return int(self._file.write(taken))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _on_disk_with(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def open_full(path: Path, *args: Any, **more: Any) -> Any:
        return _FullFile(opened(path, *args, **more), room)

    monkeypatch.setattr(Path, "open", open_full)


def test_a_disk_without_room_leaves_nothing_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.pcap"
    with monkeypatch.context() as patch:
        _on_disk_with(10, patch)
        with pytest.raises(OutputError) as refusal, AtomicOutput(path) as output:
            output.write(CHUNKS)
    assert str(refusal.value) == (
        f"{path}: no space left where it should be written; nothing was kept"
    )
    assert _files(tmp_path) == []


def test_a_file_that_takes_less_than_it_is_given_is_written_to_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        _on_disk_with(1000, patch)
        _write(tmp_path / "out", CHUNKS)
    assert (tmp_path / "out").read_bytes() == WHOLE


def test_an_existing_folder_is_refused_and_stays(tmp_path: Path) -> None:
    folder = tmp_path / "out.pcap"
    folder.mkdir()
    with pytest.raises(OutputError, match="expected the name of a file, found a folder"):
        _write(folder, CHUNKS)
    assert _files(tmp_path) == ["out.pcap"]


def test_a_missing_folder_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "no" / "out.pcap"
    with pytest.raises(OutputError, match=r"the folder .*no does not exist"):
        _write(path, CHUNKS)
    assert _files(tmp_path) == []


def test_what_the_file_system_refuses_is_said_in_its_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(OutputError, match="cannot be written: Read-only file system"):
            _write(tmp_path / "out", CHUNKS)
    assert _files(tmp_path) == []


def test_an_error_without_words_of_the_system_is_said_in_its_own() -> None:
    assert str(engine.output_error(Path("out"), OSError("odd"))) == "out: cannot be written: odd"


@pytest.mark.parametrize("character", ["a", "\N{PILE OF POO}"])
def test_the_longest_name_that_a_file_system_allows_can_be_written(
    tmp_path: Path, character: str
) -> None:
    size = 255 // len(character.encode())
    path = tmp_path / (character * size)
    _write(path, CHUNKS)
    assert path.read_bytes() == WHOLE
