"""TLS records: which bytes are record headers and handshake, and when the reader gives up."""

from __future__ import annotations

import pytest

from tests.trimming.engine.strategies.legacy.classing import LETTERS, spelled
from trimming.engine.strategies.legacy.tls import TlsReader

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24


def _record(kind: int, payload: bytes, version: int = 0x0303) -> bytes:
    return bytes([kind]) + version.to_bytes(2, "big") + len(payload).to_bytes(2, "big") + payload


HELLO = _record(HANDSHAKE, b"\x01" + b"h" * 40)
DATA = _record(APPLICATION_DATA, b"d" * 30)


def _classes(reader: TlsReader, *parts: bytes) -> str:
    return "".join(LETTERS[kind] * length for part in parts for length, kind in reader.feed(part))


def test_record_headers_and_handshakes_are_kept_and_application_data_is_not() -> None:
    spec, alert = _record(CHANGE_CIPHER_SPEC, b"\x01"), _record(ALERT, b"\x01\x00")
    heartbeat = _record(HEARTBEAT, b"hb")
    stream = HELLO + spec + DATA + alert + heartbeat
    expected = spelled(("T", HELLO + spec + DATA[:5]), ("O", DATA[5:]), ("T", alert))
    assert _classes(TlsReader(), stream) == expected + "TTTTTOO"


def test_the_classes_do_not_depend_on_how_the_stream_is_cut() -> None:
    stream = HELLO + DATA + HELLO + b"junk"
    whole = _classes(TlsReader(), stream)
    for size in (1, 2, 3, 7, 50):
        cut = [stream[at : at + size] for at in range(0, len(stream), size)]
        assert _classes(TlsReader(), *cut) == whole


@pytest.mark.parametrize("hello", [1, 2])
def test_a_stream_begins_with_a_hello_of_either_side(hello: int) -> None:
    assert set(_classes(TlsReader(), _record(HANDSHAKE, bytes([hello]) + b"h"))) == {"T"}


@pytest.mark.parametrize(
    ("stream", "kept"),
    [
        pytest.param(b"SSH-2.0-x\r\n", 0, id="no-tls"),
        pytest.param(DATA, 0, id="application-data-first"),
        pytest.param(_record(HANDSHAKE, b"\x04abc"), 5, id="no-hello-first"),
        pytest.param(b"\x16\x02\x00", 1, id="wrong-major-version"),
        pytest.param(b"\x16\x03\x05\x00\x05", 2, id="wrong-minor-version"),
        pytest.param(b"\x16\x03\x01\x00\x00a", 4, id="empty-record"),
        pytest.param(b"\x16\x03\x01\xff\xffa", 4, id="8446-5.1-too-long"),
    ],
)
def test_once_lost_all_is_other(stream: bytes, kept: int) -> None:
    reader = TlsReader()
    assert _classes(reader, stream) == "T" * kept + "O" * (len(stream) - kept)
    assert set(_classes(reader, HELLO)) == {"O"}


def test_an_unknown_type_behind_a_hello_ends_the_reading() -> None:
    assert _classes(TlsReader(), HELLO + b"\x19\x03\x03") == "T" * len(HELLO) + "OOO"


def test_the_longest_record_of_any_version_is_read() -> None:
    record = _record(APPLICATION_DATA, bytes((1 << 14) + 2048))
    letters = _classes(TlsReader(), HELLO + record + HELLO)
    assert letters.endswith("O" + "T" * len(HELLO))


def test_bytes_missing_inside_a_record_do_not_lose_the_framing() -> None:
    reader = TlsReader()
    _classes(reader, HELLO + DATA[:10])
    reader.skip(10)
    assert _classes(reader, DATA[20:] + HELLO) == "O" * 15 + "T" * len(HELLO)


@pytest.mark.parametrize("missing", [25, 26])
def test_bytes_missing_past_the_end_of_a_record_lose_it(missing: int) -> None:
    reader = TlsReader()
    _classes(reader, HELLO + DATA[:10])
    reader.skip(missing)
    assert set(_classes(reader, HELLO)) == {"O"}


def test_bytes_missing_before_the_hello_lose_it() -> None:
    reader = TlsReader()
    _classes(reader, HELLO[:5])
    reader.skip(1)
    assert set(_classes(reader, HELLO[6:])) == {"O"}
