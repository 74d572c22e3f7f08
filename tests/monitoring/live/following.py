"""A process that follows the outbox and prints what it reads: run by test_tail.py.

It prints ``ready`` after the first reading that succeeds, then each batch as a list of pairs of
topic and body.
"""

from __future__ import annotations

import asyncio
import json
import sys

import django


def say(what: object) -> None:
    """Print one line of JSON at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Follow until killed."""
    django.setup()
    from monitoring.live.publish import Update, coalesce
    from monitoring.live.tail import SqliteOutbox, follow

    class Announced(SqliteOutbox):
        is_ready = False

        def read_new(self) -> list[Update]:
            found = super().read_new()
            if not self.is_ready:
                self.is_ready = True
                say("ready")
            return found

    async def deliver(updates: list[Update]) -> None:
        say([[update.topic, update.body] for update in coalesce(updates)])

    say("started")
    asyncio.run(follow(Announced(), deliver, retry_seconds=0.1))


if __name__ == "__main__":
    main()
