"""Seals of audit events: what they hold, whatever the database does to a value."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.seals import CONTENT, SEAL_CHARACTERS, Keys, content_of
from tests.config.chains import KEYS, START, make_chain, make_event

OTHER = {
    "at": START + timedelta(microseconds=1),
    "actor_id": None,
    "actor_name": "Anna",
    "address": None,
    "action": "wave ",
    "target_kind": "",
    "target_id": "0",
    "request_id": "",
    "details": {"hand": "left", "times": 102},
    "nonce": "",
}


def test_every_value_of_an_event_is_sealed() -> None:
    event = make_event(101)
    assert set(OTHER) == set(CONTENT)
    contents = {content_of({**event, name: value}) for name, value in OTHER.items()}
    assert len(contents | {content_of(event)}) == len(OTHER) + 1


def test_no_value_can_be_moved_into_another_one() -> None:
    one = make_event(101, actor_name='a","action":"b', action="c")
    other = make_event(101, actor_name="a", action='b","action":"c')
    assert content_of(one) != content_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1.0}, {"a": 1}),
        ({"a": 1e300}, {"a": 10**300}),
        ({"a": -0.0}, {"a": 0}),
        ({"a": 1200}, {"a": 1.2e3}),
        ({"a": (1, 2)}, {"a": [1, 2]}),
        ({1: "a"}, {"1": "a"}),
    ],
)
def test_what_a_database_may_write_otherwise_is_the_same(one: Any, other: Any) -> None:
    assert content_of(make_event(1, details=one)) == content_of(make_event(1, details=other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": "1"}),
        ({"a": 2**53}, {"a": 2**53 + 1}),
        ({"a": 0.1}, {"a": 0.10000000000000002}),
        ({"a": 12}, {"a": 120}),
        ({"a": 1}, {"a": -1}),
        ({"a": None}, {"a": "null"}),
        ({"a": True}, {"a": 1}),
        ({"a": [1, [2]]}, {"a": [[1], 2]}),
        ({"a": "\ud800"}, {"a": "\ud801"}),
    ],
)
def test_what_means_something_else_is_another_content(one: Any, other: Any) -> None:
    assert content_of(make_event(1, details=one)) != content_of(make_event(1, details=other))


@given(st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)))
def test_a_number_is_the_same_as_postgresql_gives_it_back(number: float) -> None:
    # jsonb keeps a number as numeric, which is written without an exponent
    stored = json.loads(f"{Decimal(json.dumps(number)):f}")
    given_back, kept = ({"a": each} for each in (stored, number))
    assert content_of(make_event(1, details=given_back)) == content_of(make_event(1, details=kept))


def test_a_time_and_an_address_are_the_same_however_they_are_written() -> None:
    plain = make_event(1, address="2001:db8::1")
    there = START + timedelta(minutes=1)
    moved = there.astimezone(timezone(timedelta(hours=8)))
    assert content_of(plain) == content_of({**plain, "at": moved, "address": "2001:DB8:0::1"})
    assert "no address" in content_of(make_event(1, address="no address"))


def test_a_seal_holds_with_its_key_and_with_no_other() -> None:
    (event,) = make_chain(1)
    others = Keys.of(["another secret key"])
    both = Keys.of(["another secret key", "a secret key"])
    assert KEYS.is_sealed(event)
    assert both.is_sealed(event)
    assert not others.is_sealed(event)
    assert len(event["seal"]) == SEAL_CHARACTERS
    # the name of a key is no part of it
    assert not others.is_sealed({**event, "seal": others.current.name + event["seal"][8:]})


def test_a_seal_is_no_link_and_no_head() -> None:
    (event,) = make_chain(1)
    assert not KEYS.is_linked("", {**event, "link": event["seal"]})
    assert not KEYS.is_head(event["link"], 1, event["link"])


def test_the_secret_key_is_in_none_of_it() -> None:
    (event,) = make_chain(1)
    key = KEYS.current
    assert "secret" not in event["seal"] + event["link"] + key.name
    assert key.secret.hex() not in event["seal"] + event["link"]
