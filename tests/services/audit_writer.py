"""A process that writes audit events as fast as it can, or says what a verification finds.

``python -m tests.services.audit_writer write COUNT``: says "ready", waits for a line, then writes
COUNT events, every third in a transaction with another one, every fifth in one that is rolled back
and written again; at last one more that it leaves unlinked, as a process does that is killed.
``verify``: prints what there is as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django


class GivenUpError(Exception):
    """A transaction is rolled back on purpose."""


def write(count: int) -> None:
    """Write events; prints milliseconds for each."""
    from django.db import transaction
    from django.http import HttpRequest

    from config.audit import answering, record

    request = HttpRequest()
    request.META["REMOTE_ADDR"] = "2001:DB8:0::7"
    _say("ready")
    sys.stdin.readline()
    began = time.monotonic()
    for number in range(count):
        if number % 5 == 0:
            try:
                with transaction.atomic():
                    record("given_up")
                    raise GivenUpError
            except GivenUpError:
                pass
        if number % 3 == 0:
            with transaction.atomic():
                record("first_of_two", number=number)
                record("second_of_two", number=number)
        else:
            with answering(request):
                record("alone", number=number, huge=1e300, share=0.1, whole=2.0, name="é\u2028")
    _say({"ms": 1000 * (time.monotonic() - began) / count})
    with transaction.atomic():
        record("left_behind")
        transaction.on_commit(lambda: os._exit(0))
        # what links comes behind that
        first, *rest = transaction.get_connection().run_on_commit
        transaction.get_connection().run_on_commit = [*rest, first]


def verify() -> None:
    """Print what a verification finds."""
    from django.db.models import Max

    from config.chain_check import check
    from config.models import AuditEvent

    waited = AuditEvent.objects.filter(number=None).count()
    began = time.monotonic()
    found = check()
    _say(
        {
            "is_sound": found.is_sound,
            "faults": [str(fault) for fault in found.faults[:10]],
            "events": found.events,
            "rows": AuditEvent.objects.count(),
            "newest": AuditEvent.objects.aggregate(newest=Max("number"))["newest"],
            "waited": waited,
            "seconds": time.monotonic() - began,
        }
    )


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "write":
        write(int(sys.argv[2]))
    else:
        verify()
