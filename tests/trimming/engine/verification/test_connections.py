"""Connections: reuse, loss, limits; what is forgotten is forgiven, what is seen is judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.captures import Conversation, Frame, pcap, request, response, tcp
from tests.captures import ethernet as ethernet_frame
from tests.captures import ipv4 as ipv4_packet
from tests.trimming.engine.verification.test_verify import (
    CHUNKED_HEAD,
    FIELD_LIKE,
    RANDOM,
    TEXT,
    body_spans,
    chunked_body,
    head,
    simple,
)
from tests.trimming.engine.verification.trimmed import (
    Body,
    Script,
    Trimmed,
    trimmed,
    verify_files,
)
from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import Limits, TrimOptions
from trimming.engine.plan import MaskPlan


def with_limits(script: Script, **limits: int) -> Trimmed:
    return replace(trimmed(script), options=TrimOptions(limits=Limits(**limits)))


def lost_client_bytes(c: Conversation, body: Body) -> None:
    c.handshake()
    c.client(request())
    c.lose_client(100)
    for _ in range(5):
        c.client(request())
        c.server(head(len(TEXT)) + body(TEXT), 300)
    c.fin()


@pytest.mark.parametrize(
    "limits",
    [{}, {"reorder_segments": 2}, {"reorder_bytes": 20}, {"reorder_total_bytes": 100}],
)
def test_a_gap_that_never_closes_is_given_up(limits: dict[str, int]) -> None:
    case = with_limits(lost_client_bytes, **limits)
    assert case.verify().findings == ()
    index, start, end = body_spans(case)[-1]
    case.unmask(index, start, end)
    assert case.rules() == {"kept-bytes"}


def test_a_late_segment_behind_a_strained_buffer_raises_no_alarm() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        text = head(4000) + body(RANDOM[:4000])
        for at in range(100, len(text), 100):
            c.segment("server", at, text[at : at + 100])
        c.segment("server", 0, text[:100])
        c.sent["server"] = len(text)
        c.client(request())
        c.server(head(5) + body(b"abcde"))

    for segments in (100, 50, 30, 10):
        assert with_limits(script, reorder_segments=segments).rules() == set()


def test_contradicting_copies_make_it_uncertain_and_raise_no_alarm() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        text = head(100) + body(TEXT[:100])
        c.segment("server", 20, text[20:])
        c.segment("server", 10, b"contradiction"[:10] + text[20:30])
        c.segment("server", 15, b"?????" + text[20:])
        c.segment("server", 0, text[:20])
        c.segment("server", 0, b"HTTP/1.1 404 Nope...")
        c.sent["server"] = len(text)
        c.server(head(5) + body(b"abcde"))

    assert trimmed(script).verify().findings == ()


def test_data_behind_the_end_make_it_uncertain() -> None:
    def script(c: Conversation, body: Body) -> None:
        simple(TEXT)(c, body)
        c.server(head(5) + body(b"abcde"))

    assert trimmed(script).verify().findings == ()


def test_both_sides_may_open_at_once() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.segment("client", -1, b"", "S")
        c.segment("server", -1, b"", "S")
        c.segment("server", -1, b"", "SA")
        c.client(request())
        c.server(head(5) + body(b"abcde"))

    assert trimmed(script).verify().findings == ()


def test_a_syn_behind_data_is_another_connection() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.client(request())
        simple(TEXT)(c, body)

    assert trimmed(script).rules() == set()


def test_only_the_answer_to_the_syn_was_captured() -> None:
    def script(c: Conversation, body: Body) -> None:
        simple(TEXT)(c, body)
        del c.packets[0]

    case = trimmed(script)
    assert case.verify().findings == ()
    index, start, end = body_spans(case)[0]
    case.unmask(index, start, end)
    assert case.rules() == {"kept-bytes"}


def test_a_reset_may_carry_a_remark() -> None:
    def script(c: Conversation, body: Body) -> None:
        simple(TEXT)(c, body)
        c.segment("server", c.sent["server"], b"no such connection", "RA")

    assert trimmed(script).verify().findings == ()


def many(count: int, script: Script, *, last: Script | None = None) -> Script:
    """``count`` connections, one after the other, then the first one goes on with ``last``."""

    def whole(c: Conversation, body: Body) -> None:
        sport = c.ports["client"]
        for number in range(count):
            c.ports["client"] = sport + number
            c.sent = {"client": 0, "server": 0}
            script(c, body)
        c.ports["client"] = sport
        if last is not None:
            last(c, body)

    return whole


def test_forgotten_connections_are_forgiven() -> None:
    def unfinished(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        c.server(b"HTTP/1.1 200 OK\r\nTransfer-")

    def rest(c: Conversation, body: Body) -> None:
        c.server(b"Encoding: chunked\r\n\r\n" + chunked_body(body, [TEXT, FIELD_LIKE]))
        c.client(request())
        c.server(CHUNKED_HEAD + chunked_body(body, [FIELD_LIKE]))

    script = many(9, unfinished, last=rest)
    assert with_limits(script, max_connections=16).verify().findings == ()
    closing = many(9, lambda c, body: (unfinished(c, body), c.rst())[1], last=rest)  # type: ignore[func-returns-value]
    assert with_limits(closing, max_closed_connections=4).verify().findings == ()
    case = with_limits(script, max_connections=16)
    index, start, end = body_spans(case)[-1]
    case.unmask(index, start, end)
    assert case.rules() == {"kept-bytes"}


def test_an_idle_connection_is_forgotten() -> None:
    case = trimmed(simple(TEXT))
    hour = 3_600_000_000_000
    before = pcap([Frame(d, n * hour) for n, d in enumerate(case.before)])
    after = pcap([Frame(d, n * hour) for n, d in enumerate(case.after)])
    assert verify_files(before, after, case.plan()).findings == ()


def test_text_in_a_repeated_segment_counts_once_the_connection_is_http() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.server(body(TEXT[:1000]))
        c.segment("server", 0, body(TEXT[:1000]))
        c.client(request())

    case = trimmed(script)
    assert case.rules() == set()
    case.unmask(1, *case.spans[1][0])
    assert case.rules() == {"kept-bytes"}


def test_a_long_history_is_bounded() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        for _ in range(400):
            c.client(request())
            c.server(head(5) + body(b"abcde"))
        c.segment("server", 0, head(5) + body(b"abcde"))
        c.segment("server", 300, body(RANDOM[:50]))

    assert trimmed(script).verify().findings == ()


def test_truncated_copies_raise_no_alarm() -> None:
    text = head(1000) + TEXT[:1000]
    frames, lens, spans, after = [], [], [], []
    sizes = [(0, 200, 800), (0, 150, 900), (700, 100, len(text) - 700), (0, 90, 100)]
    for seq, captured, length in sizes:
        whole = ethernet_frame(ipv4_packet(tcp(text[seq : seq + length], sport=80, seq=seq)))
        frames.append(whole[: 54 + captured])
        lens.append(len(whole))
        start = 54 + max(len(head(1000)) - seq, 0)
        end = 54 + captured
        spans.append((start, max(end, start)))
        masked = whole[:start] + bytes(max(end - start, 0))
        after.append(masked[: 54 + captured])
    plan = MaskPlan(TrimOptions())
    for number, (start, end) in enumerate(spans, 1):
        plan.add_span(number, start, end, ByteClass.BODY)
    before = pcap([Frame(d, original_len=n) for d, n in zip(frames, lens, strict=True)])
    output = pcap([Frame(d, original_len=n) for d, n in zip(after, lens, strict=True)])
    # the checksums were not adjusted: nothing else may be found
    assert {f.rule for f in verify_files(before, output, plan).findings} == {"checksum"}


def test_options_that_keep_bytes_do_not_ask_for_the_grammar() -> None:
    case = trimmed(simple(TEXT))
    index, start, _ = body_spans(case)[0]
    case.unmask(index, start, start + 10)
    assert replace(case, options=TrimOptions(body_keep_bytes=10)).rules() == set()
    assert replace(case, options=TrimOptions(error_body_keep_bytes=9)).rules() == {"kept-bytes"}

    def uncertain(c: Conversation, body: Body) -> None:
        c.client(request())
        c.server(head(len(TEXT)) + TEXT)
        c.segment("server", len(head(0)), TEXT[:50])

    kept = replace(trimmed(uncertain), options=TrimOptions(uncertain="keep"))
    assert kept.rules() == set()
    assert replace(kept, options=TrimOptions()).rules() == {"kept-bytes"}


def test_redacted_values_pass_only_where_they_are_asked_for() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request(fields=[("Cookie", "abcdef")]))
        c.server(response(body=b""))

    case = trimmed(script)
    at = case.before[3].index(b"abcdef")
    case.put(3, at, b"xxxxxx")
    case.spans[3] = [(at, at + 6)]
    case.byte_class = ByteClass.REDACTED
    assert case.rules() == {"header-blocks"}
    assert replace(case, options=TrimOptions(redact_fields=("cookie",))).rules() == set()


def test_a_response_that_overtakes_its_request_is_uncertain() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        text = request("HEAD")
        c.segment("client", 5, text[5:])
        c.server(head(999) + body(head(5)) + body(b"abcde"))
        c.segment("client", 0, text[:5])
        c.sent["client"] = len(text)

    assert trimmed(script).verify().findings == ()


def test_a_copy_may_be_masked_where_the_other_is_kept_while_bytes_are_missing() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        text = head(5) + body(b"abcde") + head(4) + body(b"abcd")
        c.client(request())
        c.segment("server", len(head(5)), text[len(head(5)) :])
        c.segment("server", 10, text[10:45] + body(text[45:60]))
        c.segment("server", 0, text[:10])

    case = trimmed(script)
    assert case.verify().findings == ()
    index = len(case.before) - 3
    case.unmask(index, *case.spans[index][0])
    assert case.rules() == {"kept-bytes"}


def test_a_probe_with_another_byte_raises_no_alarm_before_or_after_the_byte() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        text = head(100) + body(TEXT[:100])
        c.segment("server", 30, text[30:])
        c.segment("server", 9, body(b"\1"))
        c.segment("server", 0, text[:30])
        c.segment("server", 29, b"\1")

    assert trimmed(script).verify().findings == ()


def test_a_start_line_that_is_masked_ends_no_forgiveness() -> None:
    def script(c: Conversation, body: Body) -> None:
        c.handshake()
        c.client(request())
        text = head(5) + body(b"abcde")
        c.segment("server", 0, text[:9])
        c.segment("server", 9, text[9:])
        c.segment("server", 5, b"?" + text[6:9])
        c.sent["server"] = len(text)
        c.server(CHUNKED_HEAD + b"20\r\n")
        c.server(body(b"GET / HTTP/1.1\r\nHost: aaaaaaaa\r\n") + b"\r\n0\r\n\r\n")

    assert trimmed(script).verify().findings == ()
