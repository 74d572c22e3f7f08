"""The chain of the audit log: what puts events into it, in order, and renews it.

An event is sealed when it is written, in the transaction of whoever acts, and linked right after
that is committed: nobody holds the head while anything else is done, so the order in which others
lock their rows does not matter (docs/adr/0020).  What a process leaves unlinked when it dies is
linked with the next event.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Model

from config.models import AuditEvent, AuditHead
from config.seals import CONTENT, GENESIS, Keys

log = structlog.get_logger("pktmask.audit")
HEAD: Final = 1
COLUMNS: Final = ("id", "number", "seal", "link", *CONTENT)
BATCH: Final = 500
# so many wait at most that are linked at once
PASS: Final = 5000
Event = dict[str, Any]


def keys() -> Keys:
    """Return the keys of this installation."""
    return Keys.of([settings.SECRET_KEY, *settings.AUDIT_OLD_KEYS])


def new_nonce() -> str:
    """Return what makes a seal differ from that of an event that is equal otherwise."""
    return secrets.token_hex(8)


class HeadError(Exception):
    """The head is gone, or is not what was sealed: what is behind it must not be covered up."""


def extend() -> int:
    """Link the events that wait; return how many.

    Raises HeadError: they go on waiting then, each with its seal, until somebody has looked.
    """
    count, after, is_more = 0, 0, True
    while is_more:
        ids = list(waiting().filter(id__gt=after).order_by("id").values_list("id")[:PASS])
        if not ids:
            break
        after, is_more = ids[-1][0], len(ids) == PASS
        with transaction.atomic():
            count += _extend(waiting().filter(id__lte=after), locked_head(), keys())
    return count


def extend_quietly() -> None:
    """Link the events that wait; a chain that is broken keeps nobody from working."""
    try:
        extend()
    except HeadError:
        log.error("audit_chain_stands")


def waiting() -> Any:
    """Return the events that were sealed and are not linked yet."""
    return AuditEvent._base_manager.filter(number=None).exclude(seal="")


def locked_head() -> AuditHead:
    """Lock the head, in a transaction; raises HeadError."""
    head = AuditHead.objects.select_for_update().filter(pk=HEAD).first()
    if head is None:
        if AuditEvent._base_manager.exclude(number=None).exists():
            raise HeadError
        AuditHead.objects.get_or_create(pk=HEAD, defaults=head_at(keys(), 0, GENESIS))
        head = AuditHead.objects.select_for_update().get(pk=HEAD)
    if not keys().is_head(head.seal, head.number, head.link):
        raise HeadError
    return head


def head_at(signing: Keys, number: int, link: str) -> dict[str, Any]:
    """Return the values of a head."""
    return {"number": number, "link": link, "seal": signing.head(number, link)}


def _extend(found: Any, head: AuditHead, signing: Keys) -> int:
    # another process may have been at it meanwhile
    rows = found.order_by("id").values(*COLUMNS)
    events = [event for event in rows if signing.is_sealed(event)]
    number, link = head.number, head.link
    for event in events:
        number += 1
        event["number"] = number
        link = event["link"] = signing.link(link, event)
    if events:
        _write(events, ("number", "link"))
        AuditHead.objects.filter(pk=HEAD).update(**head_at(signing, number, link))
        # whoever keeps the logs elsewhere can hold the chain against it
        transaction.on_commit(lambda: log.info("audit_chained", number=number, link=link))
    return len(events)


def _write(events: Sequence[Event], columns: Sequence[str]) -> None:
    quote = connection.ops.quote_name
    chosen = ", ".join(f"{quote(name)} = %s" for name in columns)
    statement = f"UPDATE {quote(AuditEvent._meta.db_table)} SET {chosen} WHERE id = %s"
    with connection.cursor() as cursor:
        cursor.executemany(
            statement, [[*(event[name] for name in columns), event["id"]] for event in events]
        )


def chain_anew(model: type[Model], head: type[Model], signing: Keys) -> int:
    """Seal and link all events as they are now, in a transaction; return how many there are.

    Takes the models, because a migration has its own.
    """
    rows = model._base_manager
    ids = list(rows.order_by(F("number").asc(nulls_last=True), "id").values_list("id", flat=True))
    rows.exclude(number=None).update(number=None)
    # a copy has the seal of what it was copied from
    rows.exclude(seal="").update(seal="")
    number, link = 0, GENESIS
    for batch in _batches(ids):
        found = {event["id"]: event for event in rows.filter(pk__in=batch).values(*COLUMNS)}
        events = [found[key] for key in batch]
        for event in events:
            number += 1
            event.update(number=number, nonce=new_nonce())
            event["seal"] = signing.seal(event)
            link = event["link"] = signing.link(link, event)
        _write(events, ("number", "nonce", "seal", "link"))
    head._base_manager.update_or_create(pk=HEAD, defaults=head_at(signing, number, link))
    return number


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    left = iter(ids)
    while batch := list(islice(left, BATCH)):
        yield batch


def sealed(event: Mapping[str, Any]) -> Event:
    """Return the values of a new event, with its nonce and its seal."""
    whole = {**event, "nonce": new_nonce()}
    return {**whole, "seal": keys().seal(whole)}
