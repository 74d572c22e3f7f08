"""The search for differences finds them, makes them small, and tells them without payload."""

from __future__ import annotations

import re
from itertools import count

import pytest

from tests.trimming.engine.strategies.differential.captures import Sent
from tests.trimming.engine.strategies.differential.difference import (
    Answer,
    differences,
    differences_of,
    differing,
    main,
)
from tests.trimming.engine.strategies.differential.minimal import (
    described,
    fewest,
    kind_of,
    minimise,
)
from tests.trimming.engine.strategies.differential.raw_files import KINDS, raw_file, until
from tests.trimming.engine.strategies.differential.spoiled import NAME as SPOILED
from trimming.engine.byte_classes import ByteClass
from trimming.engine.plan import Span

SAME = ("legacy", "legacy")
OTHER = ("legacy", SPOILED)


@pytest.fixture(scope="module")
def spoiled_seed() -> int:
    """A seed of which the spoiled strategy says something else."""
    return next(seed for seed, _ in differing(count(), OTHER))


def test_a_strategy_does_not_differ_from_itself() -> None:
    assert list(differing(range(30), SAME)) == []


def test_a_mistake_is_found(spoiled_seed: int) -> None:
    assert any("BODY / none" in line for line in differences(spoiled_seed, None, OTHER))


def test_the_command_names_the_differing_seed(
    spoiled_seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(spoiled_seed), "--strategies", *OTHER]) == 1
    assert f"seed {spoiled_seed} (" in capsys.readouterr().out


def test_the_command_says_when_nothing_differs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--from", "3", "--count", "2", "--strategies", *SAME]) == 0
    assert capsys.readouterr().out == "0 of 2 seeds differ\n"


def test_spans_that_only_are_cut_otherwise_are_the_same() -> None:
    whole = Answer(spans={1: [Span(0, 9, ByteClass.BODY)]})
    assert differences_of(whole, whole) == []
    other = Answer(spans={1: [Span(0, 9, ByteClass.UNCERTAIN)]})
    assert differences_of(whole, other) == ["packet 1, bytes 0 to 9: BODY / UNCERTAIN"]


def test_every_part_of_an_answer_counts() -> None:
    empty = Answer()
    for other in (
        Answer(growths={(1, 50, "UDP"): 7}),
        Answer(frame_checks={1: {(0, 60)}}),
        Answer(counts={"gaps": 1}),
        Answer(refusal="no capture"),
        Answer(faults=["raised"]),
    ):
        assert len(differences_of(empty, other)) == 1
        assert len(differences_of(other, empty)) == 1


def test_the_smallest_case_needs_every_packet(spoiled_seed: int) -> None:
    minimal = minimise(spoiled_seed, OTHER)
    assert minimal.differences
    assert len(minimal.packets) <= 4


def test_a_seed_without_a_difference_has_no_smallest_case() -> None:
    assert not minimise(3, SAME).differences


def test_the_smallest_case_is_told_without_payload(spoiled_seed: int) -> None:
    minimal = minimise(spoiled_seed, OTHER)
    told = "\n".join(described(minimal)).encode()
    assert told.count(b"packet ") == len(minimal.packets)
    words = {word for _, sent in minimal.packets for word in re.findall(rb"[ -~]{5,}", sent.data)}
    assert words
    assert not [word for word in words if word in told]


def test_packets_are_left_out_as_long_as_the_rest_will_do() -> None:
    sent = [(number, Sent(b"", 0, 1, 0)) for number in range(40)]

    def still(some: list[tuple[int, Sent]]) -> bool:
        return {7, 31} <= {number for number, _ in some}

    assert [number for number, _ in fewest(sent, still)] == [7, 31]


@pytest.mark.parametrize(
    ("difference", "kind"),
    [
        ("packet 3, bytes 1 to 2: BODY / none", "span"),
        ("packet 3, byte 50: UDP checksum grows 1 / 2", "checksum grows"),
        ("packet 3: frame checks set() / {(0, 1)}", "frame checks"),
        ("legacy: raised KeyError at x.py:1: 2", "raised"),
        ("scanning: packet 1: a byte is in two spans at 2", "in two spans"),
        ("gaps: 1 / 2", "gaps"),
        ("left_bytes: UDP: 1 / 2", "left_bytes"),
    ],
)
def test_a_difference_is_of_a_kind(difference: str, kind: str) -> None:
    assert kind_of(difference) == kind


def test_raw_files_are_of_many_kinds_and_always_the_same() -> None:
    files = [raw_file(seed) for seed in range(60)]
    assert files == [raw_file(seed) for seed in range(60)]
    assert len({file[:4] for file in files}) >= len(KINDS) - 4


def test_raw_files_end_with_the_deadline() -> None:
    ticks = iter(range(100))
    assert list(until(3, count(), lambda: next(ticks))) == [0, 1, 2]
