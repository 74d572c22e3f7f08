"""Claims about the two data sets, made by reading the files back."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.datasets import ACTIVE_CONNECTIONS, write_single_packet, write_web
from tests.benchmarks.conftest import SINGLE_PACKET_CONNECTIONS, WEB_BYTES, Pair
from tests.benchmarks.reading import (
    FIN,
    SYN,
    TCP_CHECKSUM,
    Direction,
    Message,
    Stream,
    checksums_are_right,
    follow,
    masked,
    reassemble,
    walk,
)


@pytest.fixture(scope="module")
def messages(web_streams: dict[Direction, Stream]) -> list[Message]:
    return [message for stream in web_streams.values() for message in walk(bytes(stream.content))]


def _responses(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.start_line.startswith("HTTP/1.1 ")]


def _requests(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.start_line.endswith(" HTTP/1.1")]


def _share(part: int, whole: int) -> float:
    return part / whole


def test_the_same_seed_and_size_give_the_same_bytes(tmp_path: Path) -> None:
    for run in ("one", "two"):
        write_web(tmp_path / f"{run}.pcap", tmp_path / f"{run}.expected", 400_000, seed=7)
        write_single_packet(tmp_path / f"{run}.s.pcap", tmp_path / f"{run}.s.expected", 500, seed=7)
    for kind in ("pcap", "expected", "s.pcap", "s.expected"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_another_seed_gives_another_capture(tmp_path: Path) -> None:
    write_web(tmp_path / "one", tmp_path / "expected", 300_000, seed=1)
    write_web(tmp_path / "two", tmp_path / "expected", 300_000, seed=2)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("name", ["web", "single_packet"])
def test_all_checksums_of_both_files_are_right(name: str, request: pytest.FixtureRequest) -> None:
    pair: Pair = request.getfixturevalue(name)
    assert all(checksums_are_right(record.frame) for record in pair.capture)
    assert all(checksums_are_right(record.frame) for record in pair.expected)


@pytest.mark.parametrize("name", ["web", "single_packet"])
def test_both_files_have_the_same_packets_but_for_payloads_and_tcp_checksums(
    name: str, request: pytest.FixtureRequest
) -> None:
    pair: Pair = request.getfixturevalue(name)
    assert len(pair.capture) == len(pair.expected) == pair.tally["packets"]
    for captured, expected in zip(pair.capture, pair.expected, strict=True):
        assert captured.timestamp_microseconds == expected.timestamp_microseconds
        assert len(captured.frame) == len(expected.frame)
        assert captured.frame[: TCP_CHECKSUM.start] == expected.frame[: TCP_CHECKSUM.start]
        assert captured.frame[TCP_CHECKSUM.stop : 54] == expected.frame[TCP_CHECKSUM.stop : 54]
        for kept, now in zip(captured.frame[54:], expected.frame[54:], strict=True):
            assert now in (kept, 0)


def test_packets_without_body_bytes_are_identical(web: Pair) -> None:
    for captured, expected in zip(web.capture, web.expected, strict=True):
        if captured.frame[54:] == expected.frame[54:]:
            assert captured == expected


def test_timestamps_increase(web: Pair) -> None:
    times = [record.timestamp_microseconds for record in web.capture]
    assert all(earlier < later for earlier, later in pairwise(times))


def test_the_capture_is_hardly_longer_than_asked(web: Pair) -> None:
    file_bytes = 24 + sum(16 + len(record.frame) for record in web.capture)
    assert web.tally["captured_bytes"] == file_bytes
    assert WEB_BYTES <= file_bytes < WEB_BYTES * 1.02


def test_heads_and_framing_are_kept_and_bodies_are_zero(
    web: Pair, web_streams: dict[Direction, Stream]
) -> None:
    expected = reassemble(web.expected_segments())
    assert expected.keys() == web_streams.keys()
    for direction, stream in web_streams.items():
        assert bytes(expected[direction].content) == masked(bytes(stream.content))


def test_copies_of_a_segment_are_masked_alike(web: Pair) -> None:
    seen: dict[tuple[Direction, int], bytes] = {}
    for segment in web.expected_segments():
        if segment.payload and not segment.flags & SYN:
            key = (segment.direction, segment.sequence)
            assert seen.setdefault(key, segment.payload) == segment.payload


def test_no_stream_has_a_gap_at_the_end_of_the_capture(
    web_streams: dict[Direction, Stream],
) -> None:
    assert all(stream.whole_bytes == len(stream.content) for stream in web_streams.values())


def test_nothing_is_acknowledged_before_it_was_captured(web: Pair) -> None:
    for segment, streams in follow(web.capture_segments()):
        if segment.payload and not segment.flags & SYN:
            other = streams[segment.direction[1], segment.direction[0]]
            acknowledged = (segment.acknowledgement - other.first_sequence) % 2**32
            assert acknowledged <= other.whole_bytes


def test_a_fin_follows_all_the_data_of_its_direction(web: Pair) -> None:
    finished: set[Direction] = set()
    for segment, streams in follow(web.capture_segments()):
        assert not (segment.payload and segment.direction in finished)
        if segment.flags & FIN:
            stream = streams[segment.direction]
            assert (segment.sequence - stream.first_sequence) % 2**32 == stream.whole_bytes
            finished.add(segment.direction)
    assert finished


def test_some_segments_are_retransmitted(web_streams: dict[Direction, Stream]) -> None:
    arrivals = [arrival for stream in web_streams.values() for arrival in stream.arrivals]
    copies = sum(arrival.seen_before for arrival in arrivals)
    assert 0.002 < _share(copies, len(arrivals)) < 0.008


def test_some_segments_come_out_of_order(web_streams: dict[Direction, Stream]) -> None:
    swaps, segments = 0, 0
    for stream in web_streams.values():
        ahead = [arrival.offset > arrival.whole_bytes for arrival in stream.arrivals]
        swaps += sum(now and not before for before, now in pairwise([False, *ahead]))
        segments += len(ahead)
    assert 0.002 < _share(swaps, segments) < 0.008


def test_packets_move_by_a_few_segments_only(web_streams: dict[Direction, Stream]) -> None:
    for stream in web_streams.values():
        for arrival in stream.arrivals:
            assert abs(arrival.offset - arrival.whole_bytes) < 30 * 1460


def test_some_sequence_numbers_wrap(web_streams: dict[Direction, Stream]) -> None:
    ends = [stream.first_sequence + len(stream.content) for stream in web_streams.values()]
    assert any(end > 2**32 for end in ends)


def test_256_connections_are_active_at_a_time(web: Pair) -> None:
    opened: set[Direction] = set()
    closed: set[Direction] = set()
    for segment in web.capture_segments():
        if segment.flags == SYN:
            opened.add(segment.direction)
            assert len(opened) - len(closed) <= ACTIVE_CONNECTIONS
        elif segment.flags & FIN and segment.direction in opened:
            closed.add(segment.direction)
    assert len(opened) - len(closed) > ACTIVE_CONNECTIONS - 16  # the rest waits for its turn


def test_head_sizes_are_realistic(messages: list[Message]) -> None:
    assert all(180 <= message.head_end - message.start <= 650 for message in messages)


def test_the_tally_counts_the_messages(web: Pair, messages: list[Message]) -> None:
    assert web.tally["requests"] == len(_requests(messages))
    assert web.tally["responses"] == len(_responses(messages))


def test_a_fifth_of_the_requests_is_post(messages: list[Message]) -> None:
    requests = _requests(messages)
    posts = sum(message.start_line.startswith("POST ") for message in requests)
    assert 0.14 < _share(posts, len(requests)) < 0.26


@pytest.mark.parametrize(
    ("framing", "share"), [("content-length", 0.5), ("chunked", 0.25), ("empty", 0.25)]
)
def test_responses_are_framed_in_their_shares(
    messages: list[Message], framing: str, share: float
) -> None:
    responses = _responses(messages)
    found = sum(message.framing == framing for message in responses)
    assert abs(_share(found, len(responses)) - share) < 0.08


def test_half_of_the_bodies_look_like_http(web_streams: dict[Direction, Stream]) -> None:
    looking_like, bodies = 0, 0
    for stream in web_streams.values():
        content = bytes(stream.content)
        for message in walk(content):
            if sum(map(len, message.bodies)) > 2_000:
                bodies += 1
                looking_like += b" HTTP/1.1\r\n" in content[message.head_end : message.end]
    assert 0.4 < _share(looking_like, bodies) < 0.6


def test_chunked_bodies_have_extensions_and_trailers(
    web_streams: dict[Direction, Stream],
) -> None:
    extended, with_trailer = 0, 0
    for stream in web_streams.values():
        content = bytes(stream.content)
        for message in walk(content):
            if message.framing == "chunked" and message.bodies:
                first_line = content[message.head_end : message.bodies[0].start]
                extended += b";" in first_line
                tail = content[message.bodies[-1].stop : message.end]
                with_trailer += b"X-Checksum: " in tail
    assert extended
    assert with_trailer


def test_single_packet_connections_are_distinct(single_packet: Pair) -> None:
    directions = {segment.direction for segment in single_packet.capture_segments()}
    assert len(directions) == len(single_packet.capture) == SINGLE_PACKET_CONNECTIONS


def test_single_packets_hold_one_whole_request_and_its_body_is_zeroed(
    single_packet: Pair,
) -> None:
    segments = zip(single_packet.capture_segments(), single_packet.expected_segments(), strict=True)
    posts = 0
    for captured, expected in segments:
        (request,) = walk(captured.payload)
        assert request.end == len(captured.payload)
        assert expected.payload == masked(captured.payload)
        posts += request.start_line.startswith("POST ")
    assert 0.17 < _share(posts, SINGLE_PACKET_CONNECTIONS) < 0.23
