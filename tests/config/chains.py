"""Chains of audit events, in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from config.chain_rules import Fault, Head, Walk
from config.seals import GENESIS, Keys

Event = dict[str, Any]
START = datetime(2026, 11, 5, 12, tzinfo=UTC)
KEYS = Keys.of(["a secret key"])


def make_event(key: int, **changes: Any) -> Event:
    """Return an event that is neither sealed nor linked; its row has the key ``key``."""
    return {
        "id": key,
        "number": None,
        "seal": "",
        "link": "",
        "at": START + timedelta(minutes=key),
        "actor_id": 1,
        "actor_name": "anna",
        "address": "192.0.2.7",
        "action": "wave",
        "target_kind": "auth.user",
        "target_id": str(key),
        "request_id": "abcdef0123456789",
        "details": {"hand": "left", "times": key},
        "nonce": f"{key:016x}",
        **changes,
    }


def add(chain: list[Event], event: Event, keys: Keys = KEYS) -> Event:
    """Seal and link an event behind a chain."""
    event["seal"] = keys.seal(event)
    event["number"] = len(chain) + 1
    event["link"] = keys.link(chain[-1]["link"] if chain else GENESIS, event)
    chain.append(event)
    return event


def make_chain(length: int, keys: Keys = KEYS) -> list[Event]:
    """Return a chain; the rows have other keys than the events have numbers."""
    chain: list[Event] = []
    for number in range(1, length + 1):
        add(chain, make_event(number + 100), keys)
    return chain


def head_of(chain: list[Event], keys: Keys = KEYS) -> Head:
    """Return the head of a chain."""
    number, link = (chain[-1]["number"], chain[-1]["link"]) if chain else (0, GENESIS)
    return Head(number, link, keys.head(number, link))


def walked(chain: list[Event], head: Head | None, keys: Keys = KEYS, **options: Any) -> list[Fault]:
    """Return what is wrong with a chain."""
    walk = Walk(keys, **options)
    rows = sorted(chain, key=lambda event: (event["number"], event["id"]))
    found = [fault for event in rows for fault in walk.step(event)]
    return [*found, *walk.end(head)]
