"""Two processes look at one rollout at once, from its start to its end.

``python -m tests.services.rollouts.both`` prints as JSON what was decided and counted, what the
rows say, and how often one of the two was second.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import django

django.setup()

from django.utils import timezone  # noqa: E402 - apps must be there first

from migration import drills  # noqa: E402 - see above
from migration.choices import PhaseName, RolloutState  # noqa: E402 - see above
from migration.models import Decision, RollbackDrill, Rollout  # noqa: E402 - see above
from migration.replay import replay  # noqa: E402 - see above
from tests.migration.traffic import Service, start  # noqa: E402 - see above
from tests.services.console import ROOT, wait_until  # noqa: E402 - see above
from tests.services.rollouts.looked import facts  # noqa: E402 - see above

# nothing waits for time to pass
LIMITS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        (
            "baseline_dwell_seconds",
            "ab_dwell_seconds",
            "step_dwell_seconds",
            "full_dwell_seconds",
            "cleanup_dwell_seconds",
        ),
        0.0,
    ),
    "gradual_percents": "30, 50, 70",
}
PATIENCE_SECONDS: Final = 180.0


def go_on(service: Service, rollout: Rollout) -> bool:
    """Let some captures be served and compared; tell whether the rollout is over."""
    rollout.refresh_from_db()
    if rollout.state == RolloutState.COMPLETED:
        return True
    service.now = timezone.now()
    service.report()
    service.sample()
    service.compare(5)
    service.serve(3)
    is_last = rollout.attempt.phase.name == PhaseName.CLEANUP
    if is_last and not RollbackDrill.objects.exists():
        with suppress(drills.DrillRefusedError):  # it has just ended, or moved
            drills.hold_drill(rollout, None, "a test", timezone.now())
    return False


def main() -> None:
    """Walk."""
    service = Service(now=timezone.now())
    rollout = start(service, **LIMITS)
    command = [sys.executable, "-m", "tests.services.rollouts.strand"]
    both = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        wait_until(lambda: go_on(service, rollout), PATIENCE_SECONDS, "the end of the rollout")
    finally:
        for each in both:
            each.terminate()
        said = [each.communicate()[0] for each in both]
    seen: Counter[str] = Counter()
    for text in said:
        seen.update(json.loads(text))
    same = [replay(decision).same for decision in Decision.objects.all()]
    found = facts(rollout) | {"seen": seen, "replays": all(same)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
