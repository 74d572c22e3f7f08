"""Chains that were tampered with: each event that was touched is named, and no other."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.chain_rules import Fault, Kind, repeated
from config.chain_words import words
from config.seals import CONTENT, Keys
from tests.config.chains import (
    KEYS,
    Event,
    add,
    head_of,
    make_chain,
    make_event,
    walked,
)
from tests.config.test_seals import OTHER

LENGTH = 8


def test_a_chain_that_nobody_touched_is_sound() -> None:
    for length in (0, 1, LENGTH):
        chain = make_chain(length)
        assert walked(chain, head_of(chain)) == []


@pytest.mark.parametrize("place", [1, 4, LENGTH])
@pytest.mark.parametrize("name", [*CONTENT, "seal"])
def test_an_event_with_another_value_was_changed(name: str, place: int) -> None:
    chain = make_chain(LENGTH)
    head, event = head_of(chain), chain[place - 1]
    event[name] = OTHER.get(name, KEYS.seal(make_event(5)))
    assert walked(chain, head) == [Fault(Kind.CHANGED, place, place, place + 100)]


@pytest.mark.parametrize("place", [1, 4, LENGTH])
def test_an_event_with_another_link_or_key_does_not_stand_where_it_was_put(place: int) -> None:
    for name, value in (("link", KEYS.link("", make_event(5))), ("id", 150)):
        chain = make_chain(LENGTH)
        head = head_of(chain)
        chain[place - 1][name] = value
        (fault,) = walked(chain, head)
        assert (fault.kind, fault.first) == (Kind.MOVED, place)


@pytest.mark.parametrize(("first", "last"), [(1, 1), (1, 3), (4, 4), (3, 6)])
def test_events_that_were_removed_are_named(first: int, last: int) -> None:
    chain = make_chain(LENGTH)
    head = head_of(chain)
    del chain[first - 1 : last]
    assert walked(chain, head) == [Fault(Kind.REMOVED, first, last)]


@pytest.mark.parametrize("left", [0, 1, LENGTH - 1])
def test_the_newest_events_cut_off_are_named(left: int) -> None:
    chain = make_chain(LENGTH)
    assert walked(chain[:left], head_of(chain)) == [Fault(Kind.REMOVED, left + 1, LENGTH)]


def test_a_head_put_back_with_the_events_is_found_by_what_was_noted_elsewhere() -> None:
    chain = make_chain(LENGTH)
    noted = {LENGTH: chain[-1]["link"]}
    before = chain[:5]
    assert walked(before, head_of(before)) == []
    assert walked(before, head_of(before), anchors=noted) == [Fault(Kind.REMOVED, 6, LENGTH)]


def test_events_written_anew_with_the_key_are_found_by_what_was_noted_elsewhere() -> None:
    chain = make_chain(LENGTH)
    noted = {4: chain[3]["link"]}
    other: list[Event] = []
    for event in chain:
        add(other, {**event, "action": "bow"})
    (fault,) = walked(other, head_of(other), anchors=noted)
    assert (fault.kind, fault.first) == (Kind.MOVED, 4)


def test_a_head_that_was_touched_is_told_from_events() -> None:
    chain = make_chain(LENGTH)
    head = head_of(chain)
    assert walked(chain, None) == [Fault(Kind.HEAD, detail="removed")]
    touched = replace(head, number=LENGTH - 1)
    assert walked(chain, touched) == [Fault(Kind.HEAD, detail="changed")]
    old = head_of(chain[:-1])
    assert walked(chain, old) == [Fault(Kind.HEAD, detail="behind the newest event")]
    of_another = head_of([*make_chain(LENGTH - 1), chain[0] | {"number": LENGTH}])
    (fault,) = walked(chain, of_another)
    assert fault.kind is Kind.HEAD


def test_two_events_that_changed_places_are_both_named() -> None:
    for place in (1, 3, LENGTH - 1):
        chain = make_chain(LENGTH)
        head = head_of(chain)
        one, other = chain[place - 1], chain[place]
        one["number"], other["number"] = other["number"], one["number"]
        faults = walked(chain, head)
        assert {fault.first for fault in faults} == {place, place + 1}
        assert {fault.kind for fault in faults} == {Kind.MOVED}


def test_a_gap_that_was_closed_by_numbering_anew_is_found() -> None:
    chain = make_chain(LENGTH)
    head = head_of(chain)
    del chain[3]
    for number, event in enumerate(chain, 1):
        event["number"] = number
    faults = walked(chain, head)
    assert faults[0] == Fault(Kind.MOVED, 4, 4, 105)
    assert faults[-1] == Fault(Kind.REMOVED, LENGTH, LENGTH)


def test_a_second_event_with_the_same_number_was_inserted() -> None:
    chain = make_chain(LENGTH)
    head = head_of(chain)
    chain.append({**make_event(500), "number": 4, "seal": chain[0]["seal"]})
    assert walked(chain, head) == [Fault(Kind.INSERTED, 4, 4, 500)]


def test_an_old_event_behind_new_ones_was_put_in_again() -> None:
    chain = make_chain(LENGTH)
    old = make_event(500, at=chain[-1]["at"] - timedelta(days=2))
    add(chain, old)
    (fault,) = walked(chain, head_of(chain))
    assert (fault.kind, fault.first) == (Kind.REPEATED, LENGTH + 1)


def test_an_event_that_was_written_some_minutes_before_it_was_linked_is_sound() -> None:
    chain = make_chain(LENGTH)
    add(chain, make_event(500, at=chain[-1]["at"] - timedelta(minutes=20)))
    assert walked(chain, head_of(chain)) == []


def test_of_rows_with_one_seal_all_but_the_first_are_copies() -> None:
    found = list(repeated([(9, "a"), (3, "a"), (4, "b"), (5, "a")]))
    assert found == [Fault(Kind.REPEATED, id=5), Fault(Kind.REPEATED, id=9)]


def test_what_retention_removed_is_no_fault() -> None:
    chain = make_chain(LENGTH)
    start = (3, chain[2]["link"])
    assert walked(chain[3:], head_of(chain), start=start) == []
    # but more than that, or something else, is
    assert walked(chain[4:], head_of(chain), start=start) == [Fault(Kind.REMOVED, 4, 4)]
    (fault,) = walked(chain[3:], head_of(chain), start=(3, chain[1]["link"]))
    assert (fault.kind, fault.first) == (Kind.MOVED, 4)


class TestAKeyThatWasReplaced:
    NEW = Keys.of(["a new key", "a secret key"])

    def chain(self) -> list[Event]:
        chain = make_chain(4)
        for key in range(201, 205):
            add(chain, make_event(key), self.NEW)
        return chain

    def test_a_chain_across_it_is_sound_while_the_old_one_is_known(self) -> None:
        chain = self.chain()
        assert walked(chain, head_of(chain, self.NEW), self.NEW) == []

    def test_without_the_old_one_each_of_its_events_is_named(self) -> None:
        chain = self.chain()
        new = Keys.of(["a new key"])
        faults = walked(chain, head_of(chain, new), new)
        assert [(fault.kind, fault.first) for fault in faults] == [
            (Kind.UNKNOWN_KEY, number) for number in range(1, 5)
        ]

    def test_without_the_new_one_head_and_events_are_named(self) -> None:
        chain = self.chain()
        faults = walked(chain, head_of(chain, self.NEW), KEYS)
        assert [fault.first for fault in faults] == [5, 6, 7, 8, None]
        assert {fault.kind for fault in faults} == {Kind.UNKNOWN_KEY}

    def test_who_has_the_old_one_can_add_nothing(self) -> None:
        chain = self.chain()
        add(chain, make_event(300), KEYS)
        (fault,) = walked(chain, head_of(chain, self.NEW), self.NEW)
        assert (fault.kind, fault.first) == (Kind.INSERTED, 9)


# --- random edits ---------------------------------------------------------------------------------
def changed(chain: list[Event], place: int) -> set[int]:
    chain[place]["details"] = {**chain[place]["details"], "forged": True}
    return {chain[place]["number"]}


def relinked(chain: list[Event], place: int) -> set[int]:
    chain[place]["link"] = KEYS.link("", make_event(5))
    return {chain[place]["number"]}


def removed(chain: list[Event], place: int) -> set[int]:
    return {chain.pop(place)["number"]}


def resealed_elsewhere(chain: list[Event], place: int) -> set[int]:
    event = chain[place]
    event["action"] = "forged"
    event["seal"] = Keys.of(["a guess"]).seal(event)
    return {event["number"]}


EDITS: tuple[Callable[[list[Event], int], set[int]], ...] = (
    changed,
    relinked,
    removed,
    resealed_elsewhere,
)


@given(data=st.data(), length=st.integers(1, 20))
def test_whatever_is_edited_is_named_and_nothing_else(data: Any, length: int) -> None:
    chain = make_chain(length)
    head, before = head_of(chain), copy.deepcopy(chain)
    touched: set[int] = set()
    # with two between, so that each can be told from the others
    places = data.draw(st.sets(st.integers(0, (length - 1) // 3), min_size=1))
    for place in sorted((3 * place for place in places), reverse=True):
        touched |= data.draw(st.sampled_from(EDITS))(chain, place)
    named = {
        number
        for fault in walked(chain, head)
        for number in range(fault.first or 0, (fault.last or 0) + 1)
    }
    assert chain != before
    assert named == touched


@pytest.mark.parametrize("cut", [[4], [4, 5]])
def test_an_event_with_nothing_sound_beside_it_is_named(cut: list[int]) -> None:
    chain = make_chain(5)
    head = head_of(chain)
    relinked(chain, 0)
    relinked(chain, 2)
    chain = [event for event in chain if event["number"] not in cut]
    named = [(fault.kind, fault.first) for fault in walked(chain, head)]
    assert named == [
        (Kind.MOVED, 1),
        (Kind.MOVED, 2),
        (Kind.MOVED, 3),
        (Kind.REMOVED, 4),
    ]


@given(data=st.data(), length=st.integers(1, 12))
def test_whatever_is_edited_beside_each_other_is_never_missed(data: Any, length: int) -> None:
    chain = make_chain(length)
    head = head_of(chain)
    touched: set[int] = set()
    places = data.draw(st.sets(st.integers(0, length - 1), min_size=1))
    for place in sorted(places, reverse=True):
        touched |= data.draw(st.sampled_from(EDITS))(chain, place)
    named = {
        number
        for fault in walked(chain, head)
        for number in range(fault.first or 0, (fault.last or 0) + 1)
    }
    assert touched - {n + 1 for n in touched} <= named
    # an event that follows another one that was touched may not be told from it
    assert named <= touched | {n + 1 for n in touched}


@pytest.mark.parametrize("kind", list(Kind))
def test_every_fault_has_words_that_name_it(kind: Kind) -> None:
    assert words(Fault(kind)).endswith(".")
    if kind is not Kind.HEAD:
        assert "Event 7 (row 9)" in words(Fault(kind, 7, 7, 9))
        assert "Event 7 " in words(Fault(kind, 7, 7))
        assert "Each event from 7 to 8" in words(Fault(kind, 7, 8))
        assert "Row 9" in words(Fault(kind, id=9))
    assert words(Fault(kind, detail="so")).endswith("(so)")
