"""Applies a mask plan: the same records with bytes overwritten and checksums carried along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from trimming.engine.byte_classes import ZERO
from trimming.engine.checksums import updated_checksum, updated_fcs, updated_udp_checksum
from trimming.engine.formats.records import SECRETS, Packet, Record
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan, PacketPlan
from trimming.engine.report import Tally
from trimming.engine.words import gettext_noop

_UPDATES = {FieldKind.INTERNET: updated_checksum, FieldKind.UDP: updated_udp_checksum}
FCS_BYTES = 4
SECRETS_KEPT = gettext_noop(
    "the capture holds decryption secrets, which are kept; share_safe drops them"
)


def masked_records(records: Iterable[Record], plan: MaskPlan, tally: Tally) -> Iterator[bytes]:
    """Yield the bytes of each record of the output, in order; counts go to ``tally``."""
    options = plan.options
    planned = plan.packets()
    upcoming = next(planned, None)
    # a record that changes its length makes stated section lengths wrong
    resizes = options.slice or options.drop_metadata or upcoming is not None
    times: list[tuple[int, int, int]] = []
    for record in records:
        packet = record.packet
        if packet is None:
            yield metadata(record, options, tally, resizes=resizes)
            continue
        tally.packets += 1
        tally.captured_bytes += packet.captured_len
        masked_before = tally.masked_bytes
        data: bytes | None = None
        if upcoming is not None and upcoming.number == packet.number:
            data = masked_packet(packet, upcoming, options, tally)
            upcoming = next(planned, None)
        if packet.timestamp_ns is None:
            tally.timeline.untimed_packets += 1
        else:
            masked = tally.masked_bytes - masked_before
            times.append((packet.timestamp_ns, packet.captured_len, masked))
        yield masked_record(record, data, options)
    tally.timeline.add(*np.array(times, np.int64).reshape(-1, 3).T)


def masked_record(record: Record, data: bytes | None, options: TrimOptions) -> bytes:
    """Return a record with the captured bytes ``data``, None where those do not change."""
    if options.drop_metadata:
        return record.without_metadata(data)
    return record.raw if data is None else record.rewritten(data)


def metadata(record: Record, options: TrimOptions, tally: Tally, *, resizes: bool) -> bytes:
    """Return what is written of a record without a packet.

    ``resizes``: other records may change their length.
    """
    kind = record.metadata_kind
    if options.drop_metadata:
        kept = record.without_metadata(None)
        if kind is not None and not kept:
            tally.dropped_metadata[kind] += 1
        return kept
    if kind == SECRETS:
        tally.warn(SECRETS_KEPT)
    return record.resized() if resizes else record.raw


def masked_packet(
    packet: Packet, packet_plan: PacketPlan, options: TrimOptions, tally: Tally
) -> bytes | None:
    """Return the captured bytes after masking, None where nothing changes."""
    for span in packet_plan.spans:
        tally.bytes_by_class[span.byte_class] += span.end - span.start
    fills = list(packet_plan.fills(options))
    if not fills and not packet_plan.changes:
        return None
    data = bytearray(packet.data)
    for start, end, fill in fills:
        data[start:end] = bytes((fill,)) * (end - start)
        tally.masked_bytes += end - start
    _update_checksums(data, packet_plan)
    for check in packet_plan.frame_checks:
        end = check.end
        if not any(start < end + FCS_BYTES and end < stop for start, stop, _ in fills):
            before, after = packet.data[check.start : end], data[check.start : end]
            data[end : end + FCS_BYTES] = updated_fcs(
                packet.data[end : end + FCS_BYTES], before, bytes(after)
            )
    if options.slice:
        kept = _sliced_len(len(data), fills)
        tally.sliced_bytes += len(data) - kept
        del data[kept:]
    return None if data == packet.data else bytes(data)


def _update_checksums(data: bytearray, packet_plan: PacketPlan) -> None:
    deltas: Counter[tuple[int, FieldKind]] = Counter()
    for change in packet_plan.changes:
        deltas[change.offset, change.kind] += change.delta
    for (offset, kind), delta in deltas.items():
        field = int.from_bytes(data[offset : offset + 2], "big")
        data[offset : offset + 2] = _UPDATES[kind](field, delta).to_bytes(2, "big")


def _sliced_len(length: int, fills: list[tuple[int, int, int]]) -> int:
    """Return how many bytes stay when the zeroed bytes at the end are cut off."""
    for start, end, fill in reversed(fills):
        if end != length or fill != ZERO:
            break
        length = start
    return length
