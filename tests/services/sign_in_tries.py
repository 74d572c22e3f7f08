"""A process that tries to sign in as fast as it can: ``python -m tests.services.sign_in_tries N``.

Says "ready", waits for a line, tries N times with one name, and prints how many were let through.
"""

from __future__ import annotations

import os
import sys

import django


def main() -> None:
    """Try."""
    django.setup()
    from django.utils import timezone

    from pktmask_site.sign_in.throttle import limits_for, take

    print("ready", flush=True)  # noqa: T201 - the answer
    sys.stdin.readline()
    # each process has an address of its own
    address, now = f"192.0.2.{os.getpid() % 250}", timezone.now()
    found = [take(limits_for("anna", address, now), now) for _ in range(int(sys.argv[1]))]
    print(found.count(None), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
