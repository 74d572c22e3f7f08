"""The eye on a connection: strict where framing is certain, loose from the first oddity on.

Belongs here: which of the two readings applies, and what each demands of the output.  Must not be
known here: packets, sequence numbers, plans.  Bytes come in order, a gap is told.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum

from trimming.engine.options import TrimOptions
from trimming.engine.verification import patterns
from trimming.engine.verification.findings import Findings, Rule
from trimming.engine.verification.framing import (
    Body,
    Request,
    read_fields,
    read_request,
    read_response,
    request_body,
    response_body,
)
from trimming.engine.verification.grammar import Place
from trimming.engine.verification.loose import Loose
from trimming.engine.verification.pieces import Piece, first_kept
from trimming.engine.words import gettext_noop

MAX_REQUESTS = 1000
MAX_CARRIED_PIECES = 1024
MAX_SIZE_LINE_BYTES = 1 << 12
REDACTION = ord("x")


class Expect(IntEnum):
    """What a strict reader stands before."""

    HEAD = 0
    BODY = 1  # by Content-Length
    SIZE_LINE = 2
    CHUNK = 3
    CHUNK_END = 4
    TRAILERS = 5
    ENDLESS = 6  # a close-delimited body or a tunnel


class Exchange:
    """What the two directions of a connection know of each other.

    ``sure``: nothing odd was seen so far, so framing is certain.  ``http``: a start line was seen.
    ``client``: which direction (0 or 1) sends requests, -1 while unknown.
    """

    def __init__(self, options: TrimOptions, findings: Findings) -> None:
        self.options = options
        self.findings = findings
        self.sure = True
        self.http = False
        self.client = -1
        self.requests: deque[Request] = deque()
        self.waiting = False  # the response decides what the client's next bytes are
        self.eyes = (Eye(self, 0), Eye(self, 1))

    @property
    def judges_loosely(self) -> bool:
        """Whether the profile masks all that is no header, so that the grammar may be asked for."""
        return not self.options.keeps_body_bytes and self.options.uncertain == "mask"

    def became_http(self) -> None:
        """Make good on what was kept before anybody knew."""
        if not self.http:
            self.http = True
            for eye in self.eyes:
                eye.tell_earlier()

    def settle(self) -> None:
        """After an oddity: let both directions read what they hold back."""
        if not self.sure:
            for eye in self.eyes:
                eye.let_go()


class Eye(Loose):
    """Reads one direction."""

    def __init__(self, exchange: Exchange, direction: int) -> None:
        super().__init__()
        self.exchange = exchange
        self.direction = direction
        self.expect = Expect.HEAD
        self.left = 0  # bytes of a body or chunk to come
        self.body_read = 0
        self.heads = 0
        self.strict = True
        self.carry: Piece | None = None
        self.carried = 0
        self.complaints: list[tuple[str, int, int]] = []

    @property
    def header_blocks(self) -> int:
        """Heads that were read in full."""
        return self.heads + self.grammar.heads

    def read(self, piece: Piece) -> None:
        """Judge the next bytes of the direction."""
        if self.strict and self.exchange.sure:
            if self.carry is not None:
                piece = self.carry.followed_by(piece)
                self.carry = None
                self.carried += 1
                if self.carried > MAX_CARRIED_PIECES:
                    self.exchange.sure = False
            at = self._read_strictly(piece)
            if at == len(piece.original):
                self.carried = 0
            elif self.exchange.sure:
                self.carry = piece.rest(at)
            else:
                self.exchange.settle()
                self._read_loosely(piece.rest(at))
            return
        self.let_go()
        self._read_loosely(piece)

    def gap(self, length: int) -> None:
        """``length`` bytes are missing here."""
        self.exchange.sure = False
        self.exchange.settle()
        self.candidate = b""
        if not self.grammar.gap(length):
            self._kept_wrongly(*self.last)

    def end(self) -> None:
        """Nothing follows."""
        if self.strict and self.exchange.sure and self.carry is None:
            self._complain()
            return
        self.exchange.sure = False
        self.exchange.settle()
        if not self.grammar.gap(0):
            self._kept_wrongly(*self.last)

    def lose(self) -> None:
        """State was forgotten that a strategy may still have: accept anything for a while."""
        self.exchange.sure = False
        self.exchange.settle()
        self.grammar.lost()

    def let_go(self) -> None:
        """Turn to the loose reading, with what was held back."""
        if not self.strict:
            return
        self.strict = False
        self.complaints.clear()
        grammar = self.grammar
        if self.expect == Expect.TRAILERS:
            grammar.place = Place.TRAILERS
        elif self.expect in (Expect.SIZE_LINE, Expect.CHUNK, Expect.CHUNK_END):
            grammar.chunked = True
            grammar.size_next = self.expect == Expect.SIZE_LINE
            grammar.chunk_left = self.left if self.expect == Expect.CHUNK else 0
        if self.carry is not None:
            piece, self.carry = self.carry, None
            self._read_loosely(piece)

    # --- strictly ---------------------------------------------------------------------------

    def _read_strictly(self, piece: Piece) -> int:
        """Return how far ``piece`` was read: what is left is incomplete, or odd if not sure."""
        at, size = 0, len(piece.original)
        while at < size and self.exchange.sure:
            before = at
            match self.expect:
                case Expect.BODY | Expect.CHUNK | Expect.ENDLESS:
                    at = self._body(piece, at)
                case Expect.HEAD:
                    at = self._head(piece, at)
                case Expect.SIZE_LINE:
                    at = self._size_line(piece, at)
                case Expect.CHUNK_END:
                    at = self._chunk_end(piece, at)
                case Expect.TRAILERS:
                    at = self._trailers(piece, at)
            if at == before:
                break
        return at

    def _body(self, piece: Piece, at: int) -> int:
        size = len(piece.original) - at
        if self.expect != Expect.ENDLESS:
            size = min(size, self.left)
            self.left -= size
        end = at + size
        options = self.exchange.options
        allowed = max(options.body_keep_bytes, options.error_body_keep_bytes) - self.body_read
        self.body_read += size
        kept = first_kept(piece.output, at + max(allowed, 0), end) if allowed < size else -1
        if kept >= 0:
            packet, offset = piece.where(kept)
            left = gettext_noop("byte %(offset)d of a message body is kept") % {"offset": offset}
            self.exchange.findings.add(Rule.KEPT_BYTES, left, packet, offset)
        if self.expect == Expect.BODY and self.left == 0:
            self._message_ends()
        elif self.expect == Expect.CHUNK and self.left == 0:
            self.expect = Expect.CHUNK_END
        return end

    def _head(self, piece: Piece, at: int) -> int:
        exchange = self.exchange
        original = piece.original
        found = patterns.END_OF_HEAD.search(original, at)
        end = found.end() if found is not None else len(original)
        if end - at > patterns.MAX_HEAD_BYTES or not self._may_start(original[at:end]):
            exchange.sure = False
            return at
        if found is None:
            return at
        head = original[at:end]
        client = self.direction == exchange.client
        if not (self._request(head) if client else self._response(head)):
            exchange.sure = False
            return at
        self.heads += 1
        self.recognised = True
        exchange.became_http()
        self._must_be_kept(piece, at, end)
        if self.expect == Expect.HEAD:  # no body
            self._message_ends()
        return end

    def _may_start(self, text: bytes) -> bool:
        exchange = self.exchange
        if exchange.client < 0 or (exchange.waiting and self.direction == exchange.client):
            return False
        newline = text.find(b"\n")
        if newline >= 0:
            return patterns.START_LINE.match(text, 0, newline + 1) is not None
        return patterns.START_PREFIX.match(text) is not None

    def _request(self, head: bytes) -> bool:
        exchange = self.exchange
        found = read_request(head)
        if found is None or len(exchange.requests) >= MAX_REQUESTS:
            return False
        request, fields = found
        exchange.requests.append(request)
        exchange.waiting = request.upgrade or request.method == b"CONNECT"
        self._begin(request_body(fields), fields.length)
        return True

    def _response(self, head: bytes) -> bool:
        exchange = self.exchange
        found = read_response(head)
        if found is None or not exchange.requests:
            return False
        status, fields = found
        if 100 <= status < 200 and status != 101:
            return not fields.chunked and fields.length <= 0
        request = exchange.requests[0]
        body = response_body(status, fields, request)
        if body is None:
            return False
        if body == Body.TUNNEL and not self._open_tunnel():
            return False
        exchange.requests.popleft()
        if request.upgrade or request.method == b"CONNECT":
            exchange.waiting = False
        self._begin(body, fields.length)
        return True

    def _open_tunnel(self) -> bool:
        """The client's bytes are tunnelled from here on; False if it had already sent some."""
        client = self.exchange.eyes[self.exchange.client]
        if client.expect != Expect.HEAD or client.carry is not None:
            return False
        client._begin(Body.TUNNEL, -1)
        return len(self.exchange.requests) == 1

    def _begin(self, body: Body, length: int) -> None:
        self.body_read = 0
        self.left = length
        self.expect = {
            Body.NONE: Expect.HEAD,
            Body.LENGTH: Expect.BODY,
            Body.CHUNKED: Expect.SIZE_LINE,
            Body.CLOSE: Expect.ENDLESS,
            Body.TUNNEL: Expect.ENDLESS,
        }[body]

    def _size_line(self, piece: Piece, at: int) -> int:
        end = piece.original.find(b"\n", at) + 1
        if end == 0:
            if len(piece.original) - at > MAX_SIZE_LINE_BYTES:
                self.exchange.sure = False
            return at
        found = patterns.SIZE_LINE.match(piece.original[at:end])
        if found is None:
            self.exchange.sure = False
            return at
        self._must_be_kept(piece, at, end)
        self.left = int(found[1], 16)
        self.expect = Expect.CHUNK if self.left else Expect.TRAILERS
        return end

    def _chunk_end(self, piece: Piece, at: int) -> int:
        text = piece.original[at : at + 2]
        if text == b"\r\n":
            self._must_be_kept(piece, at, at + 2)
            self.expect = Expect.SIZE_LINE
            return at + 2
        if text != b"\r":
            self.exchange.sure = False
        return at

    def _trailers(self, piece: Piece, at: int) -> int:
        original = piece.original
        if original.startswith(b"\r\n", at):
            end = at + 2
        else:
            found = patterns.END_OF_HEAD.search(original, at)
            if found is None:
                if len(original) - at > patterns.MAX_HEAD_BYTES or original[at] == 10:
                    self.exchange.sure = False
                return at
            end = found.end()
            text = original[at : found.start()]
            if read_fields(text.removesuffix(b"\r")) is None:
                self.exchange.sure = False
                return at
        self._must_be_kept(piece, at, end)
        self.expect = Expect.HEAD
        self._message_ends()
        return end

    def _must_be_kept(self, piece: Piece, start: int, end: int) -> None:
        before, after = piece.original[start:end], piece.output[start:end]
        if before == after:
            return
        options = self.exchange.options
        redacted = bool(options.redact_fields or options.redact_targets)
        for at, value in enumerate(after):
            if value != before[at] and not (redacted and value == REDACTION):
                packet, offset = piece.where(start + at)
                masked = gettext_noop(
                    "byte %(offset)d belongs to a header block or its framing and was masked"
                )
                self.complaints.append((masked % {"offset": offset}, packet, offset))
                return

    def _message_ends(self) -> None:
        self.expect = Expect.HEAD
        self._complain()

    def _complain(self) -> None:
        """What was masked too much counts once the message came to a regular end."""
        for detail, packet, offset in self.complaints:
            self.exchange.findings.add(Rule.HEADER_BLOCKS, detail, packet, offset)
        self.complaints.clear()
