"""Capture files as a whole: opened, recognised, walked several times, refused."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.captures import (
    Conversation,
    enhanced,
    interface,
    names,
    pcap,
    pcapng,
    pcapng_of,
    request,
    response,
    simple,
)
from trimming.engine.errors import CancelledError, InputError
from trimming.engine.formats import capture as engine
from trimming.engine.formats.capture import CaptureFile, mistaken_for
from trimming.engine.formats.records import Tail
from trimming.engine.options import Limits

PACKETS = [b"first", b"second"]


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def _plain(data: bytes) -> bytes:
    return data


def _write(directory: Path, data: bytes) -> Path:
    path = directory / "some.pcap"
    path.write_bytes(data)
    return path


def _packets(capture: CaptureFile) -> list[bytes]:
    return [record.packet.data for record in capture.records() if record.packet is not None]


def _refusal(path: Path, limits: Limits | None = None) -> InputError:
    with pytest.raises(InputError) as refusal, CaptureFile(path, limits) as capture:
        list(capture.records())
    assert refusal.value.name == str(path)
    return refusal.value


@pytest.mark.parametrize("build", [pcap, pcapng_of])
@pytest.mark.parametrize("pack", [_plain, gzip.compress, _zstd])
def test_captures_are_read_plain_and_packed(
    build: Callable[..., bytes], pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data = build(PACKETS)
    path = _write(tmp_path, pack(data))
    with CaptureFile(path) as capture:
        assert _packets(capture) == PACKETS
        assert b"".join(record.raw for record in capture.records()) == data
        assert capture.tail is None
        assert capture.is_packed == (pack is not _plain)
        assert capture.unpacked_size() == len(data)
        assert capture.size_bytes == path.stat().st_size


def test_walks_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = _write(tmp_path, gzip.compress(pcap([bytes(1000)] * 3000)))
    with CaptureFile(path) as capture:
        count = 0
        for record, other in zip(capture.records(), capture.records(), strict=True):
            assert record.raw == other.raw
            if count == 1000:
                assert capture.is_packed
                assert capture.unpacked_size() == 24 + 3000 * 1016
            count += 1
    assert count == 3001


def test_the_tail_of_a_cut_capture_is_told_after_the_walk(tmp_path: Path) -> None:
    data = pcap(PACKETS)
    with CaptureFile(_write(tmp_path, data[:-2])) as capture:
        assert _packets(capture) == PACKETS[:1]
        assert capture.tail == Tail(24 + 21, 20, "a packet is incomplete")


def test_packed_data_that_end_early_are_told(tmp_path: Path) -> None:
    with CaptureFile(_write(tmp_path, gzip.compress(pcap(PACKETS))[:-1])) as capture:
        assert _packets(capture) == PACKETS
        assert capture.tail == Tail(24 + 21 + 22, 0, "the gzip data end early")


def test_a_walk_forgets_the_tail_of_the_one_before(tmp_path: Path) -> None:
    with CaptureFile(_write(tmp_path, pcap(PACKETS)[:-2])) as capture:
        _packets(capture)
        next(iter(capture.records()))
        assert capture.tail is None


def test_progress_is_told_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    path = _write(tmp_path, pcap([bytes(100_000)] * 40))
    told: list[int] = []
    with CaptureFile(path) as capture:
        for _ in capture.records(told.append):
            pass
    assert told == sorted(told)
    assert told[-1] == path.stat().st_size
    assert 3 <= len(told) <= 6


def test_what_progress_raises_ends_the_walk(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise CancelledError

    with CaptureFile(_write(tmp_path, pcap(PACKETS))) as capture, pytest.raises(CancelledError):
        list(capture.records(stop))


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(("magic", "what"), engine.LOOKALIKES.items())
def test_what_is_taken_for_a_capture_is_called_by_its_name(
    magic: bytes, what: str, tmp_path: Path
) -> None:
    error = _refusal(_write(tmp_path, magic + b"payload payload"))
    assert (error.offset, error.expected, error.found) == (0, engine.EXPECTED, what)
    assert "payload" not in str(error)


@pytest.mark.parametrize("pack", [_plain, gzip.compress, _zstd])
def test_an_empty_file_is_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    error = _refusal(_write(tmp_path, pack(b"")))
    assert (error.offset, error.found) == (0, "an empty file")


def test_other_bytes_are_refused_by_their_first_four(tmp_path: Path) -> None:
    error = _refusal(_write(tmp_path, b"\1\2\3\4payload"))
    assert error.found == "a file that starts with the bytes 01 02 03 04"
    assert "payload" not in str(error)


def test_packed_data_that_are_no_capture_are_refused(tmp_path: Path) -> None:
    error = _refusal(_write(tmp_path, gzip.compress(b"\x89PNG\r\n\x1a\npayload")))
    assert error.found == "a PNG picture"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    error = _refusal(tmp_path / "nowhere.pcap")
    assert (error.offset, error.expected) == (0, "a readable file")
    assert error.found == "No such file or directory"


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert _refusal(tmp_path).found == "Is a directory"


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    error = _refusal(path)
    assert (error.expected, error.found) == ("a regular file", "something else")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, pcap(PACKETS))
    with CaptureFile(path) as capture:
        walk = capture.records()
        next(walk)
        with path.open("ab") as file:
            file.write(pcap([b"payload"])[24:])
        with pytest.raises(InputError) as refusal:
            list(walk)
    assert refusal.value.expected == "a file that nobody writes to"
    assert refusal.value.found == "a changed file"
    assert "payload" not in str(refusal.value)


def test_a_file_overwritten_at_the_same_size_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, pcap(PACKETS))
    os.utime(path, ns=(1, 1))
    with CaptureFile(path) as capture:
        assert _packets(capture) == PACKETS
        path.write_bytes(pcap(PACKETS[::-1]))
        with pytest.raises(InputError, match="a changed file"):
            _packets(capture)


def test_the_limit_of_unpacked_bytes_is_not_asked_of_a_plain_file(tmp_path: Path) -> None:
    path = _write(tmp_path, pcap(PACKETS))
    with CaptureFile(path, Limits(max_unpacked_bytes=1)) as capture:
        assert _packets(capture) == PACKETS


def test_packed_data_that_are_no_capture_are_refused_before_they_are_unpacked(
    tmp_path: Path,
) -> None:
    path = _write(tmp_path, gzip.compress(bytes(5_000_000)))
    with CaptureFile(path) as capture, pytest.raises(InputError) as refusal:
        capture.unpacked_size()
    assert refusal.value.offset == 0
    assert "00 00 00 00" in refusal.value.found


@pytest.mark.parametrize("pack", [gzip.compress, _zstd])
def test_a_bomb_is_refused_at_the_limit(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = _write(tmp_path, pack(pcap([bytes(60_000)] * 100)))
    limits = Limits(max_unpacked_bytes=1_000_000)
    assert _refusal(path, limits).offset == 1_000_000
    with CaptureFile(path, limits) as capture, pytest.raises(InputError):
        capture.unpacked_size()


@pytest.mark.parametrize("build", [pcap, pcapng_of])
def test_the_limit_of_a_record_is_kept(build: Callable[..., bytes], tmp_path: Path) -> None:
    path = _write(tmp_path, build([bytes(9000)]))
    assert "of at most" in _refusal(path, Limits(max_record_bytes=100)).expected
    with CaptureFile(path, Limits(max_record_bytes=9000)) as capture:
        assert len(_packets(capture)) == 1


def test_a_file_is_closed_behind_the_context(tmp_path: Path) -> None:
    with CaptureFile(_write(tmp_path, pcap(PACKETS))) as capture:
        pass
    with pytest.raises(ValueError, match="closed"):
        list(capture.records())


# --- any bytes at all ------------------------------------------------------------------------


def _valid() -> list[bytes]:
    talk = Conversation()
    talk.handshake()
    talk.client(request())
    talk.server(response(body=b"secret" * 10))
    talk.fin()
    blocks = [interface(comment="c", tsresol=9), enhanced(b"data", options=[(1, b"c")])]
    plain = [
        talk.pcap(),
        talk.pcap(byte_order=">", modified=True),
        pcapng_of(talk.packets[:3], byte_order=">"),
        pcapng([*blocks, simple(b"abc"), names()]),
    ]
    return [*plain, gzip.compress(plain[0]), _zstd(plain[3])]


MAGICS = [b"", *(data[:4] for data in _valid())]


def _walk(directory: Path, data: bytes) -> None:
    """Read and rewrite every record; nothing but InputError may happen."""
    limits = Limits(max_unpacked_bytes=1 << 22)
    with (
        CaptureFile(_write(directory, data), limits) as capture,
        contextlib.suppress(InputError),
    ):
        for record in capture.records():
            assert len(record.resized()) == len(record.raw)
            record.without_metadata(None)
            if record.packet is not None:
                assert len(record.rewritten(record.packet.data)) <= len(record.raw)
                record.without_metadata(b"")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@given(magic=st.sampled_from(MAGICS), data=st.binary(max_size=400))
def test_any_bytes_give_records_or_a_refusal(place: Path, magic: bytes, data: bytes) -> None:
    _walk(place, magic + data)


@given(data=st.data())
def test_damaged_captures_give_records_or_a_refusal(place: Path, data: st.DataObject) -> None:
    capture = bytearray(data.draw(st.sampled_from(_valid())))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(capture)))
        length = data.draw(st.integers(0, 8))
        capture[at : at + length] = data.draw(st.binary(max_size=8))
    _walk(place, bytes(capture))


@given(data=st.data())
def test_cut_captures_lose_only_their_end(place: Path, data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from(_valid()[:4]))
    kept = data.draw(st.integers(28, len(whole)))
    with CaptureFile(_write(place, whole[:kept])) as capture:
        read = b"".join(record.raw for record in capture.records())
        lost = capture.tail.length if capture.tail else 0
    assert whole.startswith(read)
    assert len(read) + lost == kept


@pytest.mark.parametrize("build", [pcap, pcapng_of])
@pytest.mark.parametrize("pack", [_plain, gzip.compress, _zstd])
def test_a_look_at_the_start_stops_when_it_has_seen_enough(
    build: Callable[..., bytes], pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    data = build([bytes(1000)] * 100)
    with CaptureFile(_write(tmp_path, pack(data))) as capture:
        start = capture.look_at_start(10_000)
        assert not start.is_whole
        assert 10_000 <= start.walked_bytes < 12_000
        assert start.packets in (9, 10)
        whole = capture.look_at_start(10**9)
        assert whole.is_whole
        assert (whole.packets, whole.walked_bytes) == (100, len(data))
        assert whole.expansion == pytest.approx(len(data) / capture.size_bytes)


def test_a_look_at_a_capture_without_packets_is_fine_and_without_a_whole_one_is_not(
    tmp_path: Path,
) -> None:
    with CaptureFile(_write(tmp_path, pcap([]))) as capture:
        assert capture.look_at_start(100).packets == 0
    with (
        CaptureFile(_write(tmp_path, pcap(PACKETS)[:42])) as capture,
        pytest.raises(InputError, match="at least one whole packet"),
    ):
        capture.look_at_start(100)


@pytest.mark.parametrize(("build", "name"), [(pcap, "pcap"), (pcapng_of, "pcapng")])
@pytest.mark.parametrize(
    ("pack", "packing"), [(_plain, ""), (gzip.compress, ", gzip"), (_zstd, ", zstandard")]
)
def test_the_format_has_a_name(
    build: Callable[..., bytes],
    name: str,
    pack: Callable[[bytes], bytes],
    packing: str,
    tmp_path: Path,
) -> None:
    with CaptureFile(_write(tmp_path, pack(build(PACKETS)))) as capture:
        assert capture.file_format == name + packing


def test_the_first_bytes_tell_what_is_no_capture() -> None:
    for known in (pcap([]), pcapng_of([]), gzip.compress(b""), _zstd(b"")):
        assert mistaken_for(known[:8]) is None
    assert mistaken_for(b"") == "an empty file"
    assert mistaken_for(b"\x89PNG\r\n\x1a\n") == "a PNG picture"
    assert mistaken_for(b"abcd") == "a file that starts with the bytes 61 62 63 64"
