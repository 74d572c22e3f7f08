"""A connection from the kernels' columns to objects, and back where the columns can hold it.

Both ways nothing is lost that anything asks for: of kept bytes it is only asked whether they are
zero, so ones stand for them.
"""

from __future__ import annotations

import re
from collections import deque

import numpy as np

from trimming.engine.options import TrimOptions
from trimming.engine.verification.arrays import ask
from trimming.engine.verification.connections import Connection
from trimming.engine.verification.eye import Expect, Eye
from trimming.engine.verification.findings import Findings
from trimming.engine.verification.framing import Request
from trimming.engine.verification.grammar import Place
from trimming.engine.verification.kernels import calls
from trimming.engine.verification.kernels import state as c
from trimming.engine.verification.kernels.loosely import MAX_CUT_LINE_BYTES
from trimming.engine.verification.kernels.state import Numbers, State
from trimming.engine.verification.kernels.store import LEAST_ROOM
from trimming.engine.verification.kernels.table import NO_TIME
from trimming.engine.verification.pieces import Piece
from trimming.engine.verification.streams import Data, Stream

KEPT_RUN = re.compile(rb"[^\0]+")
METHODS = {b"HEAD": c.HEAD_REQUEST, b"CONNECT": c.CONNECT_REQUEST}
LARGEST = 1 << 61


def to_objects(state: State, row: int, options: TrimOptions, findings: Findings) -> Connection:
    """Return a connection as objects, with all segments that it has put aside."""
    conn = state.rows[row].tolist()
    connection = Connection(options, findings)
    exchange = connection.exchange
    connection.closed = bool(conn[c.C_CLOSED])
    connection.last_ns = None if conn[c.C_LAST_NS] == NO_TIME else conn[c.C_LAST_NS]
    exchange.sure, exchange.http = bool(conn[c.C_SURE]), bool(conn[c.C_HTTP])
    exchange.client, exchange.waiting = conn[c.C_CLIENT], bool(conn[c.C_WAITING])
    exchange.requests = _requests(conn[c.C_REQUESTS], conn[c.C_REQUEST_BITS])
    for d in (0, 1):
        side = state.sides[2 * row + d].tolist()
        connection.contradictory[d] = bool(side[c.S_CONTRADICTORY])
        _fill_stream(connection.streams[d], state, side)
        _fill_eye(exchange.eyes[d], state, side)
    place = conn[c.C_HELD_FIRST]
    segments = []
    while place != c.NONE:
        segments.append(state.held[place].tolist())
        place = segments[-1][c.H_NEXT]
    for segment in reversed(segments):
        connection.streams[segment[c.H_SIDE]].waiting.append(_data(state, segment))
    return connection


def ordered_segments(state: State) -> list[tuple[int, Data]]:
    """Return the segments that were released and not read, in the order of reading."""
    places = state.order[: state.m[c.M_ORDERED]].tolist()
    segments = [state.held[place].tolist() for place in places]
    return [(segment[c.H_SIDE], _data(state, segment)) for segment in segments]


def _data(state: State, segment: list[int]) -> Data:
    at, size = segment[c.H_AT], segment[c.H_SIZE]
    original = state.arena[at : at + size].tobytes()
    output = state.arena[at + size : at + 2 * size].tobytes()
    marks = ((0, segment[c.H_PACKET], segment[c.H_OFFSET]),)
    return Data(segment[c.H_SEQ], original, output, size, marks, segment[c.H_ARRIVED])


def _requests(count: int, bits: int) -> deque[Request]:
    requests: deque[Request] = deque()
    for which in range(count):
        request = bits >> 4 * which
        method = b"GET"  # any but those that matter
        for name, bit in METHODS.items():
            if request & bit:
                method = name
        requests.append(Request(method, bool(request & c.UPGRADE_REQUEST)))
    return requests


def _fill_stream(stream: Stream, state: State, side: list[int]) -> None:
    stream.isn, stream.next, stream.position = side[c.S_ISN], side[c.S_NEXT], side[c.S_POSITION]
    stream.fin, stream.has_gap = side[c.S_FIN], bool(side[c.S_HAS_GAP])
    stream.waiting_bytes = side[c.S_HELD_BYTES]
    at = side[c.S_LAST_AT]
    stream.reached = side[c.S_REACHED]
    stream.last = (side[c.S_LAST_POSITION], state.arena[at : at + side[c.S_LAST_SIZE]].tobytes())
    stream.gap = (side[c.S_GAP_LOW], side[c.S_GAP_HIGH])
    stream.kept = _kept(state, side[c.S_RUN_FIRST])
    stream.kept_bytes, stream.known_from = side[c.S_RUN_BYTES], side[c.S_KNOWN_FROM]


def _kept(state: State, node: int) -> deque[tuple[int, bytes]]:
    kept: list[tuple[int, bytearray]] = []
    text = bytearray()
    while node != c.NONE:
        position, (length, node) = int(state.low[node]), state.nodes[node].tolist()
        if length < 0:
            text = bytearray()
            kept.append((position, text))
        first = kept[-1][0]
        text += bytes(position - first - len(text)) + b"\1" * abs(length)
    return deque((position, bytes(run)) for position, run in kept)


def _fill_eye(eye: Eye, state: State, side: list[int]) -> None:
    eye.expect, eye.left = Expect(side[c.S_EXPECT]), side[c.S_LEFT]
    eye.body_read, eye.heads = side[c.S_BODY_READ], side[c.S_HEADS]
    eye.recognised = bool(side[c.S_RECOGNISED])
    grammar = eye.grammar
    grammar.place, grammar.heads = Place(side[c.S_PLACE]), side[c.S_GRAMMAR_HEADS]
    grammar.chunked, grammar.size_next = bool(side[c.S_CHUNKED]), bool(side[c.S_SIZE_NEXT])
    grammar.chunk_left = side[c.S_CHUNK_LEFT]
    at, size, room = side[c.S_CARRY_AT], side[c.S_CARRY_SIZE], side[c.S_CARRY_ROOM]
    original = state.arena[at : at + size].tobytes()
    output = state.arena[at + room : at + room + size].tobytes()
    strict = bool(side[c.S_STRICT])
    grammar.coded, grammar.line = bool(side[c.S_CODED]), b"" if strict else output
    eye.strict, eye.carried = strict, side[c.S_CARRIED]
    eye.carry = _carry(original, output, side) if strict and size else None
    eye.last = (side[c.S_LAST_PACKET], side[c.S_LAST_OFFSET])
    eye.skipping = bool(side[c.S_SKIPPING])
    if side[c.S_EARLIER]:
        eye.earlier = (side[c.S_EARLIER_PACKET], side[c.S_EARLIER_OFFSET])


def _carry(original: bytes, output: bytes, side: list[int]) -> Piece:
    marks = []
    for which in range(side[c.S_MARKS]):
        at = c.S_MARK + 3 * which
        marks.append((side[at], side[at + 1], side[at + 2]))
    opens = [mark[0] for which, mark in enumerate(marks) if side[c.S_OPENS] >> which & 1]
    return Piece(original, output, tuple(marks), tuple(opens))


# --- back ---------------------------------------------------------------------------------------


def fits(connection: Connection) -> bool:
    """Whether the columns can hold a connection."""
    exchange = connection.exchange
    if len(exchange.requests) > c.MAX_REQUESTS or abs(connection.last_ns or 0) > LARGEST:
        return False
    return all(
        _stream_fits(stream) and _eye_fits(eye, exchange.sure)
        for stream, eye in zip(connection.streams, exchange.eyes, strict=True)
    )


def _stream_fits(stream: Stream) -> bool:
    if stream.waiting or stream.has_gap or stream.position > LARGEST:
        return False
    return stream.reached == stream.next


def _eye_fits(eye: Eye, sure: bool) -> bool:
    if eye.complaints or eye.candidate or eye.left > LARGEST or eye.grammar.chunk_left > LARGEST:
        return False
    carry = eye.carry
    if carry is None:
        return len(eye.grammar.line) <= MAX_CUT_LINE_BYTES
    places = {mark[0] for mark in carry.marks}
    return sure and len(carry.marks) <= c.MAX_MARKS and places.issuperset(carry.opens)


def to_columns(state: State, row: int, connection: Connection) -> None:
    """Put a connection that ``fits`` back into its row; there is room for it (``room_of``)."""
    exchange, conn = connection.exchange, state.rows[row]
    conn[c.C_STATE] = c.HERE
    conn[c.C_LAST_NS] = NO_TIME if connection.last_ns is None else connection.last_ns
    conn[c.C_SURE], conn[c.C_HTTP] = exchange.sure, exchange.http
    conn[c.C_CLIENT], conn[c.C_WAITING] = exchange.client, exchange.waiting
    conn[c.C_REQUESTS], conn[c.C_REQUEST_BITS] = len(exchange.requests), 0
    for which, request in enumerate(exchange.requests):
        bits = METHODS.get(request.method, 0) | c.UPGRADE_REQUEST * request.upgrade
        conn[c.C_REQUEST_BITS] |= bits << 4 * which
    conn[c.C_HELD_FIRST], conn[c.C_HELD_COUNT] = c.NONE, 0
    for d in (0, 1):
        side = state.sides[2 * row + d]
        side[:] = 0
        side[c.S_CONTRADICTORY] = connection.contradictory[d]
        _put_stream(state, 2 * row + d, connection.streams[d])
        _put_eye(state, side, exchange.eyes[d])


def room_of(connection: Connection) -> tuple[int, int]:
    """Return how many bytes of the arena and how many nodes a connection takes at most."""
    size = nodes = 0
    for stream, eye in zip(connection.streams, connection.exchange.eyes, strict=True):
        carry = eye.carry
        size += LEAST_ROOM + 2 * len(stream.last[1])
        size += 4 * (len(eye.grammar.line) + (len(carry.original) if carry is not None else 0))
        nodes += sum(len(KEPT_RUN.findall(run)) for _, run in stream.kept)
    return size + 16 * LEAST_ROOM, nodes


def _put_stream(state: State, which: int, stream: Stream) -> None:
    side = state.sides[which]
    side[c.S_ISN], side[c.S_NEXT], side[c.S_POSITION] = stream.isn, stream.next, stream.position
    side[c.S_FIN], side[c.S_REACHED] = stream.fin, stream.reached
    side[c.S_KNOWN_FROM] = stream.known_from
    side[c.S_GAP_LOW], side[c.S_GAP_HIGH] = stream.gap
    side[c.S_LAST_POSITION] = stream.last[0]
    last = np.frombuffer(bytearray(stream.last[1]), np.uint8)
    ask(state, calls.KEEP_LAST, which, text=last)
    side[c.S_RUN_FIRST] = side[c.S_RUN_LAST] = c.NONE
    for position, run in stream.kept:
        for found in KEPT_RUN.finditer(run):
            start, end = found.span()
            task = calls.ADD_RUN if start else calls.ADD_FIRST_RUN
            ask(state, task, which, position + start, end - start)
        side[c.S_RUNS] += 1
        side[c.S_RUN_BYTES] += len(run)


def _put_eye(state: State, side: Numbers, eye: Eye) -> None:
    grammar = eye.grammar
    side[c.S_STRICT], side[c.S_EXPECT], side[c.S_LEFT] = eye.strict, eye.expect, eye.left
    side[c.S_BODY_READ], side[c.S_HEADS] = min(eye.body_read, LARGEST), eye.heads
    side[c.S_RECOGNISED], side[c.S_CARRIED] = eye.recognised, eye.carried
    side[c.S_SKIPPING] = eye.skipping
    if eye.earlier is not None:
        side[c.S_EARLIER] = 1
        side[c.S_EARLIER_PACKET], side[c.S_EARLIER_OFFSET] = eye.earlier
    side[c.S_LAST_PACKET], side[c.S_LAST_OFFSET] = eye.last
    side[c.S_PLACE], side[c.S_GRAMMAR_HEADS] = grammar.place, grammar.heads
    side[c.S_CHUNKED], side[c.S_SIZE_NEXT] = grammar.chunked, grammar.size_next
    side[c.S_CHUNK_LEFT], side[c.S_CODED] = grammar.chunk_left, grammar.coded
    carry, line = eye.carry, grammar.line
    original = carry.original if carry is not None else bytes(len(line))
    output = carry.output if carry is not None else line
    if not original:
        return
    at = ask(state, calls.TAKE_CARRY, len(original))
    room = len(original)
    state.arena[at : at + len(original)] = np.frombuffer(original, np.uint8)
    state.arena[at + room : at + room + len(output)] = np.frombuffer(output, np.uint8)
    side[c.S_CARRY_AT], side[c.S_CARRY_ROOM], side[c.S_CARRY_SIZE] = at, room, len(original)
    if carry is not None:
        side[c.S_MARKS] = len(carry.marks)
        for which, mark in enumerate(carry.marks):
            place = c.S_MARK + 3 * which
            side[place : place + 3] = mark
            side[c.S_OPENS] |= (mark[0] in carry.opens) << which
