"""One direction of an HTTP/1.x connection as a state machine: bytes in, classed runs out.

Belongs here: where a message starts, its head, its framing, what follows it (RFC 9112).  Must not
be known here: packets, sequence numbers, files.  No I/O; in whatever pieces it is fed, the answer
is the same.

The states and what ends each of them:

    SEEK        nothing known, or sync lost        a start line that opens a segment
    START       at the boundary of a message       a start line, else SEEK
    FIELDS      behind a start line                the blank line; a malformed line: SEEK
    PROBE       behind the head of a response      a status line at once: there is no body
                whose request is not known         anything else: there is one
    LENGTH      content of known length            its last byte
    CHUNK_SIZE  before a chunk                     the line; a malformed one: SEEK
    CHUNK_DATA  chunk data                         its last byte
    CHUNK_END   behind chunk data                  the line end, anything else: SEEK
    TRAILERS    behind the last chunk              the blank line; a malformed line: SEEK
    CLOSE       content up to the end              nothing
    TUNNEL      no longer HTTP                     nothing
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import TrimOptions
from trimming.engine.report import Tally
from trimming.engine.strategies.legacy import framing
from trimming.engine.strategies.legacy.framing import Body, BodyKind, RequestLine, StatusLine
from trimming.engine.strategies.legacy.redaction import Redactor

# a length in bytes, and the class; None: nothing in this direction says that it is HTTP
Run = tuple[int, ByteClass | None]

MAX_CHUNK_LINE_BYTES = 4096
MAX_BLANK_BYTES = 4  # empty lines before a start line (RFC 9112 section 2.2)
LINE_ENDS = b"\r\n"
BLANK_LINES = (b"\r\n", b"\n")
MAX_BOUNDARIES = 64
NEED_MORE = -1


class State(Enum):
    """See the table at the head of this module."""

    SEEK = auto()
    START = auto()
    FIELDS = auto()
    PROBE = auto()
    LENGTH = auto()
    CHUNK_SIZE = auto()
    CHUNK_DATA = auto()
    CHUNK_END = auto()
    TRAILERS = auto()
    CLOSE = auto()
    TUNNEL = auto()


_BODY_STATES = {
    BodyKind.NONE: State.START,
    BodyKind.LENGTH: State.LENGTH,
    BodyKind.CHUNKED: State.CHUNK_SIZE,
    BodyKind.CLOSE: State.CLOSE,
    BodyKind.TUNNEL: State.TUNNEL,
    BodyKind.UNKNOWN: State.SEEK,
}


class Exchange:
    """What the two directions of a connection know of each other.

    ``sure`` tells whether requests and responses can be paired by counting.
    """

    def __init__(self, on_http: Callable[[], None]) -> None:
        self.sure = True
        self.is_http = False
        self.speaks_http2 = False
        self.requests: tuple[deque[bytes], deque[bytes]] = (deque(), deque())
        self.readers: list[HttpReader] = []
        self._on_http = on_http

    def http_seen(self) -> None:
        """A start line was found in one of the directions."""
        if not self.is_http:
            self.is_http = True
            self._on_http()


class HttpReader:
    """The state of one direction; ``side`` is 0 or 1, the peer has the other."""

    def __init__(
        self, exchange: Exchange, side: int, options: TrimOptions, redactor: Redactor, tally: Tally
    ) -> None:
        self.state = State.SEEK
        self._exchange = exchange
        self._side = side
        self._options = options
        self._redactor = redactor
        self._tally = tally
        self._fed = False
        self._held = b""
        self._boundaries: list[int] = []
        self._runs: list[Run] = []
        self._seen_head = False
        self._line: RequestLine | StatusLine = RequestLine(b"", b"")
        self._fields: framing.Fields = []
        self._head_bytes = 0
        self._remaining = 0
        self._sample_left = 0
        self._probed = Body(BodyKind.NONE)
        self._tunnel_follows = False
        exchange.readers.append(self)

    # --- what the stream tells ---------------------------------------------------------------

    def feed(self, data: bytes) -> list[Run]:
        """Take the next contiguous bytes, which open a segment; return what became certain.

        The runs cover, in order, the bytes held back before and those of ``data``, less what is
        now held back.
        """
        buffer = self._held + data if self._held else data
        self._boundaries.append(len(self._held))
        at = 0
        while at < len(buffer):
            after = _STEPS[self.state](self, buffer, at)
            if after == NEED_MORE:
                break
            at = after
        self._fed = self._fed or at > 0
        self._held = buffer[at:]
        self._boundaries = self._held_boundaries(at) if self._held else []
        return self._taken()

    def _held_boundaries(self, at: int) -> list[int]:
        """Return where segments begin in what is held: the first, and the latest of very many."""
        kept = [b - at for b in self._boundaries if b >= at]
        return kept if len(kept) <= MAX_BOUNDARIES else [kept[0], *kept[1 - MAX_BOUNDARIES :]]

    def gap(self, length: int) -> list[Run]:
        """``length`` bytes will never come; return what that makes certain of bytes held back."""
        self._flush()
        match self.state:
            case State.CLOSE | State.TUNNEL:
                self._sample_left = max(0, self._sample_left - length)
            case State.LENGTH | State.CHUNK_DATA if self._remaining >= length:
                self._sample_left = max(0, self._sample_left - length)
                self._remaining -= length
                if not self._remaining:
                    self._content_ended()
            case _:
                self._lose()
        return self._taken()

    def end(self) -> list[Run]:
        """Nothing will come any more; return the rest."""
        self._flush()
        return self._taken()

    def can_skip(self, length: int) -> bool:
        """Whether ``length`` missing bytes are content, whatever they are."""
        if self._held:
            return False
        if self.state in (State.CLOSE, State.TUNNEL):
            return True
        return self.state in (State.LENGTH, State.CHUNK_DATA) and self._remaining >= length

    def enter_tunnel(self) -> None:
        """The peer answered that this direction is no longer HTTP behind the present message."""
        if self.state in (State.START, State.SEEK):
            self.state = State.TUNNEL
        else:
            self._tunnel_follows = True

    # --- output ------------------------------------------------------------------------------

    def _emit(self, length: int, byte_class: ByteClass | None) -> None:
        if length:
            self._runs.append((length, byte_class))

    def _taken(self) -> list[Run]:
        runs, self._runs = self._runs, []
        return runs

    def _flush(self) -> None:
        held, self._held, self._boundaries = self._held, b"", []
        if not held:
            return
        match self.state:
            case State.FIELDS | State.TRAILERS:
                self._emit_cut_field(held)
            case State.SEEK | State.START if framing.is_cut_start_line(held):
                self._begin(held)
            case State.SEEK if framing.is_cut_http(held):
                self._exchange.http_seen()
                if framing.is_nothing_but_cut_line(held):
                    self._runs += self._redactor.start_line(held)
                else:
                    self._emit(len(held), None)
            case State.PROBE:
                self._enter_body(self._probed)
                self._drain(held)
            case State.TUNNEL:
                self._emit(len(held), ByteClass.BODY)
            case _:
                self._emit(len(held), None)

    def _drain(self, held: bytes) -> None:
        at = 0
        while at < len(held):
            after = _STEPS[self.state](self, held, at)
            if after == NEED_MORE:
                self._emit(len(held) - at, None)
                return
            at = after

    def _emit_cut_field(self, part: bytes) -> None:
        if part[0] in b" \t" and self._fields:
            self._runs += self._redactor.field_line(part, self._fields[-1][0])
        elif framing.is_cut_field_line(part) or not part.strip(LINE_ENDS):
            self._runs += self._redactor.field_line(part)
        else:
            self._emit(len(part), None)

    # --- steps: return the place behind what was taken, or NEED_MORE ---------------------------

    def _lose(self) -> None:
        self.state = State.TUNNEL if self._tunnel_follows else State.SEEK
        self._exchange.sure = False

    @property
    def _is_http2(self) -> bool:
        # content of HTTP/2 may look like a start line
        return self._exchange.speaks_http2 and not self._exchange.is_http

    def _up_to_boundary(self, buffer: bytes, at: int) -> int:
        after = next((b for b in self._boundaries if b > at), len(buffer))
        self._emit(after - at, None)
        return after

    def _seek(self, buffer: bytes, at: int) -> int:
        if at in self._boundaries and not self._is_http2:
            after = self._start_line(buffer, at)
            if after is not None:
                return after
        if self._exchange.sure and not self._seen_head:
            self._exchange.sure = False
        return self._up_to_boundary(buffer, at)

    def _start(self, buffer: bytes, at: int) -> int:
        after = self._start_line(buffer, at)
        if after is None:
            self._lose()
            return at
        return after

    def _start_line(self, buffer: bytes, at: int) -> int | None:
        begin = at
        while begin < len(buffer) and buffer[begin] in LINE_ENDS and begin - at < MAX_BLANK_BYTES:
            begin += 1
        if begin == len(buffer):
            return NEED_MORE
        end = _line_end(buffer, begin)
        # the same answer whether the end of the line came with the rest or later
        if (len(buffer) if end is None else end) - begin > self._options.limits.max_line_bytes:
            return None
        if end is None:
            known = len(self._held) if begin == 0 else 0
            possible = framing.may_become_start_line(buffer[begin:], known)
            return NEED_MORE if possible else None
        line = buffer[begin:end]
        if framing.start_line(line) is None:
            self._no_start_line(line)
            return None
        if any(
            begin < b < end and framing.is_better_split(line, b - begin) for b in self._boundaries
        ):
            return None
        self._emit(begin - at, ByteClass.HEADER)
        self._begin(line)
        return end

    def _no_start_line(self, line: bytes) -> None:
        if framing.is_http2_preface(line) and not self._fed:
            self._exchange.speaks_http2 = True
        elif self._exchange.sure and not self._fed and framing.is_simple_request(line):
            # HTTP/0.9: all of the answer is content, and no answer says so
            self._exchange.http_seen()

    def _begin(self, line: bytes) -> None:
        parsed = framing.start_line(line) or StatusLine(None, b"")
        self._exchange.http_seen()
        if not self._seen_head:
            self._seen_head = True
            self._tally.http_streams += 1
        if isinstance(parsed, RequestLine):
            self._tally.requests += 1
        else:
            self._tally.responses += 1
        self._line, self._fields, self._head_bytes = parsed, [], len(line)
        self._runs += self._redactor.start_line(line)
        self.state = State.FIELDS

    def _field(self, buffer: bytes, at: int) -> int:
        end = _line_end(buffer, at)
        limits = self._options.limits
        if end is None and len(buffer) - at <= limits.max_line_bytes:
            return NEED_MORE
        line = buffer[at:end]
        self._head_bytes += len(line)
        too_long = end is None or len(line) > limits.max_line_bytes
        if end is None or too_long or self._head_bytes > limits.max_header_bytes:
            self._tally.limits_met["max_header_bytes"] += 1
            self._lose()
            return at
        if line in BLANK_LINES:
            self._emit(len(line), ByteClass.HEADER)
            if self.state is State.TRAILERS:
                self._message_ended()
            else:
                self._head_ended()
            return end
        if line[0] in b" \t" and self._fields:
            # RFC 9112 section 5.2, obsolete line folding
            name, value = self._fields[-1]
            self._fields[-1] = (name, value + b" " + line.strip())
            self._runs += self._redactor.field_line(line, name)
            return end
        parsed = framing.field_line(line)
        if parsed is None:
            self._lose()
            return at
        self._fields.append(parsed)
        self._runs += self._redactor.field_line(line)
        return end

    def _head_ended(self) -> None:
        if isinstance(self._line, RequestLine):
            self._asked(self._line.method)
            self._enter_body(framing.body_of(self._line, self._fields, None))
            return
        body, expected = self._response_body(self._line)
        if body.kind is BodyKind.TUNNEL:
            for reader in self._exchange.readers:
                if reader is not self:
                    reader.enter_tunnel()
        if expected is not None:
            self._probed, self.state = expected, State.PROBE
        else:
            self._enter_body(body)

    def _asked(self, method: bytes) -> None:
        waiting = self._exchange.requests[self._side]
        if len(waiting) >= self._options.limits.pipelined_requests:
            waiting.popleft()
            if self._exchange.sure:
                self._tally.limits_met["pipelined_requests"] += 1
                self._exchange.sure = False
        waiting.append(method)

    def _response_body(self, line: StatusLine) -> tuple[Body, Body | None]:
        """Return the framing, and the one to try first to refute when pairing is not sure."""
        waiting = self._exchange.requests[1 - self._side]
        method: bytes | None = None
        if line.code is None or line.code // 100 != 1 or line.code == 101:
            method = waiting.popleft() if waiting else None
        body = framing.body_of(line, self._fields, method)
        if method is not None and self._exchange.sure:
            return body, None
        unpaired = framing.body_of(line, self._fields, None)
        if method == b"HEAD" or body.kind is not BodyKind.TUNNEL:
            has_body = unpaired.kind in (BodyKind.CHUNKED, BodyKind.CLOSE) or unpaired.length > 0
            return body, unpaired if has_body else None
        return body, None

    def _enter_body(self, body: Body) -> None:
        keep = self._options.body_keep_bytes
        if isinstance(self._line, StatusLine) and (self._line.code or 0) >= 400:
            keep = max(keep, self._options.error_body_keep_bytes)
        self._sample_left = keep
        self._remaining = body.length
        self.state = _BODY_STATES[body.kind]
        if self.state is State.SEEK:
            self._lose()
        elif self.state is State.START or (self.state is State.LENGTH and not body.length):
            self._message_ended()

    def _message_ended(self) -> None:
        self.state = State.TUNNEL if self._tunnel_follows else State.START

    def _probe(self, buffer: bytes, at: int) -> int:
        found = framing.begins_with_status_line(buffer[at:])
        if found is None:
            return NEED_MORE
        if found:
            self._message_ended()
        else:
            self._enter_body(self._probed)
        return at

    def _content(self, buffer: bytes, at: int) -> int:
        length = len(buffer) - at
        if self.state in (State.LENGTH, State.CHUNK_DATA):
            length = min(length, self._remaining)
            self._remaining -= length
        sample = min(length, self._sample_left) if self.state is not State.TUNNEL else 0
        self._sample_left -= sample
        self._emit(sample, ByteClass.SAMPLE)
        self._emit(length - sample, ByteClass.BODY)
        if not self._remaining and self.state in (State.LENGTH, State.CHUNK_DATA):
            self._content_ended()
        return at + length

    def _content_ended(self) -> None:
        if self.state is State.CHUNK_DATA:
            self.state = State.CHUNK_END
        else:
            self._message_ended()

    def _chunk_size(self, buffer: bytes, at: int) -> int:
        end = buffer.find(b"\n", at, at + MAX_CHUNK_LINE_BYTES) + 1
        if not end and len(buffer) - at < MAX_CHUNK_LINE_BYTES:
            return NEED_MORE
        size = framing.chunk_size(buffer[at:end])
        if size is None:
            self._lose()
            return at
        self._emit(end - at, ByteClass.FRAMING)
        self._remaining = size
        self._head_bytes = 0
        self._fields = []
        self.state = State.CHUNK_DATA if size else State.TRAILERS
        return end

    def _chunk_end(self, buffer: bytes, at: int) -> int:
        line_end = buffer[at : at + 2]
        if line_end == b"\r":
            return NEED_MORE
        length = 2 if line_end == LINE_ENDS else 1 if line_end[:1] == b"\n" else 0
        if not length:
            self._lose()
            return at
        self._emit(length, ByteClass.FRAMING)
        self.state = State.CHUNK_SIZE
        return at + length


def _line_end(buffer: bytes, at: int) -> int | None:
    """Return the place behind the line that starts at ``at``; None when its end is not there.

    A bare CR ends a line, too: recipients disagree (RFC 9112 section 2.2), and this reading finds
    the end of a head first, so that what may be content is never kept.
    """
    newline = buffer.find(b"\n", at)
    stop = newline if newline >= 0 else len(buffer)
    carriage_return = buffer.find(b"\r", at, stop)
    if carriage_return >= 0 and carriage_return + 1 < stop:
        return carriage_return + 1
    return newline + 1 if newline >= 0 else None


_STEPS: dict[State, Callable[[HttpReader, bytes, int], int]] = {
    State.SEEK: HttpReader._seek,
    State.START: HttpReader._start,
    State.FIELDS: HttpReader._field,
    State.PROBE: HttpReader._probe,
    State.LENGTH: HttpReader._content,
    State.CHUNK_SIZE: HttpReader._chunk_size,
    State.CHUNK_DATA: HttpReader._content,
    State.CHUNK_END: HttpReader._chunk_end,
    State.TRAILERS: HttpReader._field,
    State.CLOSE: HttpReader._content,
    State.TUNNEL: HttpReader._content,
}
