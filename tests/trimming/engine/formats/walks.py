"""The two ways to walk a capture file, side by side."""

from __future__ import annotations

from pathlib import Path

from trimming.engine.errors import InputError
from trimming.engine.formats.batches import Batch
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.formats.records import Packet, Record, Tail
from trimming.engine.options import Limits

# bytes of the records, packets, what is left at the end, why the file was refused
Seen = tuple[list[bytes], list[Packet], Tail | None, str]


def one_by_one(path: Path, limits: Limits) -> Seen:
    raw: list[bytes] = []
    packets: list[Packet] = []
    with CaptureFile(path, limits) as capture:
        try:
            for record in capture.records():
                raw.append(record.raw)
                packets += [record.packet] if record.packet else []
        except InputError as error:
            return raw, packets, None, str(error)
        return raw, packets, capture.tail, ""


def records_of(batch: Batch) -> list[Record]:
    others = list(batch.others)
    found: list[Record] = []
    for index in range(len(batch) + 1):
        while others and others[0][0] == index:
            found.append(others.pop(0)[1])
        if index < len(batch):
            found.append(batch.record(index))
    return found


def in_windows(path: Path, limits: Limits) -> Seen:
    raw: list[bytes] = []
    packets: list[Packet] = []
    with CaptureFile(path, limits) as capture:
        try:
            for batch in capture.batches():
                raw += [record.raw for record in records_of(batch)]
                packets += [batch.packet(index) for index in range(len(batch))]
        except InputError as error:
            return raw, packets, None, str(error)
        return raw, packets, capture.tail, ""


def walks_differ(path: Path, limits: Limits) -> str:
    """Return what windows do not give as the readers do, "" when nothing."""
    raw, packets, tail, refusal = one_by_one(path, limits)
    found = in_windows(path, limits)
    if found[2:] != (tail, refusal):
        return f"ends: {(tail, refusal)} / {found[2:]}"
    # a refusal may come before the whole records of its window were given
    if found[0] != raw[: len(found[0])] or found[1] != packets[: len(found[1])]:
        return "records or packets differ"
    if not refusal and (len(found[0]), len(found[1])) != (len(raw), len(packets)):
        return "records or packets are missing"
    return ""
