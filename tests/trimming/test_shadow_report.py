"""What a page says of a comparison in the background."""

from __future__ import annotations

from typing import Any

import pytest

from trimming.engine.byte_classes import ByteClass
from trimming.models import Shadow
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState
from trimming.shadow_report import (
    CLASS_NAMES,
    LEAK_LOOKS,
    OUTCOME_LOOKS,
    STATE_LOOKS,
    Row,
    shadow_panel,
    verdict_of,
)

DONE, MISMATCHED = ShadowState.DONE, ShadowOutcome.MISMATCHED


def ended(outcome: ShadowOutcome = MISMATCHED, **values: Any) -> Shadow:
    return Shadow(state=DONE, outcome=outcome, **values)


def test_every_value_has_a_look_and_every_class_a_name() -> None:
    assert set(STATE_LOOKS) == set(ShadowState)
    assert set(OUTCOME_LOOKS) == set(ShadowOutcome)
    assert set(LEAK_LOOKS) == set(LeakState)
    assert set(CLASS_NAMES) == {None, *(each.name.lower() for each in ByteClass)}


def test_the_chip_is_the_outcome_and_before_that_the_state() -> None:
    found = verdict_of(ended(ShadowOutcome.MATCHED))
    assert (found.tone, found.shape, found.label) == ("ok", "ok", "Matched")
    found = verdict_of(Shadow(state=ShadowState.WAITING))
    assert (found.tone, found.shape, found.label) == ("unknown", "wait", "Waiting")
    assert verdict_of(Shadow(state=DONE)).tone == "unknown"
    broken = Shadow(state=ShadowState.BROKEN, outcome=ShadowOutcome.IGNORED)
    assert verdict_of(broken).tone == "warn"


@pytest.mark.parametrize(
    ("shadow", "sentence"),
    [
        (Shadow(state=ShadowState.WAITING), "It begins when no job needs the worker."),
        (Shadow(state=ShadowState.RUNNING), "Both strategies run on a private copy."),
        (ended(ShadowOutcome.MATCHED), "Both strategies take every byte for the same."),
        (ended(ShadowOutcome.IGNORED, reason="Told."), "Told."),
        (ended(control_failure="x"), "One strategy made a plan, the other did not."),
        (ended(treatment_failure="x"), "One strategy made a plan, the other did not."),
        (ended(leaked_bytes=32), "Only legacy masks 32 B, only scanning masks 0 B."),
    ],
)
def test_one_sentence_says_how_it_stands(shadow: Shadow, sentence: str) -> None:
    assert shadow_panel(shadow).sentence == sentence


def test_a_leak_has_a_chip_of_its_own_with_word_and_shape() -> None:
    assert shadow_panel(ended()).leak is None
    found = [shadow_panel(ended(leak=leak)).leak for leak in list(LeakState)[1:]]
    assert [(each.tone, each.shape, each.label) for each in found if each] == [
        ("warn", "warn", "Leak suspected"),
        ("fail", "error", "Leak confirmed"),
    ]


def test_both_strategies_stand_side_by_side_and_what_neither_has_is_left_out() -> None:
    shadow = ended(
        control_version="1.2",
        treatment_version="1.0",
        control_ms=420.0,
        treatment_failure="The strategy failed.",
    )
    rows = [(str(row.title), row.control, row.treatment) for row in shadow_panel(shadow).rows]
    assert rows == [
        ("Version", "1.2", "1.0"),
        ("Time to plan", "0.42 s", ""),
        ("Failed", "", "The strategy failed."),
    ]
    assert shadow_panel(Shadow(state=ShadowState.WAITING)).rows == ()


def test_what_one_of_them_masks_alone_is_told_in_bytes() -> None:
    row = shadow_panel(ended(leaked_bytes=32, over_masked_bytes=1_500)).rows[-1]
    assert row == Row(row.title, "32 B", "1.5 kB")


def test_ranges_are_told_by_what_each_takes_them_for() -> None:
    report = {
        "mismatched": [
            {"classes": ["body", "header"], "ranges": 2, "bytes": 32},
            {"classes": [None, "tls_record"], "ranges": 1, "bytes": 5},
        ]
    }
    found = shadow_panel(ended(report=report)).pairs
    assert [(str(e.control), str(e.treatment), e.ranges, e.bytes) for e in found] == [
        ("body", "header", 2, 32),
        ("no class", "TLS record", 1, 5),
    ]


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        {},
        {"mismatched": 5},
        {"mismatched": ["x"]},
        {"mismatched": [{"classes": ["body"], "ranges": 1, "bytes": 1}]},
        {"mismatched": [{"classes": ["body", "soul"], "ranges": 1, "bytes": 1}]},
        {"mismatched": [{"classes": ["body", None], "ranges": "1", "bytes": 1}]},
    ],
)
def test_a_comparison_that_was_damaged_shows_no_ranges(report: Any) -> None:
    assert shadow_panel(ended(report=report)).pairs == ()
