"""Captures of several connections, badly carried, with their outputs and plans, from a seed.

Nothing here says what is right: outputs may leak, and plans may lack entries.
"""

from __future__ import annotations

import random
from dataclasses import replace

from tests.captures import Conversation, Frame, chunked, pcap, pcapng_of, request, response
from tests.trimming.engine.verification.trimmed import Body, Script, Trimmed, trimmed
from trimming.engine.options import Limits, TrimOptions

LIMITS = (
    Limits(),
    Limits(),
    Limits(max_connections=8, max_closed_connections=2),
    Limits(reorder_segments=4, reorder_bytes=3000),
    Limits(reorder_total_bytes=4000, idle_seconds=1),
)
OPTIONS = (
    TrimOptions(),
    TrimOptions(redact_fields=("host",)),
    TrimOptions(body_keep_bytes=50),
    TrimOptions(uncertain="keep"),
)


def _exchange(c: Conversation, body: Body, rng: random.Random) -> None:
    text = rng.randbytes(rng.choice((1, 40, 3000))) or b"a"
    text = text.replace(b"\0", b"a")
    sent = rng.choice(("GET", "GET", "HEAD", "POST"))
    posted = body(text[:200]) if sent == "POST" else b""
    c.client(request(sent, body=posted), cut=rng.choice((None, 30)))
    match rng.randrange(4) if sent != "HEAD" else 3:
        case 0:
            coded = response(fields=[("Transfer-Encoding", "chunked")], content_length=False)
            c.server(coded + chunked([body(text), body(text[:9])], [("Sum", "1")]), cut=700)
        case 1:
            c.server(response(100, "Continue", content_length=False))
            c.server(_head(len(text)) + body(text), cut=rng.choice((None, 200)))
        case 2:
            c.server(_head(len(text)) + body(text))
        case _:
            c.server(response(304, "Not Modified", content_length=False))


def _head(length: int) -> bytes:
    return response(fields=[("Content-Length", str(length))], content_length=False)


def _script(seed: int) -> Script:
    def script(c: Conversation, body: Body) -> None:
        rng = random.Random(seed)
        sport = c.ports["client"]
        for number in range(rng.choice((1, 2, 5))):
            c.ports["client"] = sport + number
            c.sent = {"client": 0, "server": 0}
            if rng.random() < 0.7:
                c.handshake()
            for _ in range(rng.randint(1, 4)):
                _exchange(c, body, rng)
                if rng.random() < 0.1:
                    c.server(body(b"no HTTP at all\x01\x02"))
                if rng.random() < 0.1:
                    c.lose_server(rng.choice((1, 500)))
            if rng.random() < 0.6:
                c.fin()

    return script


def _carry_badly(case: Trimmed, rng: random.Random) -> None:
    """Lose, repeat and move packets, in both files and the plan alike."""
    for _ in range(rng.choice((0, 1, 4, 12))):
        at = rng.randrange(len(case.before))
        other = max(at - rng.randint(1, 6), 0)
        kind = rng.randrange(3)
        for rows in (case.before, case.after, case.spans):
            row = rows[at]
            if kind and len(rows) > 1:
                del rows[at]
            if kind < 2:
                rows.insert(other if kind else at, row)  # type: ignore[arg-type]  # its own row


def _leak(case: Trimmed, rng: random.Random) -> None:
    """Leave some bytes that are masked, or mask some that are not."""
    for _ in range(rng.choice((0, 0, 1, 2))):
        index = rng.randrange(len(case.before))
        size = len(case.before[index])
        start = rng.randint(min(case.payload_start(index), size), size)
        end = min(start + rng.choice((1, 30, 2000)), size)
        if rng.random() < 0.6:
            case.unmask(index, start, end)
        elif rng.random() < 0.5:
            case.leave_in_output(index, start, end)
        elif start < end:
            case.put(index, start, bytes(end - start))
            case.leave_in_plan(index, start, end)
            case.spans[index] = sorted([*case.spans[index], (start, end)])


def spoiled_dialogues(seed: int) -> tuple[Trimmed, bytes, bytes]:
    """Return a case that holds the plan, the capture and the output."""
    rng = random.Random(seed)
    isns = rng.choice(((1000, 5000), (2**32 - 60, 2**32 - 900)))
    case = trimmed(_script(seed), ipv6=seed % 7 == 0, isns=isns)
    options = replace(rng.choice(OPTIONS), limits=rng.choice(LIMITS))
    case = replace(case.copy(), options=options)
    # of a short one the last packet stays
    skipped = min(rng.choice((0, 0, 0, 5)), len(case.before) - 1)
    del case.before[:skipped]
    del case.after[:skipped]
    del case.spans[:skipped]
    _carry_badly(case, rng)
    if seed % 7:  # its checksums are put right for IPv4 only
        _leak(case, rng)
    snaplen = rng.choice((None, None, None, None, 80, 300))
    case.spans = [
        [(start, min(end, snaplen or end)) for start, end in spans if start < (snaplen or end)]
        for spans in case.spans
    ]
    pause_ns = rng.choice((1000, 400_000_000))
    make = pcapng_of if seed % 5 == 0 else pcap
    files = [
        make([Frame(f[:snaplen], n * pause_ns, original_len=len(f)) for n, f in enumerate(frames)])
        for frames in (case.before, case.after)
    ]
    return case, files[0], files[1]
