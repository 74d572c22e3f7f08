"""What people do with the audit log as a whole: retention, and accepting it as it is."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db import transaction

from config.audit import record
from config.chain import chain_anew, keys, locked_head
from config.chain_check import ACCEPTED, PRUNED, Checked
from config.models import AuditEvent, AuditHead

# of the faults that are accepted so many are named
NAMED: Final = 100


def prune(before: datetime) -> int:
    """Remove the events that are older, from the start of the chain; return how many.

    The event that says so keeps number and link of the last one removed, so that the rest can be
    verified, and an export of what was removed as well.  Verify first.  Raises HeadError.
    """
    rows = AuditEvent._base_manager
    with transaction.atomic():
        head = locked_head()
        kept = rows.filter(at__gte=before, number__gt=0).order_by("number")
        first = kept.values_list("number", flat=True).first()
        through = head.number if first is None else first - 1
        last = rows.filter(number=through).first()
        if last is None:
            return 0
        gone, _ = rows.filter(number__lte=through).delete()
        record(PRUNED, through=through, link=last.link, events=gone, before=before.isoformat())
    return gone


def accept(found: Checked, reason: str) -> int:
    """Take the log as it is from here on: all of it is sealed anew, and what was wrong is told.

    For after somebody has looked: events that an older version wrote while it was replaced, a key
    that is lost, or a fault that has been investigated.  Returns how many events there are.
    """
    with transaction.atomic():
        AuditHead.objects.select_for_update().first()
        count = chain_anew(AuditEvent, AuditHead, keys())
        named = [
            " ".join(str(part) for part in (fault.kind, fault.first, fault.last, fault.id))
            for fault in found.faults[:NAMED]
        ]
        record(ACCEPTED, reason=reason, faults=found.fault_count, named=named, events=count)
    return count
