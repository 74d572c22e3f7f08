"""A process that looks is killed on its way, or stopped, and another one goes on.

``python -m tests.services.rollouts.killed`` prints as JSON what there was before and after, for
each seam and each move.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import django

django.setup()

import psutil  # noqa: E402 - apps come first
from django.utils import timezone  # noqa: E402 - see above

from migration import operations  # noqa: E402 - see above
from migration.choices import ACTIVE, PhaseName  # noqa: E402 - see above
from migration.evaluator import Evaluator  # noqa: E402 - see above
from migration.models import Rollout  # noqa: E402 - see above
from tests.migration.traffic import Service, start, walk  # noqa: E402 - see above
from tests.services.console import ROOT, wait_until  # noqa: E402 - see above
from tests.services.rollouts.looked import facts  # noqa: E402 - see above
from tests.services.rollouts.looking import SEAMS  # noqa: E402 - see above
from trimming.choices import RunOutcome  # noqa: E402 - see above
from trimming.routing import TREATMENT  # noqa: E402 - see above

# phase 2 began so long ago that it may be over
AGO: Final = timedelta(hours=1)


@dataclass
class Scene:
    """A rollout in phase 2, about to move."""

    service: Service = field(default_factory=lambda: Service(now=timezone.now() - AGO))
    rollout: Rollout = field(init=False)

    def __post_init__(self) -> None:
        self.rollout = start(self.service, ab_share=0.5)
        walk(self.service, self.rollout, PhaseName.AB_TEST)
        self.service.now = timezone.now()
        self.service.sample()

    def promise(self) -> None:
        """Let everything be well: the next look promotes."""
        self.service.serve(20)
        self.service.compare(5)

    def harm(self) -> None:
        """Let the treatment fail: the next look rolls back."""
        self.service.now = timezone.now()
        self.service.serve_on(TREATMENT, 3, RunOutcome.FAILED)

    def end(self) -> None:
        """Make room for the next rollout."""
        self.rollout.refresh_from_db()
        if self.rollout.state in ACTIVE:
            operations.abort(self.rollout, None, "the scene is over", timezone.now())


class Looking:
    """Another process that looks, held at a seam."""

    def __init__(self, seam: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.rollouts.looking", seam],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said == "held\n", said

    def kill(self) -> None:
        """End it as nothing else can."""
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate()

    def stop(self) -> None:
        """Stop it where it is."""
        self._process.send_signal(signal.SIGSTOP)
        process = psutil.Process(self._process.pid)
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED, 10, "it to stop")

    def go_on(self) -> dict[str, Any]:
        """Let it go on to its end; return what it says."""
        self._process.send_signal(signal.SIGCONT)
        said, _ = self._process.communicate("\n", timeout=60)
        found: dict[str, Any] = json.loads(said)
        return found


def kill_at(seam: str, what: str) -> dict[str, Any]:
    """Kill a process at a seam; return what there was before, then, and after another look."""
    scene = Scene()
    getattr(scene, what)()
    before = facts(scene.rollout)
    Looking(seam).kill()
    then = facts(scene.rollout)
    decision = Evaluator().look(timezone.now())
    after = facts(scene.rollout)
    scene.end()
    return {
        "seam": seam,
        "move": None if decision is None else decision.move,
        "before": before,
        "then": then,
        "after": after,
    }


def stop_over_a_rollback() -> dict[str, Any]:
    """Stop a process that is about to promote, roll back, and let it go on."""
    scene = Scene()
    scene.promise()
    looking = Looking("loaded")
    looking.stop()
    scene.harm()
    Evaluator().look(timezone.now())
    before = facts(scene.rollout)
    said = looking.go_on()
    return {"said": said, "before": before, "after": facts(scene.rollout)}


def main() -> None:
    """Try all of it."""
    found = {
        "killed": [kill_at(seam, what) for seam in SEAMS for what in ("promise", "harm")],
        "stopped": stop_over_a_rollback(),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
