"""Segments put in order, and every copy of a byte treated as the first was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.captures import (
    PACKET_INTERVAL_NS,
    Conversation,
    Frame,
    chunked,
    ethernet,
    ipv4,
    request,
    response,
    tcp,
)
from tests.trimming.engine.strategies.legacy.classing import (
    Outcome,
    classed,
    limited,
    runs,
    spelled,
)
from trimming.engine.options import Limits, TrimOptions, built_in_profile

GET = request()
BODY = b"0123456789" * 30
ANSWER = response(body=BODY)
HEAD = ANSWER[: -len(BODY)]
EXPECTED = spelled(("H", HEAD), ("B", BODY))
SHARE_SAFE = built_in_profile("share_safe")


def _asked(**options: Any) -> Conversation:
    talk = Conversation(**options)
    talk.handshake()
    talk.client(GET)
    return talk


def _all_alike(outcome: Outcome, port: int) -> None:
    """Every copy of a byte is masked, or every one kept as it was."""
    for place, copies in outcome.copies(port).items():
        assert len({after for _, _, after in copies}) == 1, f"byte {place} differs"


# --- copies ----------------------------------------------------------------------------------


def test_a_retransmission_is_treated_as_the_original() -> None:
    talk = _asked()
    talk.server(ANSWER, 100)
    talk.segment("server", 0, ANSWER[:100])
    talk.segment("server", 200, ANSWER[200:])
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert outcome.tally.retransmitted_segments == 2
    _all_alike(outcome, 80)


@pytest.mark.parametrize(("start", "end"), [(0, 60), (10, 50), (30, 120), (len(HEAD), 200)])
def test_a_copy_that_is_cut_otherwise_is_treated_alike(start: int, end: int) -> None:
    talk = _asked()
    talk.server(ANSWER, 100)
    talk.segment("server", start, ANSWER[start:end])
    assert classed(talk).server(talk) == EXPECTED


def test_a_segment_that_overlaps_brings_only_its_new_bytes() -> None:
    talk = _asked()
    for start in range(0, len(ANSWER), 40):
        talk.segment("server", max(0, start - 25), ANSWER[max(0, start - 25) : start + 40])
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    _all_alike(outcome, 80)


def test_a_copy_of_bytes_that_are_held_back_waits_for_their_class() -> None:
    talk = _asked()
    talk.segment("server", 0, ANSWER[:7])
    talk.segment("server", 0, ANSWER[:7])
    talk.segment("server", 3, ANSWER[3:12])
    talk.segment("server", 0, ANSWER)
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert outcome.letters[4].count("H") == 7


def test_a_copy_may_be_classed_in_part_and_wait_for_the_rest() -> None:
    talk = _asked()
    talk.segment("server", 0, ANSWER[:20])
    talk.segment("server", 10, ANSWER[10:20])
    talk.segment("server", 15, ANSWER[15:])
    assert classed(talk).server(talk) == EXPECTED


@pytest.mark.parametrize("start", [28, 30])
def test_a_copy_waits_on_when_only_bytes_before_it_were_classed(start: int) -> None:
    talk = _asked()
    sent = b"a" * 30 + b"bb"
    talk.segment("server", 0, sent[:30])
    talk.segment("server", 30, sent[30:])
    talk.segment("server", start, sent[start:])
    talk.segment("server", 32, b"b")  # too long for a method from 0 on, not from 30 on
    talk.segment("server", 33, b"\0")
    assert classed(talk).payload_letters()[3] == "U" * (32 - start)


def test_copies_of_bytes_that_never_end_are_treated_alike_at_the_end() -> None:
    talk = _asked()
    talk.segment("server", 0, b"HTTP/1.1 200 OK\r\nX: secr")
    talk.segment("server", 17, b"X: secr")
    talk.segment("server", 17, b"X: SECR")
    outcome = classed(talk)
    letters = outcome.payload_letters()[1:]
    assert letters == ["H" * 24, "H" * 7, "U" * 7]


def test_too_many_copies_of_bytes_that_are_held_back_are_uncertain() -> None:
    talk = _asked()
    for _ in range(4):
        talk.segment("server", 0, ANSWER[:7])
    talk.segment("server", 0, ANSWER)
    outcome = classed(talk, limited(reorder_segments=3))
    assert outcome.payload_letters()[1:] == ["H" * 7, "U" * 7, *["H" * 7] * 2, EXPECTED]
    assert outcome.tally.limits_met["reorder_segments"] == 1


def test_other_bytes_at_a_place_of_a_kept_byte_are_uncertain() -> None:
    talk = _asked()
    talk.server(ANSWER, 100)
    talk.segment("server", 5, b"secret")
    talk.segment("server", len(HEAD) - 2, b"\r\nxx")
    outcome = classed(talk)
    assert outcome.payload_letters()[-2:] == ["U" * 6, "HHBB"]


def test_other_bytes_at_a_place_of_content_are_content() -> None:
    talk = _asked()
    talk.server(ANSWER)
    talk.segment("server", len(HEAD), GET)
    assert classed(talk).payload_letters()[-1] == "B" * len(GET)


def test_a_keep_alive_probe_is_treated_as_the_byte_that_it_repeats() -> None:
    talk = _asked()
    talk.server(ANSWER)
    talk.segment("server", len(ANSWER) - 1, ANSWER[-1:])
    talk.segment("server", len(ANSWER) - 1, b"\0")
    talk.segment("client", len(GET) - 1, b"\0")
    assert classed(talk).payload_letters()[-3:] == ["B", "B", "U"]


def test_a_probe_before_the_first_byte_is_masked() -> None:
    talk = Conversation()
    talk.handshake()
    talk.segment("client", -1, b"\0")
    talk.client(GET)
    assert classed(talk).payload_letters() == ["U", "H" * len(GET)]


# --- order -----------------------------------------------------------------------------------


def test_segments_out_of_order_wait_for_the_gap_to_close() -> None:
    talk = _asked()
    for start in (60, 20, 40, 0, 80):
        end = len(ANSWER) if start == 80 else start + 20
        talk.segment("server", start, ANSWER[start:end])
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert (outcome.tally.gaps, outcome.tally.out_of_order_segments) == (0, 3)


def test_content_does_not_wait() -> None:
    talk = _asked()
    talk.segment("server", 0, ANSWER[:100])
    talk.segment("server", 200, ANSWER[200:])
    talk.segment("server", 100, ANSWER[100:200])
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert (outcome.tally.gaps, outcome.tally.out_of_order_segments) == (0, 1)


def test_a_gap_in_content_that_is_filled_in_part_is_counted_for_what_is_left() -> None:
    talk = _asked()
    talk.segment("server", 0, ANSWER[:100])
    talk.segment("server", 200, ANSWER[200:])
    talk.segment("server", 150, ANSWER[150:160])
    outcome = classed(talk)
    assert outcome.tally.gaps == 2
    talk.segment("server", 100, ANSWER[100:150])
    talk.segment("server", 160, ANSWER[160:200])
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert outcome.tally.gaps == 0


def test_two_gaps_are_filled_one_by_one() -> None:
    talk = _asked()
    talk.segment("server", 0, ANSWER[:100])
    talk.segment("server", 150, ANSWER[150:160])
    talk.segment("server", 200, ANSWER[200:])
    talk.segment("server", 160, ANSWER[160:200])
    assert classed(talk).tally.gaps == 1


def test_out_of_order_content_to_the_end_does_not_wait_either() -> None:
    talk = _asked()
    answer = response(content_length=False) + BODY
    talk.segment("server", 0, answer[:50])
    talk.segment("server", 100, answer[100:])
    talk.segment("server", 50, answer[50:100])
    head = len(answer) - len(BODY)
    assert classed(talk).server(talk) == "H" * head + "B" * len(BODY)


def test_bytes_that_never_come_are_a_gap_at_the_end() -> None:
    talk = _asked()
    talk.segment("server", 10, ANSWER[10:])
    outcome = classed(talk)
    assert set(outcome.server(talk)[10:]) == {"U"}
    assert outcome.tally.gaps == 1


def test_a_head_that_comes_too_late_is_read_by_itself() -> None:
    talk = _asked()
    talk.server(response())
    at = len(response())
    for n in range(3):
        talk.segment("server", at + 500 + n, b"x")
    talk.segment("server", at, ANSWER)
    outcome = classed(talk, limited(reorder_segments=2))
    assert outcome.tally.limits_met["reorder_segments"] == 1
    assert outcome.payload_letters()[-1] == EXPECTED


def test_bytes_of_a_gap_that_come_too_late_are_uncertain() -> None:
    talk = _asked()
    head = response(fields=[("Transfer-Encoding", "chunked")], content_length=False)
    answer = head + chunked([b"a" * 50, b"b" * 50])
    talk.segment("server", 0, answer[: len(head) + 10])
    for start in (160, 158, 156):
        talk.segment("server", start, answer[start : start + 2])
    talk.segment("server", len(head) + 10, answer[len(head) + 10 : 156])
    outcome = classed(talk, limited(reorder_segments=2))
    letters = outcome.server(talk)
    assert set(letters[len(head) + 4 :]) <= {"B", "U"}


# --- sequence numbers ------------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 1, 5, len(HEAD), len(HEAD) + 7, len(ANSWER)])
def test_sequence_numbers_wrap_at_any_byte(before: int) -> None:
    talk = _asked(server_isn=2**32 - 1 - before, client_isn=2**32 - 2)
    talk.server(ANSWER, 50)
    talk.segment("server", 0, ANSWER[:50])
    talk.fin()
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert outcome.client(talk) == "H" * len(GET)


def test_segments_out_of_order_around_the_wrap_find_their_places() -> None:
    talk = _asked(server_isn=2**32 - 30)
    for start in (40, 20, 0, 60):
        end = len(ANSWER) if start == 60 else start + 20
        talk.segment("server", start, ANSWER[start:end])
    assert classed(talk).server(talk) == EXPECTED


def test_data_on_a_syn_is_the_beginning_of_the_stream() -> None:
    talk = Conversation()
    talk.segment("client", -1, GET[:10], "S")
    talk.segment("server", -1, b"", "SA")
    talk.segment("client", 10, GET[10:])
    assert classed(talk).client(talk) == "H" * len(GET)


def test_data_on_a_fin_is_the_end_of_the_stream() -> None:
    talk = _asked()
    talk.segment("server", 0, ANSWER[:50])
    talk.segment("server", 50, ANSWER[50:], "FPA")
    assert classed(talk).server(talk) == EXPECTED


@pytest.mark.parametrize(("options", "left", "letter"), [(None, 5, "O"), (SHARE_SAFE, 0, "O")])
def test_text_on_a_reset_is_no_part_of_the_stream(
    options: TrimOptions | None, left: int, letter: str
) -> None:
    talk = _asked()
    talk.segment("server", 0, b"reset", "RA")
    talk.rst()
    outcome = classed(talk, options or TrimOptions())
    assert outcome.payload_letters()[-1] == letter * 5
    assert outcome.tally.left_bytes["text of TCP resets"] == left
    assert (outcome.masked[-2][-5:] == b"reset") is (left > 0)


# --- connections -----------------------------------------------------------------------------


def test_a_new_syn_on_the_same_ports_is_a_new_connection() -> None:
    first, second = _asked(), _asked(client_isn=70000, server_isn=90000)
    first.server(response(content_length=False) + b"to the end")
    second.server(ANSWER)
    outcome = classed([*first.packets, *second.packets])
    assert outcome.tally.connections == 2
    assert outcome.payload_letters()[-1] == EXPECTED


def test_a_repeated_syn_is_the_same_connection() -> None:
    talk = Conversation()
    talk.segment("client", -1, b"", "S")
    talk.segment("client", -1, b"", "S")
    talk.client(GET)
    talk.segment("client", -1, b"", "S")
    assert classed(talk).tally.connections == 1


def test_a_syn_that_comes_behind_its_data_is_the_same_connection() -> None:
    talk = Conversation()
    talk.client(GET)
    talk.segment("client", -1, b"", "S")
    outcome = classed(talk)
    assert outcome.tally.connections == 1
    assert outcome.client(talk) == "H" * len(GET)


def test_a_syn_far_from_data_without_one_is_a_new_connection() -> None:
    first, second = Conversation(), Conversation(client_isn=3_000_000_000)
    first.client(GET)
    second.handshake()
    second.client(GET)
    assert classed([*first.packets, *second.packets]).tally.connections == 2


def test_a_syn_in_a_connection_that_only_the_other_side_used_is_no_new_one() -> None:
    talk = Conversation()
    talk.server(ANSWER)
    talk.segment("client", -1, b"", "S")
    talk.client(GET)
    assert classed(talk).tally.connections == 1


def test_a_closed_connection_still_knows_its_late_copies() -> None:
    talk = _asked()
    talk.server(ANSWER)
    talk.fin()
    talk.segment("server", 0, ANSWER)
    talk.segment("server", 300, ANSWER[300:])
    outcome = classed(talk)
    assert outcome.server(talk) == EXPECTED
    assert outcome.tally.connections == 1


def test_bytes_before_the_first_head_of_a_connection_in_mid_stream_are_uncertain() -> None:
    talk = Conversation()
    talk.server(b"rest of a body")
    talk.client(GET)
    talk.server(ANSWER)
    outcome = classed(talk)
    assert outcome.server(talk) == "U" * 14 + EXPECTED


def test_bytes_before_the_first_head_wait_for_it_however_late_it_comes() -> None:
    talk = Conversation()
    for _ in range(30):
        talk.server(b"no head in this segment. ")
    before = classed(talk)
    assert set(before.server(talk)) == {"O"}
    talk.client(GET)
    assert set(classed(talk).server(talk)) == {"U"}


@pytest.mark.parametrize("direction", ["client", "server"])
def test_one_direction_alone_is_read(direction: str) -> None:
    talk = Conversation()
    if direction == "client":
        talk.client(request("POST", body=BODY))
        assert classed(talk).client(talk).count("B") == len(BODY)
    else:
        talk.server(ANSWER + ANSWER)
        assert classed(talk).server(talk) == EXPECTED * 2


def test_both_ends_on_one_host_are_two_directions() -> None:
    talk = Conversation("10.0.0.1", "10.0.0.1", sport=90, dport=80)
    talk.handshake()
    talk.client(GET)
    talk.server(ANSWER)
    assert classed(talk).server(talk) == EXPECTED


# --- truncated packets -----------------------------------------------------------------------


def _cut(frame: bytes, snaplen: int) -> Frame:
    return Frame(frame[:snaplen], original_len=len(frame))


def test_bytes_that_the_snaplen_cut_count_in_the_stream() -> None:
    talk = _asked()
    talk.server(ANSWER + ANSWER, [150, 300])
    frames = [_cut(frame, 130) for frame in talk.packets]
    outcome = classed(frames)
    letters = outcome.server(talk)
    assert letters[:76] == EXPECTED[:76]
    assert letters[150:226] == (EXPECTED + EXPECTED)[150:226]


def test_a_packet_cut_behind_its_tcp_header_counts_with_all_its_bytes() -> None:
    talk = _asked()
    talk.server(ANSWER, [100, 100])
    talk.server(ANSWER)
    frames: list[bytes | Frame] = list(talk.packets)
    frames[5] = _cut(talk.packets[5], 54)
    outcome = classed(frames)
    letters = outcome.server(talk)
    assert letters[200:] == EXPECTED[200:] + EXPECTED


def test_a_packet_that_is_cut_in_a_head_loses_the_framing() -> None:
    talk = _asked()
    talk.server(ANSWER, [20, 500])
    frames: list[bytes | Frame] = list(talk.packets)
    frames[4] = _cut(talk.packets[4], 54 + 18)
    assert runs(classed(frames).server(talk)) == [
        ("H", 18),
        (" ", 2),
        ("U", len(ANSWER) - 20),
    ]


def test_a_cut_copy_of_whole_bytes_changes_nothing() -> None:
    talk = _asked()
    talk.server(ANSWER)
    talk.segment("server", 0, ANSWER)
    frames: list[bytes | Frame] = list(talk.packets)
    frames[-1] = _cut(talk.packets[-1], 100)
    outcome = classed(frames)
    assert outcome.server(talk) == EXPECTED
    assert outcome.tally.gaps == 0


# --- limits ----------------------------------------------------------------------------------


def _many_waiting(talk: Conversation, count: int, size: int) -> None:
    """Send bytes behind a gap at the start of an answer."""
    for n in range(count):
        talk.segment("server", 1000 + n * (size + 1), b"x" * size)


def test_past_reorder_segments_the_gap_is_given_up_and_nothing_leaks() -> None:
    talk = _asked()
    _many_waiting(talk, 6, 10)
    outcome = classed(talk, limited(reorder_segments=4))
    assert outcome.tally.limits_met == {"reorder_segments": 2}
    assert set("".join(outcome.payload_letters()[1:])) == {"U"}


def test_past_reorder_bytes_the_gap_is_given_up_and_nothing_leaks() -> None:
    talk = _asked()
    _many_waiting(talk, 6, 10)
    outcome = classed(talk, limited(reorder_bytes=45))
    assert outcome.tally.limits_met == {"reorder_bytes": 2}
    assert set("".join(outcome.payload_letters()[1:])) == {"U"}


def test_past_reorder_total_bytes_the_oldest_gap_is_given_up_and_nothing_leaks() -> None:
    talks = [_asked(sport=40000 + n) for n in range(4)]
    for talk in talks:
        _many_waiting(talk, 2, 10)
    frames = [frame for talk in talks for frame in talk.packets]
    outcome = classed(frames, limited(reorder_total_bytes=50))
    assert outcome.tally.limits_met["reorder_total_bytes"] == 3
    assert set("".join(outcome.payload_letters())) == {"H", "U"}


def test_one_large_segment_makes_thousands_of_small_ones_give_up_their_gaps() -> None:
    # each gap that is given up must not stand on the shoulders of the one before
    talk, other = _asked(), _asked(sport=40001)
    _many_waiting(talk, 1500, 1)
    _many_waiting(other, 1, 1400)
    frames = [*talk.packets, *other.packets]
    outcome = classed(frames, limited(reorder_total_bytes=1500, reorder_segments=5000))
    assert outcome.tally.limits_met["reorder_total_bytes"] == 1400


def test_a_late_byte_is_masked_when_its_history_was_forgotten() -> None:
    talk = _asked()
    inner = ANSWER + GET
    full = response(body=inner)
    talk.server(full)
    talk.server(response() * 20, 38)
    place = len(full) - len(inner)
    talk.segment("server", place, inner)
    outcome = classed(talk, limited(history_runs=4))
    assert outcome.tally.limits_met["history_runs"] == 0
    talk.client(GET * 20)
    for _ in range(20):
        talk.server(full)
    talk.segment("server", place, inner)
    talk.segment("server", 0, full)
    outcome = classed(talk, limited(history_runs=4))
    assert outcome.tally.limits_met["history_runs"] > 0
    assert outcome.payload_letters()[-2:] == ["U" * len(inner), "U" * len(full)]


def test_a_copy_that_is_forgotten_in_part_is_known_for_the_rest() -> None:
    talk = _asked()
    for _ in range(4):
        talk.server(ANSWER)
    talk.segment("server", 3 * len(ANSWER) - 10, ANSWER[-10:] + ANSWER)
    outcome = classed(talk, limited(history_runs=2))
    assert outcome.payload_letters()[-1] in ("U" * 10 + EXPECTED, "B" * 10 + EXPECTED)


def _talks(count: int) -> list[Conversation]:
    talks = [_asked(sport=40000 + n) for n in range(count)]
    for talk in talks:
        talk.server(ANSWER)
    return talks


def test_past_max_connections_the_oldest_goes_and_its_late_body_is_masked() -> None:
    talks = _talks(4)
    talks[0].server(BODY)
    frames = [frame for talk in talks for frame in talk.packets[:5]] + talks[0].packets[5:]
    outcome = classed(frames, limited(max_connections=2))
    assert outcome.tally.limits_met["max_connections"] == 3
    assert outcome.payload_letters()[-1] == "U" * len(BODY)


def test_past_max_closed_connections_a_late_body_is_masked() -> None:
    talks = _talks(3)
    for talk in talks:
        talk.fin()
    talks[0].segment("server", len(HEAD), BODY)
    late = talks[0].packets.pop()
    frames = [frame for talk in talks for frame in talk.packets]
    outcome = classed([*frames, late], limited(max_closed_connections=1))
    assert outcome.payload_letters()[-1] == "U" * len(BODY)


def test_a_connection_that_was_http_is_forgotten_after_very_many_others() -> None:
    talks = _talks(10)
    talks[0].segment("server", len(HEAD), BODY)
    late = talks[0].packets.pop()
    frames = [frame for talk in talks for frame in talk.packets]
    outcome = classed([*frames, late], limited(max_connections=1))
    assert outcome.payload_letters()[-1] == "O" * len(BODY)


def test_an_idle_connection_goes_and_its_late_body_is_masked() -> None:
    (talk,) = _talks(1)
    talk.fin()
    talk.segment("server", len(HEAD), BODY)
    other = _asked(sport=50000)
    second = 1_000_000_000
    frames = [Frame(frame, n * PACKET_INTERVAL_NS) for n, frame in enumerate(talk.packets[:-1])]
    frames += [Frame(frame, 11 * second) for frame in other.packets]
    frames += [Frame(talk.packets[-1], 12 * second)]
    assert classed(frames).payload_letters()[-1] == "B" * len(BODY)
    assert classed(frames, limited(idle_seconds=10, idle_packets=1)).payload_letters()[
        -1
    ] == "U" * len(BODY)


def test_a_new_syn_forgets_that_an_earlier_connection_was_http() -> None:
    talks = _talks(2)
    plain = Conversation(client_isn=123456, server_isn=7)
    plain.handshake()
    plain.client(b"\x01\x02\x03")
    frames = [frame for talk in [*talks, plain] for frame in talk.packets]
    outcome = classed(frames, limited(max_connections=1))
    assert outcome.payload_letters()[-1] == "OOO"


def test_every_limit_of_one_is_survived() -> None:
    limits = Limits(
        max_connections=1,
        max_closed_connections=1,
        idle_seconds=1,
        idle_packets=1,
        reorder_segments=1,
        reorder_bytes=1,
        reorder_total_bytes=1,
        history_runs=1,
        max_open_datagrams=1,
        max_tunnel_depth=1,
    )
    talks = _talks(3)
    for talk in talks:
        talk.segment("server", 2000, BODY)
        talk.segment("server", 0, ANSWER)
    frames = [frame for talk in talks for frame in talk.packets]
    outcome = classed(frames, TrimOptions(limits=limits))
    assert set("".join(outcome.payload_letters())) <= {"H", "B", "U"}


# --- TLS -------------------------------------------------------------------------------------


def test_a_gap_in_tls_is_told_to_its_reader() -> None:
    hello = b"\x16\x03\x01\x00\x05\x01abcd"
    data = b"\x17\x03\x03\x00\x14" + b"d" * 20
    talk = Conversation(dport=443)
    talk.handshake()
    talk.client(hello + data[:10])
    talk.lose_client(5)
    talk.client(data[15:] + hello)
    talk.lose_client(5)
    talk.client(hello)
    outcome = classed(talk, TrimOptions(other_payload="mask"))
    expected = "T" * 15 + "O" * 5 + " " * 5 + "O" * 10 + "T" * 10 + " " * 5 + "O" * 10
    assert outcome.client(talk) == expected


def test_a_copy_of_a_handshake_is_kept_and_another_in_its_place_is_not() -> None:
    hello = b"\x16\x03\x01\x00\x05\x01abcd"
    talk = Conversation(dport=443)
    talk.handshake()
    talk.client(hello)
    talk.segment("client", 0, hello)
    talk.segment("client", 5, b"\x01xxcd")
    outcome = classed(talk, TrimOptions(other_payload="mask"))
    assert outcome.payload_letters() == ["T" * 10, "T" * 10, "U" * 5]


def test_http2_in_clear_text_is_named_among_what_was_left() -> None:
    talk = Conversation()
    talk.handshake()
    talk.client(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    talk.server(b"\0\0\0\4\0\0\0\0\0")
    assert classed(talk).tally.left_bytes["HTTP/2 in clear text"] == 33
    assert not classed(talk, SHARE_SAFE).tally.left_bytes


def test_an_empty_segment_is_no_stream() -> None:
    frames = [ethernet(ipv4(tcp(flags="A"))), ethernet(ipv4(tcp(flags="FA")))]
    assert classed(frames).tally.streams == 0
