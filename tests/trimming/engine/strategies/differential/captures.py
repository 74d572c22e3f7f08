"""Frames as a capture file, so that packets can be left out of it one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.captures import (
    Block,
    Frame,
    custom,
    enhanced,
    interface,
    names,
    obsolete,
    pcap,
    pcapng,
    secrets,
    section_header,
    simple,
    statistics,
)
from tests.trimming.engine.strategies.differential.dice import Dice


@dataclass(frozen=True)
class Sent:
    """One packet: its captured bytes and what its record tells of it."""

    data: bytes
    original_len: int
    link_type: int
    timestamp_ns: int


@dataclass(frozen=True)
class Container:
    """The kind of file; ``kind`` is "pcap" or that of the packet blocks of a pcapng file."""

    kind: str
    byte_order: str
    nanoseconds: bool
    modified: bool
    fcs_len: int | None
    extras: bool
    # as pcapng stores them: the resolution of times, and the seconds to add
    clock: tuple[int | None, int | None] = (None, None)

    def file(self, packets: Sequence[Sent]) -> bytes:
        """Return the packets as a file."""
        if self.kind != "pcap":
            return self._pcapng(packets)
        return pcap(
            [Frame(sent.data, sent.timestamp_ns, sent.original_len) for sent in packets],
            byte_order=self.byte_order,
            nanoseconds=self.nanoseconds,
            modified=self.modified,
            link_type=packets[0].link_type if packets else 1,
            fcs_len=self.fcs_len,
        )

    def _pcapng(self, packets: Sequence[Sent]) -> bytes:
        links = sorted({sent.link_type for sent in packets})
        resolution = 9 if self.nanoseconds else self.clock[0]
        offset = self.clock[1]
        blocks: list[Block] = [section_header(byte_order=self.byte_order)]
        blocks += [
            interface(link, tsresol=resolution, tsoffset=offset, fcs_len=self.fcs_len)
            for link in links
        ]
        for number, sent in enumerate(packets):
            if self.extras and number % 7 == 3:
                blocks.append((names, secrets, custom, statistics)[number // 7 % 4]())
            blocks.append(self._block(sent, links.index(sent.link_type)))
        return pcapng(blocks, byte_order=self.byte_order)

    def _block(self, sent: Sent, number: int) -> Block:
        ticks = sent.timestamp_ns // (1 if self.nanoseconds else 1000)
        if self.kind == "simple" and number == 0:
            return simple(sent.data, original_len=sent.original_len)
        if self.kind == "obsolete":
            return obsolete(sent.data, number, ticks, original_len=sent.original_len)
        options = [(1, b"a comment")] if self.extras and ticks % 3 == 0 else []
        return enhanced(sent.data, number, ticks, original_len=sent.original_len, options=options)


def container(dice: Dice, *, links: int, fcs_len: int | None) -> Container:
    """Return a kind of file for frames of so many link types, and what it says of their ends."""
    kind = "pcap"
    if links > 1 or dice.hits("pcapng", 0.3):
        dice.note("pcapng")
        kind = "enhanced"
        if dice.hits("simple packet blocks", 0.06):
            kind = "simple"
        elif dice.hits("obsolete packet blocks", 0.06):
            kind = "obsolete"
    clock: tuple[int | None, int | None] = (None, None)
    if kind != "pcap" and dice.hits("odd clocks", 0.08):
        clock = (dice.choice((0, 3, 6, 9, 12, 0x83, 0x94)), dice.choice((None, -1, 1000)))
    modified = kind == "pcap" and dice.hits("modified pcap", 0.04)
    return Container(
        kind=kind,
        byte_order=">" if dice.hits("big-endian files", 0.15) else "<",
        nanoseconds=not modified and dice.hits("nanoseconds", 0.15),
        modified=modified,
        fcs_len=fcs_len,
        extras=kind != "pcap" and dice.hits("blocks without packets", 0.3),
        clock=clock,
    )
