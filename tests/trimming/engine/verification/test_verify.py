"""Right outputs pass, and every mutant of one is caught."""

from __future__ import annotations

import random

import pytest

from tests.captures import Conversation, chunked, request, response
from tests.trimming.engine.verification.trimmed import Body, Script, Trimmed, trimmed

RANDOM = random.Random(1).randbytes(4000)
TEXT = b"The quick brown fox jumps over the lazy dog, again and again.\n" * 40
FIELD_LIKE = b"Content-Type: text/plain\r\nX-Secret: 12345\r\nSet-Cookie: a=b\r\n" * 30
COMPLETE = response(body=b"x" * 50) + response(404, "Not Found", body=FIELD_LIKE)
BODIES = {
    "binary": RANDOM,
    "text": TEXT,
    "field-like": FIELD_LIKE,
    "complete": COMPLETE,
    "one byte": b"A",
    "size-like": b"dead\r\nbeef\r\n",
}


def head(length: int, *fields: tuple[str, str]) -> bytes:
    """A response head that announces a body."""
    return response(fields=[*fields, ("Content-Length", str(length))], content_length=False)


def simple(text: bytes) -> Script:
    """One request, one response with ``text`` as its body."""

    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(head(len(text)) + body(text))
        c.client(request(target="/next"))
        c.server(head(len(text)) + body(text))
        c.fin()

    return script


def chunked_body(body: Body, chunks: list[bytes], **how: object) -> bytes:
    """A chunked body, its data passed through ``body``."""
    return chunked([body(chunk) for chunk in chunks], **how)  # type: ignore[arg-type]


CHUNKED_HEAD = response(fields=[("Transfer-Encoding", "chunked")], content_length=False)


@pytest.fixture(params=list(BODIES))
def text(request: pytest.FixtureRequest) -> bytes:
    return BODIES[request.param]


def test_the_right_output_has_no_findings(text: bytes) -> None:
    result = trimmed(simple(text)).verify()
    assert result.findings == ()
    assert result.http_streams == 2
    assert result.header_blocks == 4
    assert result.masked_bytes == 2 * len(text)


def body_spans(case: Trimmed) -> list[tuple[int, int, int]]:
    return [(i, *span) for i, spans in enumerate(case.spans) for span in spans]


def test_a_whole_body_left_out_of_the_plan_is_found(text: bytes) -> None:
    case = trimmed(simple(text))
    for index, start, end in body_spans(case):
        case.unmask(index, start, end)
    assert case.rules() == {"kept-bytes"}


def test_one_byte_left_unmasked_is_found(text: bytes) -> None:
    case = trimmed(simple(text))
    index, _, end = body_spans(case)[-1]
    case.unmask(index, end - 1, end)
    assert case.rules() == {"kept-bytes"}


def test_a_masked_header_in_a_certain_stream_is_found() -> None:
    case = trimmed(simple(TEXT))
    at = case.payload_start(4)
    case.put(4, at, bytes(20))
    case.spans[4].insert(0, (at, at + 20))
    assert case.rules() == {"header-blocks"}


def test_a_changed_header_byte_is_found() -> None:
    case = trimmed(simple(TEXT))
    case.put(4, case.payload_start(4) + 3, b"Q")
    assert "outside-plan" in case.rules()


def test_an_unplanned_byte_outside_of_payload_is_found() -> None:
    case = trimmed(simple(TEXT))
    frame = bytearray(case.after[3])
    frame[2] ^= 1
    case.after[3] = bytes(frame)
    assert case.rules() == {"outside-plan"}


def test_an_ipv4_header_checksum_must_not_change() -> None:
    case = trimmed(simple(TEXT))
    frame = bytearray(case.after[4])
    frame[24] ^= 1
    case.after[4] = bytes(frame)
    assert case.rules() == {"outside-plan"}


def test_a_planned_byte_left_in_the_output_is_found() -> None:
    case = trimmed(simple(TEXT))
    index, start, _ = body_spans(case)[0]
    case.leave_in_output(index, start, start + 3)
    assert "plan-applied" in case.rules()


def test_a_spoiled_checksum_is_found() -> None:
    case = trimmed(simple(TEXT))
    frame = bytearray(case.after[4])
    frame[51] ^= 0x10
    case.after[4] = bytes(frame)
    assert case.rules() == {"checksum"}


def test_a_spoiled_checksum_of_a_packet_without_masks_is_found() -> None:
    case = trimmed(simple(TEXT))
    frame = bytearray(case.after[3])
    frame[51] ^= 0x10
    case.after[3] = bytes(frame)
    assert case.rules() == {"checksum"}


def test_a_wrong_checksum_stays_wrong_by_the_same_difference() -> None:
    assert trimmed(simple(TEXT), checksum="wrong").rules() == set()


def test_a_repaired_checksum_is_found() -> None:
    case = trimmed(simple(TEXT), checksum="wrong")
    case.after = trimmed(simple(TEXT)).after
    assert case.rules() == {"checksum"}


def test_a_dropped_packet_is_found() -> None:
    case = trimmed(simple(TEXT))
    del case.after[-1]
    assert case.rules() == {"packet-count"}


def test_a_dropped_packet_in_the_middle_is_found() -> None:
    case = trimmed(simple(TEXT))
    del case.after[3]
    assert {"packet-count", "packet-header"} <= case.rules()


def test_a_duplicated_packet_is_found() -> None:
    case = trimmed(simple(TEXT))
    case.after.append(case.after[-1])
    assert case.rules() == {"packet-count"}


def test_swapped_packets_are_found() -> None:
    case = trimmed(simple(TEXT))
    case.after[0], case.after[1] = case.after[1], case.after[0]
    assert "outside-plan" in case.rules()


def test_a_retransmitted_copy_left_unmasked_is_found() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(head(3000) + body(RANDOM[:3000]))
        c.segment("server", 200, body(RANDOM[150:1150]))

    case = trimmed(script)
    assert case.rules() == set()
    case.unmask(len(case.before) - 1, 200, 250)
    assert case.rules() == {"kept-bytes"}


CLEAN: dict[str, Script] = {}


def clean(script: Script) -> Script:
    CLEAN[script.__name__] = script
    return script


@clean
def pipelining(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request() + request("HEAD") + request() + request("POST", body=body(b"abc" * 99)))
    c.server(
        head(5)
        + body(b"Host:")
        + head(77)
        + response(304, "Not Modified", content_length=False)
        + response(100, "Continue", content_length=False)
        + CHUNKED_HEAD
        + chunked_body(
            body, [TEXT, b"GET / HTTP/1.1\r\n", RANDOM], extension=b";a=b", trailers=[("Sum", "1")]
        ),
        cut=7,
    )
    c.fin()


@clean
def bare_line_feeds(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request(eol=b"\n"))
    c.server(
        response(fields=[("Content-Length", "9")], content_length=False, eol=b"\n")
        + body(b"A: b\nC: d"),
        cut=5,
    )
    c.client(request(eol=b"\n"))
    c.server(
        response(fields=[("Transfer-Encoding", "chunked")], content_length=False, eol=b"\n")
        + chunked([body(TEXT), body(TEXT)], eol=b"\n")
    )
    c.fin()


@clean
def folding(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(b"GET / HTTP/1.1\r\nHost: a\r\nX: one\r\n\ttwo\r\n three\r\n\r\n")
    c.server(b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 60\r\n\r\n" + body(FIELD_LIKE[:60]))


@clean
def a_gap_in_a_body(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    c.server(head(5000) + body(RANDOM[:1000]))
    c.lose_server(2000)
    c.server(body(RANDOM[:2000]))
    c.client(request())
    c.server(head(5) + body(b"abcde"))
    c.fin()


@clean
def a_gap_in_a_header(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    c.server(b"HTTP/1.1 200 OK\r\nServ")
    c.lose_server(50)
    c.server(body(b"Other: field\r\n\r\n" + RANDOM[:2000]))
    c.client(request())
    c.server(head(5) + body(b"abcde"))


@clean
def a_start_in_the_middle(c: Conversation, body: Body) -> None:
    c.server(body(RANDOM[:2000]))
    c.server(body(TEXT))
    c.client(request())
    c.server(head(5) + body(b"abcde") + CHUNKED_HEAD + chunked_body(body, [TEXT, RANDOM]), cut=999)


@clean
def data_on_the_syn(c: Conversation, body: Body) -> None:
    c.packets.append(c.wrap(c.packet("client", -1, request(), "S")))
    c.sent["client"] += len(request())
    c.segment("server", -1, b"", "SA")
    c.server(head(5) + body(b"abcde"))


@clean
def a_connect_tunnel(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request("CONNECT", "example.org:443"))
    c.server(response(content_length=False))
    c.client(body(b"\x16\x03\x01" + RANDOM))
    c.server(body(RANDOM))
    c.fin()


@clean
def a_connect_tunnel_with_early_data(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request("CONNECT", "example.org:443") + body(RANDOM))
    c.server(response(content_length=False))
    c.server(body(RANDOM))


@clean
def a_websocket(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request(fields=[("Upgrade", "websocket"), ("Connection", "Upgrade")]))
    c.server(
        response(101, "Switching", fields=[("Upgrade", "websocket")], content_length=False)
        + body(b"\x81\x05hello")
    )
    c.client(body(b"\x81\x85abcdefghi"))
    c.server(body(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    c.fin()


@clean
def a_refused_upgrade(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request(fields=[("Upgrade", "h2c")]))
    c.server(head(5) + body(b"abcde"))
    c.client(request(fields=[("Upgrade", "h2c")]))
    c.server(head(5) + body(b"abcde"))


@clean
def closed_by_the_end(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request(version="HTTP/1.0"))
    c.server(response(content_length=False, version="HTTP/1.0") + body(COMPLETE))
    c.fin()


@clean
def no_http_at_all(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(b"\x16\x03\x01\x02\x00" + RANDOM)
    c.server(b"\x16\x03\x03\x02\x00" + RANDOM * 3)
    c.fin()


@clean
def ssh(c: Conversation, body: Body) -> None:
    c.handshake()
    c.server(b"SSH-2.0-OpenSSH_9\r\n")
    c.client(b"SSH-2.0-OpenSSH_9\r\n")
    c.server(RANDOM)
    c.client(RANDOM)


@clean
def http_2_with_prior_knowledge(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + RANDOM)
    c.server(RANDOM)


@clean
def late_and_repeated(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    text = head(3000) + body(TEXT[:1500] + RANDOM[:1500])
    whole = len(text)
    c.segment("server", 1000, text[1000:2000])
    c.segment("server", 500, text[500:1500])
    c.segment("client", len(request()), request())
    c.segment("server", 0, text[:700])
    c.segment("server", 2000, text[2000:])
    c.segment("server", 0, text[:1460])
    c.sent["server"] = whole
    c.sent["client"] = 2 * len(request())
    c.server(head(5) + body(b"abcde"))
    c.segment("server", whole - 1, body(b"\x01"))
    c.fin()


@clean
def requests_that_arrive_behind_their_response(c: Conversation, body: Body) -> None:
    c.handshake()
    c.server(head(50) + body(RANDOM[:50]))
    c.client(request())


@clean
def both_framings(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    c.server(
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunked_body(body, [TEXT, FIELD_LIKE, b"abc"]),
        cut=100,
    )


@clean
def a_reused_port(c: Conversation, body: Body) -> None:
    simple(TEXT)(c, body)
    c.isn = {"client": 77777, "server": 999999}
    c.sent = {"client": 0, "server": 0}
    simple(FIELD_LIKE)(c, body)


@clean
def an_unfinished_header(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    c.server(b"HTTP/1.1 200 OK\r\nContent-Ty")


@clean
def a_malformed_header(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    c.server(body(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n" + TEXT))
    c.client(request())
    c.server(head(5) + body(b"abcde"))


@pytest.mark.parametrize("name", list(CLEAN))
def test_there_is_no_alarm_for(name: str) -> None:
    assert trimmed(CLEAN[name]).verify().findings == ()
    assert trimmed(CLEAN[name], ipv6=True, isns=(2**32 - 20, 2**32 - 300)).verify().findings == ()


SAFE = [
    "pipelining",
    "data_on_the_syn",
    "a_connect_tunnel",
    "a_websocket",
    "a_refused_upgrade",
    "closed_by_the_end",
    "late_and_repeated",
    "a_reused_port",
]


MOST_MUTANTS = 40


@pytest.mark.parametrize("name", SAFE)
def test_every_single_kept_body_run_is_found_in(name: str) -> None:
    case = trimmed(CLEAN[name])
    spans = body_spans(case)
    # of a case with very many spans a sample from its start to its end
    for index, start, end in spans[:: max(3, len(spans) // MOST_MUTANTS)]:
        if case.before[index][start:end] == bytes(end - start):
            continue
        mutant = case.copy()
        mutant.unmask(index, start, end)
        assert "kept-bytes" in mutant.rules(), (index, start, end)


@pytest.mark.parametrize("name", list(CLEAN))
def test_text_left_in_an_uncertain_stream_is_found(name: str) -> None:
    case = trimmed(CLEAN[name])
    for index, start, end in body_spans(case):
        if end - start >= 40:
            mutant = case.copy()
            mutant.unmask(index, start, end)
            if name not in SAFE and mutant.before[index][start:end].startswith(b"HTTP"):
                continue
            assert "kept-bytes" in mutant.rules(), (index, start, end)
