"""``manage.py monitor``: the monitor loop in the foreground."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand

from config.current import Watch
from monitoring.loop import Loop, steps


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C."""

    help = "Watch the workers, sweep up lost jobs, and remove what was kept long enough."
    # `up` has checked them
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the loop."""
        Watch("monitor").start()
        loop = Loop(steps())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.stop())
        loop.run()
