"""What is wrong with a chain of audit events: each event that was touched is named.  Pure.

An event whose seal holds is what was written, wherever it stands now; a link that holds behind the
link before says that both stand where they were put.  Behind an event that is wrong or missing a
link may fail without fault of its own event: what comes next decides that.  Of two such beside each
other one does not stand where it did, and where nothing comes next both are named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Any, Final

from config.seals import GENESIS, NAME_CHARACTERS, Keys

# an event is linked moments after it was written; an old one behind new ones was put in again
LATE: Final = timedelta(days=1)


class Kind(StrEnum):
    """What happened to an event."""

    CHANGED = "changed"
    MOVED = "moved"
    REMOVED = "removed"
    INSERTED = "inserted"
    REPEATED = "repeated"
    UNKNOWN_KEY = "unknown_key"
    HEAD = "head"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: with the events numbered ``first`` to ``last``, or with a row.

    ``id`` is the key of the row; None where there is none any more.
    """

    kind: Kind
    first: int | None = None
    last: int | None = None
    id: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The head as it is stored."""

    number: int
    link: str
    seal: str


class Standing(Enum):
    """What is known of the place of the event before."""

    PROVEN = "proven"
    WRONG = "wrong"  # and said so
    UNPROVEN = "unproven"  # behind one that is wrong or missing
    SUSPECT = "suspect"  # behind one that is unproven: one of the two does not stand where it did


@dataclass(slots=True)
class Walk:
    """A walk along the chain.  Call ``step`` for each linked event by its number, then ``end``.

    ``start`` is the number of the last event that was removed by retention, with its link; 0 and no
    link where nothing was.  ``anchors`` are links by number that were noted elsewhere.
    """

    keys: Keys
    start: tuple[int, str] = (0, GENESIS)
    anchors: Mapping[int, str] = field(default_factory=dict)
    number: int = 0
    link: str = GENESIS
    count: int = 0
    _id: int | None = None
    _standing: Standing = Standing.PROVEN
    _newest: datetime | None = None
    _key_age: int | None = None

    def __post_init__(self) -> None:
        self.number, self.link = self.start

    def step(self, event: Mapping[str, Any]) -> Iterator[Fault]:
        """Look at the next event; yields what is wrong there, and which are missing before."""
        number = event["number"]
        if number <= self.number:
            yield Fault(Kind.INSERTED, number, number, event["id"])
            return
        if number > self.number + 1:
            if self._standing is Standing.SUSPECT:
                yield self._moved()
            yield Fault(Kind.REMOVED, self.number + 1, number - 1)
            self._standing = Standing.WRONG
        own = self._own_fault(event)
        if own is not None:
            yield own
        standing = Standing.PROVEN
        if not self.keys.is_linked(self.link, event):
            standing = Standing.UNPROVEN
            if self._standing in (Standing.UNPROVEN, Standing.SUSPECT):
                standing = Standing.SUSPECT
                yield self._moved()
            elif self._standing is Standing.PROVEN and own is None:
                standing = Standing.WRONG
                yield Fault(Kind.MOVED, number, number, event["id"])
        self.number, self.link, self._id = number, event["link"], event["id"]
        self._standing = standing if own is None else Standing.WRONG
        self.count += 1

    def _own_fault(self, event: Mapping[str, Any]) -> Fault | None:
        number, key = event["number"], event["id"]
        for name in ("seal", "link"):
            if not self.keys.knows(event[name]):
                return Fault(Kind.UNKNOWN_KEY, number, number, key, _key_of(event[name]))
        if not self.keys.is_sealed(event):
            return Fault(Kind.CHANGED, number, number, key)
        if self.anchors.get(number, event["link"]) != event["link"]:
            return Fault(Kind.MOVED, number, number, key, "not as noted elsewhere")
        # who has a key that was replaced seals nothing behind what its successor sealed
        age = self.keys.age(event["link"])
        self._key_age = age if self._key_age is None else min(self._key_age, age)
        if age > self._key_age:
            return Fault(Kind.INSERTED, number, number, key, "with a key that was replaced")
        self._newest = max(self._newest or event["at"], event["at"])
        if event["at"] < self._newest - LATE:
            return Fault(Kind.REPEATED, number, number, key, event["at"].isoformat())
        return None

    def _moved(self) -> Fault:
        return Fault(Kind.MOVED, self.number, self.number, self._id)

    def end(self, head: Head | None) -> Iterator[Fault]:
        """Hold the head against where the walk came; yields what is wrong."""
        noted, is_reached = max(self.anchors, default=0), False
        if head is None:
            yield Fault(Kind.HEAD, detail="removed")
        elif not self.keys.knows(head.seal):
            yield Fault(Kind.UNKNOWN_KEY, detail=f"head {_key_of(head.seal)}")
        elif not self.keys.is_head(head.seal, head.number, head.link):
            yield Fault(Kind.HEAD, detail="changed")
        else:
            noted = max(noted, head.number)
            is_reached = (head.number, head.link) == (self.number, self.link)
            if not is_reached:
                yield from self._other_end(head)
        if self._standing is Standing.SUSPECT and not is_reached:
            yield self._moved()
        if noted > self.number:
            yield Fault(Kind.REMOVED, self.number + 1, noted)

    def _other_end(self, head: Head) -> Iterator[Fault]:
        if head.number < self.number:
            yield Fault(Kind.HEAD, detail="behind the newest event")
        elif head.number == self.number and self._standing is Standing.UNPROVEN:
            yield self._moved()
        elif head.number == self.number and self._standing is Standing.PROVEN:
            yield Fault(Kind.HEAD, detail="another link than the newest event")


def _key_of(signed: str) -> str:
    return signed.partition(".")[0][:NAME_CHARACTERS]


def repeated(seals: Iterable[tuple[int, str]]) -> Iterator[Fault]:
    """Yield the rows that are copies of others, given id and seal of all that share a seal."""
    seen: set[str] = set()
    for key, seal in sorted(seals):
        if seal in seen:
            yield Fault(Kind.REPEATED, id=key)
        seen.add(seal)
