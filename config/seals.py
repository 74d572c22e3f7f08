"""Seals of the audit log: what they are made over, and with which key.  Pure.

Each event has a seal over its content from the moment it is written, and a link over the link of
the event before, its number, its id and its seal from the moment it is in the chain.  The head has
a seal over the newest number and link.  All three are HMACs: who can write into the database, and
has no key, can make none of them.  Their form here is kept for ever: ``VERSION`` counts it.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

VERSION: Final = "1"
# the link before the first event
GENESIS: Final = ""
# what a seal is made over
CONTENT: Final = (
    "at",
    "actor_id",
    "actor_name",
    "address",
    "action",
    "target_kind",
    "target_id",
    "request_id",
    "details",
    "nonce",
)
NAME_CHARACTERS: Final = 8
# name of the key, a dot, 64 digits
SEAL_CHARACTERS: Final = NAME_CHARACTERS + 1 + 64


@dataclass(frozen=True, slots=True)
class Key:
    """A key.  ``name`` tells it from others, and nothing else."""

    name: str
    secret: bytes

    def sign(self, purpose: str, text: str) -> str:
        """Return an HMAC-SHA256, with the name of the key before it."""
        message = f"pktmask {purpose} {VERSION}\n{text}".encode()
        return f"{self.name}.{hmac.digest(self.secret, message, 'sha256').hex()}"


@dataclass(frozen=True, slots=True)
class Keys:
    """The key that signs, and all that are known, by name."""

    current: Key
    known: Mapping[str, Key]

    @classmethod
    def of(cls, secrets: Iterable[str]) -> Keys:
        """Derive them from secret keys, the one in force first."""
        keys = [_derived(secret) for secret in secrets]
        return cls(keys[0], {key.name: key for key in keys})

    def knows(self, signed: str) -> bool:
        """Tell whether the key is here whose name is before an HMAC."""
        return signed[:NAME_CHARACTERS] in self.known

    def age(self, signed: str) -> int:
        """Return how many keys are newer than that of an HMAC, which is known."""
        return list(self.known).index(signed[:NAME_CHARACTERS])

    def _is(self, signed: str, purpose: str, text: str) -> bool:
        key = self.known.get(signed[:NAME_CHARACTERS])
        return key is not None and hmac.compare_digest(
            signed.encode(), key.sign(purpose, text).encode()
        )

    # --- seals of events --------------------------------------------------------------------------

    def seal(self, event: Mapping[str, Any]) -> str:
        """Return the seal of an event."""
        return self.current.sign("event", content_of(event))

    def is_sealed(self, event: Mapping[str, Any]) -> bool:
        """Tell whether its content is what was sealed."""
        return self._is(event["seal"], "event", content_of(event))

    # --- links between them -----------------------------------------------------------------------

    def link(self, before: str, event: Mapping[str, Any]) -> str:
        """Return the link of an event that has its number, behind another one's link."""
        return self.current.sign("link", _place_of(before, event))

    def is_linked(self, before: str, event: Mapping[str, Any]) -> bool:
        """Tell whether the event stands where it was put."""
        return self._is(event["link"], "link", _place_of(before, event))

    # --- the head ---------------------------------------------------------------------------------

    def head(self, number: int, link: str) -> str:
        """Return the seal of the head."""
        return self.current.sign("head", f"{number}\n{link}")

    def is_head(self, seal: str, number: int, link: str) -> bool:
        """Tell whether the head is what was sealed."""
        return self._is(seal, "head", f"{number}\n{link}")


def _derived(secret: str) -> Key:
    derived = hmac.digest(secret.encode(), b"pktmask audit log", "sha256")
    return Key(hashlib.sha256(b"name" + derived).hexdigest()[:NAME_CHARACTERS], derived)


def _place_of(before: str, event: Mapping[str, Any]) -> str:
    return f"{before}\n{event['number']}\n{event['id']}\n{event['seal']}"


def content_of(event: Mapping[str, Any]) -> str:
    """Return what is sealed of an event, the same before it is stored and read from any database.

    PostgreSQL keeps the values of numbers in JSON, not how they were written.
    """
    details = json.loads(
        json.dumps(event["details"]), parse_int=Decimal, parse_float=Decimal, parse_constant=str
    )
    plain = {**{name: event[name] for name in CONTENT}, "details": details}
    plain["at"] = _moment(event["at"])
    plain["address"] = _address(event["address"])
    return _text_of(plain)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _address(address: str | None) -> str | None:
    try:
        return str(ipaddress.ip_address(address)) if address else None
    except ValueError:
        return address


def _text_of(value: Any) -> str:
    if isinstance(value, dict):
        parts = (f"{json.dumps(key)}:{_text_of(value[key])}" for key in sorted(value))
        return f"{{{','.join(parts)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_text_of, value))}]"
    if isinstance(value, Decimal):
        return _number(value)
    return json.dumps(value)


def _number(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    kept = "".join(map(str, digits)).rstrip("0").lstrip("0")
    if not kept:
        return "0"
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return f"{'-' if sign else ''}{kept}e{int(exponent) + zeros}"
