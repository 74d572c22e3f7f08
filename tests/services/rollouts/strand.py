"""The strand of rollouts as the monitor runs it, whether it is the monitor's turn or not.

``python -m tests.services.rollouts.strand`` looks all the time, until SIGTERM; then it says how
often another process was first.
"""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

import django

django.setup()

from migration import evaluator  # noqa: E402 - apps must be there first
from migration.controller import OvertakenError, apply_move  # noqa: E402 - see above
from migration.counting import count  # noqa: E402 - see above
from monitoring.loop import Loop, strands  # noqa: E402 - see above

# so often that two of them meet
EVERY_SECONDS: Final = 0.01


def main() -> None:
    """Look."""
    seen: Counter[str] = Counter()

    def counts(*args: Any) -> bool:
        done = count(*args)
        seen["counted" if done else "counted_by_another"] += 1
        return done

    def moves(*args: Any) -> Any:
        try:
            decision = apply_move(*args)
        except OvertakenError:
            seen["moved_by_another"] += 1
            raise
        seen["moved"] += 1
        return decision

    patch.object(evaluator, "count", counts).start()
    patch.object(evaluator, "apply_move", moves).start()
    table = strands.made()["rollout"]
    loop = Loop([replace(each, every_seconds=EVERY_SECONDS) for each in table[:1]] + [*table[1:]])
    signal.signal(signal.SIGTERM, lambda *_: loop.stop())
    loop.run()
    sys.stdout.write(json.dumps(seen))


if __name__ == "__main__":
    main()
