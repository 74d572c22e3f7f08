"""Holding the audit log of the database against its seals, while others go on writing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Min

from config.chain import COLUMNS, HEAD, HeadError, extend, keys
from config.chain_rules import Fault, Head, Kind, Walk, repeated
from config.models import AuditEvent, AuditHead
from config.seals import GENESIS, Keys

# events that retention removed are known by the event of that action
PRUNED: Final = "audit_pruned"
ACCEPTED: Final = "audit_accepted"
# more are counted, not kept
MOST_FAULTS: Final = 1000
CHUNK: Final = 2000


@dataclass(frozen=True, slots=True)
class Checked:
    """What a verification found.  ``number`` and ``link`` are where the chain ends."""

    faults: tuple[Fault, ...]
    fault_count: int
    events: int
    waiting: int
    number: int
    link: str

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.fault_count


def check(anchors: Mapping[int, str] | None = None) -> Checked:
    """Verify the audit log; ``anchors`` are links by number that were noted elsewhere."""
    with suppress(HeadError):  # the walk says why
        extend()
    signing, rows = keys(), AuditEvent._base_manager
    head = _head()
    walk = Walk(signing, _start(signing), _still_there(anchors or {}))
    kept: list[Fault] = []
    count = 0
    for fault in _faults(walk, head, signing, rows):
        count += 1
        if len(kept) < MOST_FAULTS:
            kept.append(fault)
    waiting = sum(1 for _ in _unlinked(rows, signing, sealed=True))
    return Checked(tuple(kept), count, walk.count, waiting, walk.number, walk.link)


def _faults(walk: Walk, head: Head | None, signing: Keys, rows: Any) -> Iterator[Fault]:
    linked = rows.order_by("number", "id")
    upto = linked.filter(number__lte=head.number) if head else linked.exclude(number=None)
    for event in upto.values(*COLUMNS).iterator(chunk_size=CHUNK):
        yield from walk.step(event)
    yield from walk.end(head)
    if head is not None:
        yield from _behind(linked)
    for event in _unlinked(rows, signing, sealed=False):
        yield Fault(Kind.INSERTED, id=event["id"])
    shared = rows.exclude(seal="").values("seal").annotate(n=Count("id")).filter(n__gt=1)
    seals = list(shared.order_by().values_list("seal", flat=True))
    yield from repeated(rows.filter(seal__in=seals).values_list("id", "seal") if seals else ())


def _behind(linked: Any) -> Iterator[Fault]:
    """Yield what is numbered behind the head; others are kept from moving it meanwhile."""
    with transaction.atomic():
        head = AuditHead.objects.select_for_update().filter(pk=HEAD).first()
        upto = head.number if head else 0
        found = list(linked.filter(number__gt=upto).values_list("number", "id"))
    for number, key in found:
        yield Fault(Kind.INSERTED, number, number, key)


def _unlinked(rows: Any, signing: Keys, *, sealed: bool) -> Iterable[dict[str, Any]]:
    for event in rows.filter(number=None).order_by("id").values(*COLUMNS).iterator(CHUNK):
        if signing.is_sealed(event) == sealed:
            yield event


def _head() -> Head | None:
    found = AuditHead.objects.filter(pk=HEAD).values("number", "link", "seal").first()
    return Head(**found) if found else None


def _start(signing: Keys) -> tuple[int, str]:
    """Return the last event that retention removed, with its link, as its own event says it."""
    first = AuditEvent._base_manager.aggregate(first=Min("number"))["first"] or 1
    if first > 1:
        for event in (
            AuditEvent._base_manager.filter(action=PRUNED).order_by("-id").values(*COLUMNS)
        ):
            details = event["details"]
            if details.get("through") == first - 1 and signing.is_sealed(event):
                return first - 1, details["link"]
    return 0, GENESIS


def _still_there(anchors: Mapping[int, str]) -> Mapping[int, str]:
    """Return those that are not behind what retention removed."""
    first = AuditEvent._base_manager.aggregate(first=Min("number"))["first"] or 1
    return {number: link for number, link in anchors.items() if number >= first}
