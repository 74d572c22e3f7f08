"""The same output verified record by record and in windows, and outputs that are spoiled by a seed.

Nothing here says what is right: only that both say the same.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from trimming.engine.byte_classes import ByteClass
from trimming.engine.errors import InputError
from trimming.engine.formats import batches
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan, PacketPlan
from trimming.engine.report import Tally, Verification
from trimming.engine.strategies.registry import load_strategy
from trimming.engine.verification.lockstep import Lockstep
from trimming.engine.verification.windows import Windows
from trimming.engine.writer import masked_records

WINDOW_BYTES = (64, 700, 5000, 1 << 22)


def small_windows(patch: pytest.MonkeyPatch, window_bytes: int) -> None:
    """Have captures read in windows of this size, as far as records allow."""
    shrunk = functools.partial(batches.read_batches, window_bytes=window_bytes)
    patch.setattr(batches, "read_batches", shrunk)


def walked(original: Path, output: Path, plan: MaskPlan) -> Verification | str:
    """Return what the walk record by record says, or why the original cannot be read."""
    with _open(original, plan) as before, _open(output, plan) as after:
        try:
            return Lockstep(before, after, plan).run(None)
        except InputError as error:
            return str(error)


def windowed(original: Path, output: Path, plan: MaskPlan) -> Verification | str:
    """Return what the walk in windows says, or why the original cannot be read."""
    with _open(original, plan) as before, _open(output, plan) as after:
        try:
            return Windows(before, after, plan).run(None)
        except InputError as error:
            return str(error)


def _open(path: Path, plan: MaskPlan) -> CaptureFile:
    return CaptureFile(path, plan.options.limits)


def trimmed_by_legacy(source: Path, target: Path, plan: MaskPlan) -> bool:
    """Fill ``plan`` and write ``target``; False for a source that is refused."""
    tally = Tally()
    with CaptureFile(source, plan.options.limits) as capture:
        try:
            load_strategy("legacy").plan(capture, plan, tally, None)
            target.write_bytes(b"".join(masked_records(capture.records(), plan, tally)))
        except InputError:
            return False
    return True


def spoiled_plan(plan: MaskPlan, rng: random.Random) -> MaskPlan:
    """Return a copy of a plan in which a few entries are another, or lacking."""
    plans = list(plan.packets())
    copy = MaskPlan(plan.options)
    for _ in range(rng.choice((0, 1, 1, 3))):
        if plans:
            _spoil_packet(rng.choice(plans), rng)
    if rng.random() < 0.05:
        copy.add_span(rng.choice((0, 1, 2, 10**6)), 0, 3, ByteClass.BODY)
    _fill(copy, plans)
    return copy


def _spoil_packet(plan: PacketPlan, rng: random.Random) -> None:
    spans = plan.spans
    match rng.randrange(5):
        case 0 if spans:
            del spans[rng.randrange(len(spans))]
        case 1 if spans:
            at = rng.randrange(len(spans))
            span = spans[at]
            start = rng.randint(span.start, span.end)
            spans[at] = type(span)(start, rng.randint(start, span.end), span.byte_class)
        case 2:
            plan.changes.clear()
        case 3:
            plan.frame_checks.clear()
        case _:
            plan.number = max(plan.number + rng.choice((-1, 1)), 0)


def _fill(copy: MaskPlan, plans: Iterable[PacketPlan]) -> None:
    for plan in plans:
        for span in plan.spans:
            copy.add_span(plan.number, span.start, span.end, span.byte_class)
        for change in plan.changes:
            kind = FieldKind(change.kind)
            copy.add_change(plan.number, change.offset, kind, change.delta, ByteClass.BODY)
        for check in plan.frame_checks:
            copy.add_frame_check(plan.number, check.start, check.end)


def spoiled_output(original: bytes, output: bytes, rng: random.Random) -> bytes:
    """Return an output that may have bytes of the original again, others, or more or fewer."""
    data = bytearray(output)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 5))):
        at = rng.randrange(len(data) or 1)
        size = rng.choice((1, 2, 20, 300))
        match rng.randrange(5):
            case 0 | 1:
                data[at : at + size] = original[at : at + size]
            case 2 if data:
                data[at] = rng.randrange(256)
            case 3:
                data[at : at + size] = bytes(len(data[at : at + size]))
            case _ if rng.random() < 0.2:
                del data[at : at + size]
    return bytes(data)


OPTIONS = (
    TrimOptions(),
    TrimOptions(other_payload="mask", redact_fields=("cookie", "host"), redact_targets=True),
    TrimOptions(uncertain="keep"),
    TrimOptions(body_keep_bytes=20),
    TrimOptions(slice=True),
    TrimOptions(drop_metadata=True),
)
