"""``manage.py monitor`` as it is, with notes of what it decides.

``python -m tests.services.rollouts.watch NOTES`` appends lines of JSON to the file ``NOTES``:

- ``epoch, decided, published``: what there was of the treatment under the epoch that a rollback
  ends, counted within its transaction, while it holds the fence alone;
- ``decision, at``: the number of a decision, and when it was committed, by this machine's clock.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.rollouts.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - apps must be there first

from migration.signals import decision_made  # noqa: E402 - see above
from tests.services.rollouts.counted import counted  # noqa: E402 - see above
from trimming import policy  # noqa: E402 - see above
from trimming.models import RoutingPolicy  # noqa: E402 - see above
from trimming.policy import Wish  # noqa: E402 - see above
from trimming.routing_choices import Origin  # noqa: E402 - see above


def main() -> None:
    """Watch until SIGTERM."""
    notes = Path(sys.argv[1])

    def note(**facts: Any) -> None:
        with notes.open("a") as file:
            file.write(f"{json.dumps(facts)}\n")

    def committed(decision_id: int, **_: Any) -> None:
        note(decision=decision_id, at=time.time())

    check = policy._check

    def check_and_count(wish: Wish, origin: Origin, before: RoutingPolicy) -> None:
        check(wish, origin, before)
        if origin is Origin.ROLLBACK:
            decided, published = counted(before.fence_epoch)
            note(epoch=before.fence_epoch, decided=decided, published=published)

    decision_made.connect(committed)
    patch.object(policy, "_check", check_and_count).start()
    call_command("monitor")


if __name__ == "__main__":
    main()
