"""The mask plan: entries in any order, read in packet order, settled when they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trimming.engine import plan as engine
from trimming.engine.byte_classes import ByteClass
from trimming.engine.options import TrimOptions
from trimming.engine.plan import (
    ENTRY,
    EntryKind,
    FieldChange,
    FieldKind,
    FrameCheck,
    MaskPlan,
    PacketPlan,
    Span,
    packet_plans,
)

STANDARD = TrimOptions()
HEADER, BODY, OTHER = ByteClass.HEADER, ByteClass.BODY, ByteClass.OTHER
UNCERTAIN, REDACTED = ByteClass.UNCERTAIN, ByteClass.REDACTED


def test_an_empty_plan_has_no_packets() -> None:
    with MaskPlan(STANDARD) as plan:
        assert list(plan.packets()) == []


def test_packets_and_spans_come_in_order_whatever_the_order_they_went_in() -> None:
    with MaskPlan(STANDARD) as plan:
        plan.add_span(300, 0, 5, BODY)
        plan.add_span(2, 60, 80, BODY)
        plan.add_frame_check(2, 0, 96)
        plan.add_change(2, 50, FieldKind.INTERNET, 7, BODY)
        plan.add_span(2, 54, 60, HEADER)
        assert list(plan.packets()) == [
            PacketPlan(
                2,
                [Span(54, 60, HEADER), Span(60, 80, BODY)],
                [FieldChange(50, FieldKind.INTERNET, 7)],
                [FrameCheck(0, 96)],
            ),
            PacketPlan(300, [Span(0, 5, BODY)]),
        ]


def test_a_plan_can_be_read_again_and_added_to() -> None:
    with MaskPlan(STANDARD) as plan:
        plan.add_span(2, 0, 1, BODY)
        assert list(plan.packets()) == list(plan.packets())
        plan.add_span(1, 0, 1, BODY)
        assert [packet.number for packet in plan.packets()] == [1, 2]


@pytest.mark.parametrize(
    ("kind", "read"),
    [(FieldKind.INTERNET, FieldKind.INTERNET), (FieldKind.UDP, FieldKind.UDP)],
)
def test_the_kind_of_a_checksum_is_kept(kind: FieldKind, read: FieldKind) -> None:
    with MaskPlan(STANDARD) as plan:
        plan.add_change(1, 50, kind, 0xFFFE, BODY)
        (packet,) = plan.packets()
    assert packet.changes == [FieldChange(50, read, 0xFFFE)]


@pytest.mark.parametrize(
    ("byte_class", "options", "counts"),
    [
        (BODY, STANDARD, True),
        (REDACTED, STANDARD, True),
        (HEADER, STANDARD, False),
        (OTHER, STANDARD, False),
        (OTHER, TrimOptions(other_payload="mask"), True),
        (UNCERTAIN, TrimOptions(uncertain="keep"), False),
    ],
)
def test_a_checksum_changes_only_for_bytes_that_are_masked(
    byte_class: ByteClass, options: TrimOptions, counts: bool
) -> None:
    with MaskPlan(options) as plan:
        plan.add_change(1, 50, FieldKind.INTERNET, 7, byte_class)
        packets = list(plan.packets())
    assert [len(packet.changes) for packet in packets] == [1] * counts


def test_tentative_bytes_are_uncertain_once_the_connection_is_http() -> None:
    with MaskPlan(STANDARD) as plan:
        plan.add_span(1, 0, 5, OTHER, connection=1, tentative=True)
        plan.add_change(1, 9, FieldKind.INTERNET, 7, OTHER, connection=1, tentative=True)
        plan.add_span(2, 0, 5, OTHER, connection=2, tentative=True)
        plan.add_span(3, 0, 5, OTHER, connection=1)
        before = list(plan.packets())
        assert [packet.spans for packet in before] == [[Span(0, 5, OTHER)]] * 3
        assert before[0].changes == []
        plan.mark_http(1)
        plan.add_span(4, 0, 5, OTHER, connection=1, tentative=True)
        first, second, third, fourth = plan.packets()
    assert first.spans == [Span(0, 5, UNCERTAIN)]
    assert first.changes == [FieldChange(9, FieldKind.INTERNET, 7)]
    assert second.spans == third.spans == [Span(0, 5, OTHER)]
    assert fourth.spans == [Span(0, 5, UNCERTAIN)]


def test_each_connection_is_http_or_not_by_itself() -> None:
    with MaskPlan(STANDARD) as plan:
        assert not plan.is_http(0)
        for connection in (5000, 3, 5001, 3):
            plan.mark_http(connection)
        assert [n for n in range(10_000) if plan.is_http(n)] == [3, 5000, 5001]


def test_fills_are_what_the_options_overwrite() -> None:
    packet = PacketPlan(
        1, [Span(0, 5, HEADER), Span(5, 9, BODY), Span(9, 12, REDACTED), Span(12, 20, OTHER)]
    )
    assert list(packet.fills(STANDARD)) == [(5, 9, 0), (9, 12, ord("x"))]
    assert list(packet.fills(TrimOptions(other_payload="mask")))[-1] == (12, 20, 0)


Entry = tuple[str, tuple[Any, ...]]


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """Entries of a few packets: spans side by side, changes and frame checks."""
    found: list[Entry] = []
    first = draw(st.integers(1, 2**40))
    for number in draw(st.lists(st.integers(0, 2**32 - 1), unique=True, max_size=5)):
        packet, at = first + number, 14
        for length in draw(st.lists(st.integers(1, 2000), max_size=5)):
            byte_class = draw(st.sampled_from(ByteClass))
            tentative, connection = draw(st.booleans()), draw(st.integers(0, 3))
            found.append(("span", (packet, at, at + length, byte_class, connection, tentative)))
            if draw(st.booleans()):
                delta = draw(st.integers(0, 0xFFFE))
                change = (packet, at, FieldKind.UDP, delta, byte_class, connection, tentative)
                found.append(("change", change))
            at += length
        if draw(st.booleans()):
            found.append(("check", (packet, 0, at)))
    return found


def _fill(plan: MaskPlan, given_entries: list[Entry]) -> None:
    for kind, values in given_entries:
        if kind == "check":
            plan.add_frame_check(*values)
            continue
        *rest, connection, tentative = values
        add = plan.add_span if kind == "span" else plan.add_change
        add(*rest, connection=connection, tentative=tentative)
    plan.mark_http(1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), given_entries=entries(), run_entries=st.integers(1, 9))
def test_the_order_of_insertion_and_the_size_of_runs_do_not_matter(
    monkeypatch: pytest.MonkeyPatch,
    data: st.DataObject,
    given_entries: list[Entry],
    run_entries: int,
) -> None:
    with MaskPlan(STANDARD) as plan:
        _fill(plan, given_entries)
        expected = list(plan.packets())
    assert [packet.number for packet in expected] == sorted({e[1][0] for e in given_entries})
    with monkeypatch.context() as patch, MaskPlan(STANDARD) as plan:
        patch.setattr(engine, "RUN_ENTRIES", run_entries)
        patch.setattr(engine, "LIST_ENTRIES", 2)
        patch.setattr(engine, "READ_ENTRIES", 2)
        _fill(plan, data.draw(st.permutations(given_entries)))
        assert list(plan.packets()) == expected


def test_runs_spill_to_the_given_directory_and_are_read_back_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "RUN_ENTRIES", 100)
    monkeypatch.setattr(engine, "LIST_ENTRIES", 30)
    monkeypatch.setattr(engine, "READ_ENTRIES", 7)
    numbers = [n * 7919 % 1001 for n in range(1, 1001)]
    with MaskPlan(STANDARD, str(tmp_path)) as plan:
        for number in numbers:
            plan.add_span(number, 0, number, BODY)
        for _ in range(2):
            read = [(packet.number, packet.spans[0].end) for packet in plan.packets()]
            assert read == [(number, number) for number in sorted(numbers)]
        plan.add_span(2000, 0, 1, BODY)
        assert sum(1 for _ in plan.packets()) == 1001
    assert list(tmp_path.iterdir()) == []


def test_two_readings_at_once_do_not_disturb_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "RUN_ENTRIES", 10)
    monkeypatch.setattr(engine, "LIST_ENTRIES", 4)
    monkeypatch.setattr(engine, "READ_ENTRIES", 3)
    with MaskPlan(STANDARD) as plan:
        for number in range(100, 0, -1):
            plan.add_span(number, 0, 1, BODY)
        pairs = list(zip(plan.packets(), plan.packets(), strict=True))
    assert all(one == other for one, other in pairs)
    assert len(pairs) == 100


@pytest.mark.parametrize("run_entries", [1000, 2])
def test_entries_of_kernels_are_those_added_one_by_one(
    run_entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "RUN_ENTRIES", run_entries)
    rows = [
        (2, 10, 30, EntryKind.SPAN, BODY, 0, 0, 1),
        (2, 6, 500, EntryKind.CHANGE, BODY, 0, 0, 1),
        (1, 0, 5, EntryKind.SPAN, OTHER, 1, 0, 1),
        (3, 0, 60, EntryKind.FRAME_CHECK, 0, 0, 0, 0),
    ]
    with MaskPlan(STANDARD) as plan:
        plan.mark_http(1)
        for row in rows:
            plan.add_entries(np.array([row], ENTRY))
        assert list(plan.packets()) == [
            PacketPlan(1, [Span(0, 5, UNCERTAIN)]),
            PacketPlan(2, [Span(10, 30, BODY)], [FieldChange(6, FieldKind.INTERNET, 500)]),
            PacketPlan(3, frame_checks=[FrameCheck(0, 60)]),
        ]


def test_of_a_window_the_plans_of_some_packets_can_be_asked_for() -> None:
    with MaskPlan(STANDARD) as plan:
        for number in (1, 2, 3):
            plan.add_span(number, 0, number, BODY)
        window = plan.reader().upto(3)
    found = list(packet_plans(window, np.array([1, 3, 9])))
    assert found == [PacketPlan(1, [Span(0, 1, BODY)]), PacketPlan(3, [Span(0, 3, BODY)])]
