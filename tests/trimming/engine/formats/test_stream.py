"""Bytes in windows: packed data in pieces, ended early, damaged, or far too much of them."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from trimming.engine.errors import InputError
from trimming.engine.formats import stream as engine
from trimming.engine.formats.records import Tail
from trimming.engine.formats.stream import ByteStream, is_packed, open_stream

NOISE = random.Random(1).randbytes(200_000)  # packs badly: many reads of the file
MANY = 1 << 30


def _zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(data)


Pack = Callable[[bytes], bytes]
PACKERS = [pytest.param(gzip.compress, id="gzip"), pytest.param(_zstd, id="zstandard")]


def _open(data: bytes, limit: int = MANY) -> ByteStream:
    return open_stream(io.BytesIO(data), "some.pcap", limit)


def _everything(stream: ByteStream, count: int = 50_000) -> bytes:
    pieces = []
    while piece := stream.read(count):
        pieces.append(piece)
    stream.finish()
    return b"".join(pieces)


def test_plain_bytes_come_as_they_are() -> None:
    stream = _open(NOISE)
    assert stream.read(3) == NOISE[:3]
    assert stream.position == 3
    assert _everything(stream) == NOISE[3:]
    assert (stream.position, stream.packed_position) == (len(NOISE), len(NOISE))
    assert stream.tail is None


@pytest.mark.parametrize("pack", PACKERS)
@pytest.mark.parametrize("data", [b"", b"x", NOISE, bytes(3_000_000)], ids=len)
@pytest.mark.parametrize("count", [7_001, 3_000_000])
def test_packed_bytes_are_unpacked(pack: Pack, data: bytes, count: int) -> None:
    packed = pack(data)
    stream = _open(packed)
    assert _everything(stream, count) == data
    assert stream.tail is None
    assert (stream.position, stream.packed_position) == (len(data), len(packed))


@pytest.mark.parametrize("pack", PACKERS)
def test_several_members_are_one_stream(pack: Pack) -> None:
    pieces = [b"", b"a", b"", NOISE, b"bc", bytes(100_000)]
    stream = _open(b"".join(map(pack, pieces)))
    assert _everything(stream) == b"".join(pieces)
    assert stream.tail is None


@pytest.mark.parametrize("pack", PACKERS)
def test_peeking_looks_over_the_borders_of_members_and_takes_nothing(pack: Pack) -> None:
    stream = _open(pack(b"ab") + pack(b"") + pack(b"cdefgh"))
    assert stream.peek(8) == b"abcdefgh"
    assert stream.position == 0
    assert stream.read(9) == b"abcdefgh"


@pytest.mark.parametrize("size", [0, 5, 5000])
@pytest.mark.parametrize("following", [b"", b"behind"])
def test_a_frame_to_be_skipped_holds_nothing(size: int, following: bytes) -> None:
    # RFC 8878, section 3.1.2
    skippable = struct.pack("<II", 0x184D2A50, size) + bytes(size)
    stream = _open(_zstd(b"before") + skippable + skippable + _zstd(following))
    assert _everything(stream) == b"before" + following
    assert stream.tail is None


@pytest.mark.parametrize("zeros", [1, 511, 200_000])
def test_zeros_may_pad_gzip_data(zeros: int) -> None:
    packed = gzip.compress(b"before") + bytes(zeros)
    stream = _open(packed)
    assert _everything(stream) == b"before"
    assert stream.tail is None
    stream = _open(packed + gzip.compress(b"behind"))
    assert _everything(stream) == b"beforebehind"


def test_other_bytes_behind_gzip_data_are_left_out_and_named() -> None:
    stream = _open(gzip.compress(b"before") + b"junk")
    assert _everything(stream) == b"before"
    assert stream.tail == Tail(6, 0, "other bytes follow the gzip data")


@pytest.mark.parametrize(
    ("pack", "reason"),
    [
        (gzip.compress, "the gzip data end early"),
        (_zstd, "the zstandard data end early"),
    ],
)
@pytest.mark.parametrize("count", [1, 1000, 3_000_000])
def test_packed_data_that_end_early_give_what_there_is(pack: Pack, reason: str, count: int) -> None:
    data = NOISE[:1000] + bytes(2_000)
    packed = pack(data)
    for kept in (4, len(packed) // 2, len(packed) - 1):
        stream = _open(packed[:kept])
        unpacked = _everything(stream, count)
        assert data.startswith(unpacked)
        assert stream.tail == Tail(len(unpacked), 0, reason)


def test_what_waits_in_the_unpacker_at_an_early_end_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "WINDOW_BYTES", 16)
    packed = gzip.compress(b"a" * 3000)[:-8]  # all the data, but no check value
    stream = _open(packed)
    assert _everything(stream, 5) == b"a" * 3000
    assert stream.tail == Tail(3000, 0, "the gzip data end early")


def test_a_record_that_was_cut_is_the_better_reason() -> None:
    stream = _open(gzip.compress(NOISE)[:-100])
    stream.cut(5, 3, "a packet is incomplete")
    _everything(stream)
    assert stream.tail == Tail(5, 3, "a packet is incomplete")


@pytest.mark.parametrize(
    ("pack", "name"), [(gzip.compress, "sound gzip data"), (_zstd, "sound zstandard data")]
)
@pytest.mark.parametrize("place", [0.5, 0.99])
def test_damaged_data_are_refused_where_they_are(pack: Pack, name: str, place: float) -> None:
    packed = bytearray(pack(NOISE[:100_000] + b"a" * 50_000))
    at = int(len(packed) * place)
    packed[at : at + 16] = bytes(b ^ 0xFF for b in packed[at : at + 16])
    with pytest.raises(InputError) as refusal:
        _everything(_open(bytes(packed)))
    assert refusal.value.expected == name
    assert refusal.value.found == "damaged data there or soon behind"
    assert 0 <= refusal.value.offset <= len(packed)


def test_a_wrong_check_value_is_damage() -> None:
    packed = bytearray(gzip.compress(b"data"))
    packed[-8] ^= 1
    with pytest.raises(InputError, match="sound gzip data"):
        _everything(_open(bytes(packed)))


def test_a_zstandard_window_beyond_all_measure_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(b"data") + packer.flush()
    with pytest.raises(InputError, match="sound zstandard data"):
        _everything(_open(packed))


@pytest.mark.parametrize("pack", PACKERS)
def test_a_bomb_is_stopped_at_the_limit(pack: Pack) -> None:
    stream = _open(pack(bytes(5_000_000)), limit=100_000)
    with pytest.raises(InputError) as refusal:
        _everything(stream, 10_000)
    assert refusal.value.offset == 100_000
    assert refusal.value.expected == "at most 100000 unpacked bytes (limits.max_unpacked_bytes)"
    assert refusal.value.found == "more"
    assert stream.position <= 110_000


@pytest.mark.parametrize("pack", PACKERS)
def test_data_of_just_the_limit_are_read(pack: Pack) -> None:
    assert _everything(_open(pack(bytes(100_000)), limit=100_000)) == bytes(100_000)


def test_one_call_of_the_zstandard_unpacker_makes_a_bounded_amount() -> None:
    # 4 bytes of a run-length block give 128 KiB (RFC 8878, section 3.1.1.2)
    header = engine.ZSTD_MAGIC + b"\x00\x58"  # no checksum, a window of 2 MiB
    block = ((128 << 10) << 3 | 1 << 1).to_bytes(3, "little") + b"\0"
    stream = _open(header + block * 1000, limit=1 << 20)
    with pytest.raises(InputError, match="at most 1048576 unpacked bytes"):
        _everything(stream)
    assert stream.packed_position <= 2 * engine.ZSTD_FEED_BYTES


def test_a_file_that_cannot_be_read_is_refused() -> None:
    class Broken(io.BytesIO):
        def read(self, count: int | None = -1) -> bytes:
            if count == 4:
                return super().read(count)
            raise OSError(5, "Input/output error")

        def readinto(self, buffer: object) -> int:
            raise OSError(5, "Input/output error")

    stream = open_stream(Broken(b"some bytes"), "some.pcap", MANY)
    with pytest.raises(InputError) as refusal:
        stream.read(1)
    assert str(refusal.value) == (
        "some.pcap: byte 0: expected a readable file, found Input/output error"
    )


def test_two_streams_over_one_file_do_not_disturb_each_other() -> None:
    file = io.BytesIO(gzip.compress(NOISE))
    first, second = (open_stream(file, "some.pcap", MANY) for _ in range(2))
    halves = first.read(100_000), second.read(150_000)
    assert halves[0] + _everything(first) == halves[1] + _everything(second) == NOISE


@pytest.mark.parametrize(
    ("data", "packed"),
    [(gzip.compress(b""), True), (_zstd(b""), True), (b"", False), (zlib.compress(b""), False)],
)
def test_packed_files_are_known_by_their_first_bytes(data: bytes, packed: bool) -> None:
    assert is_packed(io.BytesIO(data)) is packed


@given(st.binary(max_size=300), st.sampled_from([engine.GZIP_MAGIC, engine.ZSTD_MAGIC, b""]))
def test_any_bytes_give_data_or_a_refusal(data: bytes, magic: bytes) -> None:
    with contextlib.suppress(InputError):
        assert len(_everything(_open(magic + data, limit=1 << 22))) <= 1 << 22


@pytest.mark.parametrize(
    ("pack", "least"), [(bytes, 1), (gzip.compress, 900), (zstandard.compress, 900)]
)
def test_the_expansion_is_known_before_the_end(
    pack: Callable[[bytes], bytes], least: float
) -> None:
    packed = pack(bytes(64 << 20))
    stream = open_stream(io.BytesIO(packed), "zeros", 1 << 40)
    assert stream.expansion == 1
    stream.read(1 << 20)
    assert least <= stream.expansion <= 1.1 * (64 << 20) / len(packed) + 0.1
