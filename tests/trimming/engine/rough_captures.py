"""Rough captures, each made from a seed: real dialogues, badly carried, then broken.

What is broken is chosen by the seed: bytes of the file, bytes of a payload, the order and number of
packets, their lengths, their wrapping.  Nothing here says what the right answer is.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.captures import (
    Conversation,
    Frame,
    chunked,
    ethernet,
    fragments_of_ipv4,
    gre,
    inet_checksum,
    ipv4,
    pcap,
    pcapng_of,
    request,
    response,
    udp,
    vxlan,
)

HEADS = (b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n", b"Content-Length: 7\r\n", b"\r\n\r\n")
ODDITIES = (
    (b"\r\n", b"\n"),
    (b"\r\n", b"\r"),
    (b": ", b" : "),
    (b"Content-Length", b"Content-Length: 3\r\nContent-Length"),
    (b"HTTP/1.1", b"HTTP/1.0"),
    (b"chunked", b"chunked, chunked"),
    (b"Host", b"Transfer-Encoding: chunked\r\nHost"),
    (b"\r\nHost", b"\r\n Host"),
    (b"GET", b"HEAD"),
    (b"GET", b"CONNECT"),
    (b"200", b"101"),
    (b"200", b"304"),
    (b"200", b"100"),
    (b"\r\nTransfer", b"\r\n Transfer"),
    (b"\r\nContent", b"\r\n\tContent"),
    (b"chunked", b"identity, chunked"),
    (b" HTTP/1.1", b"  HTTP/1.1 "),
    (b"Length: ", b"Length: +"),
    (b"\r\n\r\n", b"\r\nno colon here\r\n\r\n"),
    (b"\r\n0\r\n", b"\r\n0;x=y\r\nTrailer: z\r\n"),
    (b"GET / ", b"get / "),
)


def _body(rng: random.Random) -> bytes:
    length = rng.choice((0, 1, 7, 40, 300, 2000))
    if rng.random() < 0.5:
        return b"".join(rng.choice(HEADS) for _ in range(length // 10))
    return rng.randbytes(length)


def _messages(rng: random.Random) -> tuple[bytes, bytes]:
    body = _body(rng)
    question = request(method=rng.choice(("GET", "POST", "HEAD", "PUT")), body=_body(rng))
    if rng.random() < 0.3:
        fields = (("Transfer-Encoding", "chunked"),)
        head = response(fields=fields, content_length=False)
        answer = head + chunked([body, b"x" * 9] if body else [b"y"])
    else:
        answer = response(body=body, content_length=rng.random() < 0.9)
    if rng.random() < 0.4:
        old, new = rng.choice(ODDITIES)
        question = question.replace(old, new, 1 if rng.random() < 0.5 else -1)
        answer = answer.replace(old, new, 1 if rng.random() < 0.5 else -1)
    return question, answer


def _wrap(rng: random.Random) -> Callable[[bytes], bytes]:
    tagged: Callable[[bytes], bytes] = lambda packet: ethernet(packet, vlans=[(0x8100, 5)])  # noqa: E731 - a table of wrappings
    return rng.choice(
        (
            ethernet,
            tagged,
            lambda packet: ethernet(ipv4(gre(packet), proto=47)),
            lambda packet: ethernet(ipv4(udp(vxlan(ethernet(packet)), dport=4789))),
            lambda packet: ethernet(packet, padding_to=90, fcs=True),
        )
    )


def _named(packet: bytes, number: int) -> bytes:
    """Give an IPv4 packet an identification of its own, which the builder does not."""
    header = packet[:4] + number.to_bytes(2, "big") + packet[6:10] + b"\0\0" + packet[12:20]
    checksum = inet_checksum(header).to_bytes(2, "big")
    return header[:10] + checksum + header[12:] + packet[20:]


def _dialogue(rng: random.Random) -> list[bytes]:
    plain = rng.random() < 0.15
    conversation = Conversation(
        dport=rng.choice((80, 8080, 4433)),
        client_isn=rng.choice((1000, 2**32 - 60)),
        wrap=(lambda packet: packet) if plain else _wrap(rng),
    )
    if rng.random() < 0.8:
        conversation.handshake()
    for _ in range(rng.randint(1, 4)):
        question, answer = _messages(rng)
        conversation.client(question, cut=rng.choice((None, None, 1460, 90, 13)))
        conversation.server(answer, cut=rng.choice((None, 1460, 500, 90, 31)))
        if rng.random() < 0.1:
            conversation.lose_server(rng.choice((1, 50, 3000)))
        if rng.random() < 0.1:
            conversation.lose_client(rng.choice((1, 50, 3000)))
    if rng.random() < 0.5:
        conversation.fin()
    if plain:
        return [
            ethernet(part)
            for number, packet in enumerate(conversation.packets)
            for part in fragments_of_ipv4(_named(packet, number), [rng.choice((8, 24, 64))] * 2)
        ]
    return conversation.packets


def _carried_badly(rng: random.Random, packets: list[bytes]) -> list[Frame]:
    packets = list(packets)
    for _ in range(rng.choice((0, 0, 1, 3))):
        at = rng.randrange(len(packets))
        match rng.randrange(4):
            case 0:
                packets.insert(rng.randrange(len(packets) + 1), packets[at])
            case 1:
                packets.insert(rng.randrange(len(packets)), packets.pop(at))
            case 2 if len(packets) > 1:
                del packets[at]
            case _:
                other = bytearray(packets[at])
                for _ in range(rng.choice((1, 1, 4, 20))):
                    other[rng.randrange(len(other))] = rng.randrange(256)
                packets[at] = bytes(other)
    snaplen = rng.choice((None, None, None, 60, 96, 200))
    return [Frame(packet[:snaplen], original_len=len(packet)) for packet in packets]


def rough_capture(seed: int) -> bytes:
    """Return the bytes of a capture file that may be anything between sound and rubbish."""
    rng = random.Random(seed)
    frames = _carried_badly(rng, _dialogue(rng))
    data = pcapng_of(frames) if rng.random() < 0.3 else pcap(frames)
    if rng.random() < 0.15:
        broken = bytearray(data)
        for _ in range(rng.choice((1, 3, 30))):
            broken[rng.randrange(len(broken))] = rng.randrange(256)
        data = bytes(broken)
    if rng.random() < 0.1:
        data = data[: rng.randrange(len(data))]
    return data
