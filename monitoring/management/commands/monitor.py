"""``manage.py monitor``: the monitor loop in the foreground."""

from __future__ import annotations

import signal
import threading
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import DEFAULT_DB_ALIAS, connections

from config.current import Watch
from monitoring.lease import Turn, name_of_this_process
from monitoring.loop import Loop, fast_steps, in_turn, steps, strands

# a step that fails closes its connection when that is broken; else it may serve so long
CONNECTION_SECONDS: Final = 600


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C."""

    help = "Watch the workers, sweep up lost jobs, and remove what was kept long enough."
    # `up` has checked them
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run all loops; one of several monitors works, the others stand by."""
        # what rolls back must not wait for a connection, on a server that is busy with workers
        connections.settings[DEFAULT_DB_ALIAS]["CONN_MAX_AGE"] = CONNECTION_SECONDS
        Watch("monitor").start()
        turn = Turn(name_of_this_process())
        loop = Loop(in_turn(turn, steps()))
        beside = {
            "samples": Loop(fast_steps(turn)),
            **{name: Loop(in_turn(turn, table)) for name, table in strands.made().items()},
        }

        def stop(*_: Any) -> None:
            for each in (loop, *beside.values()):
                each.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        threads = [threading.Thread(target=each.run, name=name) for name, each in beside.items()]
        for thread in threads:
            thread.start()
        loop.run(begin_when=turn.is_mine)
        for thread in threads:
            thread.join()
        turn.end()
