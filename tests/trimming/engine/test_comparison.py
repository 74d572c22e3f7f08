"""Comparing two strategies: every byte, checksum and frame check on which the plans differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.captures import pcap
from trimming.engine import comparison as engine
from trimming.engine.byte_classes import ByteClass, Pair
from trimming.engine.comparison import (
    ChecksumDifference,
    CompareProgress,
    Comparison,
    Extent,
    FrameCheckDifference,
    RangeDifference,
    compare,
)
from trimming.engine.errors import CancelledError, InputError, OptionsError
from trimming.engine.formats.capture import CaptureFile
from trimming.engine.options import PROFILES, TrimOptions
from trimming.engine.plan import FieldKind, MaskPlan
from trimming.engine.report import Tally
from trimming.engine.strategies.registry import load_strategy

HEADER, BODY, OTHER = ByteClass.HEADER, ByteClass.BODY, ByteClass.OTHER
UNCERTAIN = ByteClass.UNCERTAIN
STANDARD = TrimOptions()
PACKETS = 12
PACKET_BYTES = 40
Fill = Callable[[MaskPlan], None]


@dataclass
class Scripted:
    """A strategy that plans what it was told to."""

    fill: Fill = lambda plan: None
    name: str = "scripted"
    version: str = "1"
    planned: ClassVar[list[str]] = []
    counts: dict[str, int] = field(default_factory=dict)

    def plan(
        self,
        capture: CaptureFile,
        plan: MaskPlan,
        tally: Tally,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.planned.append(self.name)
        for _ in capture.packets(progress):
            pass
        for name, value in self.counts.items():
            setattr(tally, name, value)
        self.fill(plan)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.pcap"
    path.write_bytes(pcap([bytes(PACKET_BYTES)] * PACKETS))
    return path


def run(
    source: Path,
    first: Fill,
    second: Fill,
    options: TrimOptions = STANDARD,
    most: int = 1000,
    progress: CompareProgress | None = None,
) -> Comparison:
    ticks = iter([0.0, 1.0, 1.0, 3.0])
    return compare(
        source,
        (lambda: Scripted(first, "a"), lambda: Scripted(second, "b")),
        options,
        clock=lambda: next(ticks),
        folder=source.parent,
        progress=progress,
        most=most,
    )


def spans(*entries: tuple[int, int, int, ByteClass]) -> Fill:
    def fill(plan: MaskPlan) -> None:
        for packet, start, end, byte_class in entries:
            plan.add_span(packet, start, end, byte_class)

    return fill


def test_equal_plans_match_however_their_spans_are_cut(source: Path) -> None:
    whole = spans((1, 0, 30, BODY), (3, 5, 9, HEADER))
    cut = spans((3, 5, 6, HEADER), (1, 10, 30, BODY), (1, 0, 10, BODY), (3, 6, 9, HEADER))
    found = run(source, whole, cut)
    assert found.matched
    assert found.matched_bytes == 34
    assert (found.range_count, found.mismatched_bytes, found.ranges) == (0, 0, ())


def test_who_runs_first_changes_nothing_in_the_result(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = spans((1, 0, 30, BODY)), spans((1, 0, 20, HEADER))
    found, order = {}, {}
    for second_first in (False, True):
        monkeypatch.setattr(Scripted, "planned", [])
        found[second_first] = compare(
            source,
            (lambda: Scripted(one, "a"), lambda: Scripted(other, "b")),
            STANDARD,
            clock=lambda: 0.0,
            folder=source.parent,
            second_runs_first=second_first,
        )
        order[second_first] = Scripted.planned
    assert found[True] == found[False]
    assert order == {False: ["a", "b"], True: ["b", "a"]}


def test_ranges_that_differ_are_told_with_both_classes_and_nothing_else(source: Path) -> None:
    found = run(
        source,
        spans((1, 0, 30, BODY), (2, 10, 20, HEADER)),
        spans((1, 10, 20, BODY), (1, 20, 30, OTHER), (4, 0, 2, UNCERTAIN)),
    )
    assert not found.matched
    assert found.ranges == (
        RangeDifference(1, 0, 10, (BODY, None)),
        RangeDifference(1, 20, 10, (BODY, OTHER)),
        RangeDifference(2, 10, 10, (HEADER, None)),
        RangeDifference(4, 0, 2, (None, UNCERTAIN)),
    )
    assert found.mismatched == {
        (BODY, None): Extent(1, 10),
        (BODY, OTHER): Extent(1, 10),
        (HEADER, None): Extent(1, 10),
        (None, UNCERTAIN): Extent(1, 2),
    }
    assert found.matched_bytes == 10


def test_a_range_is_one_range_although_a_plan_cuts_it(source: Path) -> None:
    found = run(source, spans((1, 0, 5, BODY), (1, 5, 9, BODY)), spans())
    assert found.ranges == (RangeDifference(1, 0, 9, (BODY, None)),)


def test_only_the_first_differences_are_kept_and_all_are_counted(source: Path) -> None:
    found = run(source, spans(*((n, 0, 3, BODY) for n in range(1, 11))), spans(), most=4)
    assert [each.packet for each in found.ranges] == [1, 2, 3, 4]
    assert found.range_count == 10
    assert found.mismatched_bytes == 30


def test_checksums_are_compared_by_what_they_grow_in_all(source: Path) -> None:
    def in_parts(plan: MaskPlan) -> None:
        plan.add_change(1, 50, FieldKind.INTERNET, 0xFFF0, BODY)
        plan.add_change(1, 50, FieldKind.INTERNET, 0x0020, BODY)
        plan.add_change(2, 50, FieldKind.INTERNET, 5, BODY)
        plan.add_change(3, 50, FieldKind.UDP, 9, BODY)

    def at_once(plan: MaskPlan) -> None:
        plan.add_change(1, 50, FieldKind.INTERNET, 0x0011, BODY)
        plan.add_change(2, 50, FieldKind.INTERNET, 6, BODY)
        plan.add_change(3, 50, FieldKind.INTERNET, 9, BODY)

    found = run(source, in_parts, at_once)
    assert found.checksums == (
        ChecksumDifference(2, 50, FieldKind.INTERNET, (5, 6)),
        ChecksumDifference(3, 50, FieldKind.INTERNET, (0, 9)),
        ChecksumDifference(3, 50, FieldKind.UDP, (9, 0)),
    )
    assert found.checksum_count == 3
    assert not found.matched


def test_a_change_of_what_is_kept_is_no_difference(source: Path) -> None:
    found = run(source, lambda plan: plan.add_change(1, 50, FieldKind.INTERNET, 7, HEADER), spans())
    assert found.matched


@pytest.mark.parametrize(
    ("touching", "options", "counts"),
    [
        (spans((1, 0, 4, BODY)), STANDARD, True),
        (spans((1, 0, 4, OTHER)), STANDARD, False),
        (spans((1, 0, 4, OTHER)), TrimOptions(other_payload="mask"), True),
        (spans((2, 0, 4, BODY)), STANDARD, False),
        (lambda plan: plan.add_change(1, 2, FieldKind.INTERNET, 3, BODY), STANDARD, True),
    ],
    ids=["filled", "kept", "filled by the profile", "another packet", "a checksum"],
)
def test_a_frame_check_matters_only_in_a_packet_that_is_changed(
    source: Path, touching: Fill, options: TrimOptions, counts: bool
) -> None:
    def with_check(plan: MaskPlan) -> None:
        touching(plan)
        plan.add_frame_check(1, 0, 36)

    found = run(source, with_check, touching, options)
    expected = (FrameCheckDifference(1, 0, 36, (True, False)),) if counts else ()
    assert found.frame_checks == expected
    assert found.frame_check_count == len(expected)
    assert found.matched is not counts


def test_equal_frame_checks_match(source: Path) -> None:
    def fill(plan: MaskPlan) -> None:
        plan.add_span(1, 0, 3, BODY)
        plan.add_frame_check(1, 0, 36)

    assert run(source, fill, fill).matched


def test_both_sides_say_what_they_counted_and_how_long_they_took(source: Path) -> None:
    ticks = iter([0.0, 1.0, 1.0, 3.0])
    found = compare(
        source,
        (
            lambda: Scripted(name="a", counts={"requests": 3}),
            lambda: Scripted(name="b", version="7"),
        ),
        PROFILES["share_safe"],
        clock=lambda: next(ticks),
    )
    assert found.profile == "share_safe"
    assert [(side.strategy, side.version, side.duration_ms) for side in found.sides] == [
        ("a", "1", 1000.0),
        ("b", "7", 2000.0),
    ]
    assert [side.tally.requests for side in found.sides] == [3, 0]


def test_a_capture_cut_in_mid_record_is_compared_up_to_there(source: Path) -> None:
    source.write_bytes(source.read_bytes()[:-5])
    found = run(source, spans(), spans())
    assert found.left_out_bytes == 16 + PACKET_BYTES - 5


@pytest.mark.parametrize("content", [b"", b"no capture", pcap([bytes(40)])[:30]])
def test_what_is_no_capture_is_refused_before_a_strategy_is_loaded(
    tmp_path: Path, content: bytes
) -> None:
    source = tmp_path / "in.pcap"
    source.write_bytes(content)

    def load() -> Scripted:
        raise AssertionError("loaded")

    with pytest.raises(InputError):
        compare(source, (load, load), STANDARD, clock=lambda: 0.0)


def test_an_unknown_strategy_is_refused_before_the_other_one_works(source: Path) -> None:
    Scripted.planned.clear()
    with pytest.raises(OptionsError, match="'quick' is not known"):
        compare(source, (Scripted, lambda: load_strategy("quick")), STANDARD, clock=lambda: 0.0)
    assert Scripted.planned == []


def test_progress_is_told_of_each_stage_and_may_stop(source: Path) -> None:
    told: list[str] = []
    run(source, spans((1, 0, 1, BODY)), spans(), progress=lambda stage, *_: told.append(stage))
    assert list(dict.fromkeys(told)) == ["first", "second", "compare"]

    def stop(stage: str, done: int, total: int) -> None:
        if stage == "compare":
            raise CancelledError("enough")

    with pytest.raises(CancelledError):
        run(source, spans((1, 0, 1, BODY)), spans(), progress=stop)
    assert [path.name for path in source.parent.iterdir()] == ["in.pcap"]


CLASSES = st.sampled_from([None, HEADER, BODY, OTHER, UNCERTAIN])
# the class of every byte of every packet
CLASSED = st.lists(
    st.lists(CLASSES, min_size=PACKET_BYTES, max_size=PACKET_BYTES)
    | CLASSES.map(lambda one: [one] * PACKET_BYTES),
    min_size=PACKETS,
    max_size=PACKETS,
)
Classed = list[list[ByteClass | None]]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(CLASSED, CLASSED, st.integers(1, 5))
def test_whatever_the_plans_the_comparison_is_that_of_every_single_byte(
    source: Path, first: Classed, second: Classed, window_packets: int
) -> None:
    def fill(classed: Classed) -> Fill:
        return spans(
            *(
                (number, at, at + 1, byte_class)
                for number, packet in enumerate(classed, 1)
                for at, byte_class in enumerate(packet)
                if byte_class is not None
            )
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "WINDOW_PACKETS", window_packets)
        found = run(source, fill(first), fill(second), most=10**6)
    pairs: Counter[Pair] = Counter()
    for one, other in zip(first, second, strict=True):
        pairs.update(zip(one, other, strict=True))
    matched = sum(count for pair, count in pairs.items() if pair[0] == pair[1] is not None)
    assert found.matched_bytes == matched
    differing = {pair: count for pair, count in pairs.items() if pair[0] != pair[1]}
    assert {pair: extent.bytes for pair, extent in found.mismatched.items()} == differing
    told: dict[tuple[int, int], Pair] = {}
    for each in found.ranges:
        for at in range(each.offset, each.offset + each.length):
            assert told.setdefault((each.packet, at), each.classes) == each.classes
    assert told == {
        (number, at): pair
        for number, packets in enumerate(zip(first, second, strict=True), 1)
        for at, pair in enumerate(zip(*packets, strict=True))
        if pair[0] != pair[1]
    }
