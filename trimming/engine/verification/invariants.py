"""Packet by packet: the plan is applied, nothing else changed, and checksums keep their state."""

from __future__ import annotations

from dataclasses import dataclass

from trimming.engine.formats.records import Packet
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldChange, FieldKind, PacketPlan
from trimming.engine.verification.arithmetic import (
    MODULUS,
    fcs_error,
    field_at,
    moved_by,
    same_sum,
)
from trimming.engine.verification.findings import Findings, Rule
from trimming.engine.verification.layers import Check, Walk
from trimming.engine.verification.records import first_difference
from trimming.engine.words import gettext_noop

Fills = list[tuple[int, int, int]]
FCS_WRONG = gettext_noop(
    "the frame check sequence was wrong over the original and does not keep that over the output"
)
FCS_RIGHT = gettext_noop(
    "the frame check sequence was right over the original and does not keep that over the output"
)


@dataclass(slots=True)
class Compared:
    """Both sides of a packet; ``output`` has what a slice cut off put back as the plan masks it."""

    number: int
    original: bytes
    output: bytes
    fills: Fills


def sound_fills(
    plan: PacketPlan, captured_len: int, options: TrimOptions, findings: Findings
) -> Fills:
    """Return what the plan overwrites, with a finding for spans that overlap or lie outside."""
    fills: Fills = []
    last = 0
    for span in plan.spans:
        if not last <= span.start <= span.end <= captured_len:
            findings.add(
                Rule.PLAN_APPLIED,
                gettext_noop(
                    "the plan names the bytes %(start)d to %(end)d of %(length)d,"
                    " behind a span that ends at %(last)d"
                )
                % {"start": span.start, "end": span.end, "length": captured_len, "last": last},
                plan.number,
                span.start,
            )
            continue
        last = span.end
    for start, end, fill in plan.fills(options):
        if 0 <= start < end <= captured_len:
            fills.append((start, end, fill))
    return fills


def whole_output(
    before: Packet, after: Packet, fills: Fills, options: TrimOptions, findings: Findings
) -> bytes | None:
    """Return the output's captured bytes, a slice undone; None with a finding where that fails."""
    missing = before.captured_len - after.captured_len
    lengths = {"was": before.captured_len, "now": after.captured_len}
    if missing == 0:
        return after.data
    if missing < 0 or not options.slice:
        findings.add(
            Rule.PACKET_HEADER,
            gettext_noop("the captured length was %(was)d and is %(now)d") % lengths,
            before.number,
        )
        return None
    rebuilt = bytearray(before.data)
    covered = before.captured_len
    for start, end, fill in reversed(fills):
        if end != covered or covered <= after.captured_len:
            break
        covered = start
        rebuilt[start:end] = bytes((fill,)) * (end - start)
    if covered > after.captured_len:
        findings.add(
            Rule.PACKET_HEADER,
            gettext_noop(
                "the captured length was %(was)d and is %(now)d, but the plan masks the end only"
                " from byte %(covered)d on"
            )
            % {**lengths, "covered": covered},
            before.number,
            after.captured_len,
        )
        return None
    return after.data + bytes(rebuilt[after.captured_len :])


def check_bytes(
    compared: Compared, plan: PacketPlan | None, walk: Walk, findings: Findings
) -> None:
    """Hold the output of a packet against its plan and its checksums."""
    before, after = compared.original, compared.output
    if before == after and not compared.fills:
        return
    expected = bytearray(before)
    for start, end, fill in compared.fills:
        expected[start:end] = bytes((fill,)) * (end - start)
        if after[start:end] != expected[start:end]:
            at = first_difference(bytes(expected[start:end]), after[start:end]) + start
            findings.add(
                Rule.PLAN_APPLIED,
                gettext_noop(
                    "the plan overwrites the bytes %(start)d to %(end)d, of which byte %(at)d is"
                    " left"
                )
                % {"start": start, "end": end, "at": at},
                compared.number,
                at,
            )
            return
    if before != after:
        _check_rest(compared, expected, plan, walk, findings)
    _check_sums(compared, plan, walk, findings)


def _check_rest(
    compared: Compared, expected: bytearray, plan: PacketPlan | None, walk: Walk, findings: Findings
) -> None:
    after = compared.output
    for check in walk.checks:
        expected[check.field : check.field + 2] = after[check.field : check.field + 2]
    for change in _foreign_changes(plan, compared, walk):
        expected[change.offset : change.offset + 2] = after[change.offset : change.offset + 2]
    for _, end in _frame_checks(compared, plan, walk):
        expected[end : end + 4] = after[end : end + 4]
    if expected != after:
        at = first_difference(bytes(expected), after)
        findings.add(
            Rule.OUTSIDE_PLAN,
            gettext_noop("byte %(at)d changed, which the plan does not overwrite") % {"at": at},
            compared.number,
            at,
        )


def _foreign_changes(plan: PacketPlan | None, compared: Compared, walk: Walk) -> list[FieldChange]:
    """The plan's checksum fields where this decoder stops short of what a strategy may see."""
    if plan is None:
        return []
    known = {check.field for check in walk.checks}
    start, end = walk.payload_start, walk.payload_end
    inside = start >= 0 and all(start <= at and to <= end for at, to, _ in compared.fills)
    changes = []
    for change in plan.changes:
        if change.offset in known or not 0 <= change.offset <= len(compared.original) - 2:
            continue
        if not inside or (walk.opaque and change.offset >= start):
            changes.append(change)
    return changes


def _frame_checks(compared: Compared, plan: PacketPlan | None, walk: Walk) -> list[tuple[int, int]]:
    """(start, end) of what a frame check sequence at ``end`` covers: found here, or planned."""
    checks = []
    end = len(compared.original) - 4
    last_masked = compared.fills[-1][1] if compared.fills else 0
    start = walk.frame_start
    if end > start and last_masked <= end and not walk.is_truncated:
        declared = walk.trailer_bytes == 4
        if declared or fcs_error(compared.original, start, end) == 0:
            checks.append((start, end))
    for planned in plan.frame_checks if plan is not None else ():
        named = (planned.start, planned.end)
        # one that was overwritten, because payload is said to reach over it, keeps nothing
        is_left = last_masked <= planned.end
        if is_left and named not in checks and 0 <= planned.start <= planned.end <= end:
            checks.append(named)
    return checks


def _check_sums(
    compared: Compared, plan: PacketPlan | None, walk: Walk, findings: Findings
) -> None:
    before, after = compared.original, compared.output
    foreign = _foreign_changes(plan, compared, walk)
    for check in walk.checks:
        if not check.partial:
            check_sum(check, before, after, compared.number, findings)
    deltas: dict[int, int] = {}
    for change in foreign:
        deltas[change.offset] = deltas.get(change.offset, 0) + change.delta
    for change in foreign:
        none = change.kind is FieldKind.UDP and field_at(before, change.offset) == 0
        if not moved_by(before, after, change.offset, 0 if none else deltas[change.offset]):
            _bad_sum(findings, "planned", change.offset, before, after, compared.number)
    for start, end in _frame_checks(compared, plan, walk):
        error = fcs_error(before, start, end)
        # a wrong one is either left as it is or stays wrong by the same difference
        untouched = error and before[end : end + 4] == after[end : end + 4]
        if fcs_error(after, start, end) != error and not untouched:
            findings.add(
                Rule.CHECKSUM,
                FCS_WRONG if error else FCS_RIGHT,
                compared.number,
                end,
            )


def check_sum(check: Check, before: bytes, after: bytes, number: int, findings: Findings) -> None:
    """Hold one 16-bit checksum of the output against the original's."""
    was = field_at(before, check.field)
    if check.zero_is_none and (was == 0) != (field_at(after, check.field) == 0):
        _bad_sum(findings, check.name, check.field, before, after, number)
    elif check.zero_is_none and was == 0:
        return
    elif not same_sum(before, after, check.start, check.end):
        _bad_sum(findings, check.name, check.field, before, after, number)


def _bad_sum(
    findings: Findings, name: str, offset: int, before: bytes, after: bytes, number: int
) -> None:
    was, now = field_at(before, offset), field_at(after, offset)
    findings.add(
        Rule.CHECKSUM,
        gettext_noop(
            "the %(name)s checksum went from %(was)s to %(now)s, which does not keep it as right"
            " or as wrong as it was (modulo %(modulus)s)"
        )
        % {"name": name, "was": f"{was:#06x}", "now": f"{now:#06x}", "modulus": f"{MODULUS:#x}"},
        number,
        offset,
    )
