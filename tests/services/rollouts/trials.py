"""Rollbacks of a rollout under load: how long from the breaking run, and what comes after them.

``python -m tests.services.rollouts.trials --workers 16 --trials 200`` prints what it found as JSON,
on the database that the environment names.  Processes of their own: the workers, which make jobs
and do them through the real task, and the monitor with its strands.

A trial: a rollout gives half of the captures to the treatment; then, in turns, the treatment fails
until three failures have come in a row, or a comparison confirms a leak.  The rollout is rolled
back, and restarted for the next trial.  The time is from when the breaking run ended
(``finished_at``, set within the transaction that ends it) to behind the commit of the rollback
(noted by the monitor), both by this machine's clock: a little more than from commit to commit.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.services.rollouts.settings")
django.setup()

from django.contrib.auth.models import User  # noqa: E402 - apps must be there first
from django.utils import timezone  # noqa: E402 - see above

from migration import operations  # noqa: E402 - see above
from migration.choices import PhaseName, RolloutState  # noqa: E402 - see above
from migration.models import Decision, Rollout  # noqa: E402 - see above
from tests.services.console import ROOT, wait_until  # noqa: E402 - see above
from tests.services.fence.worker import ended, started  # noqa: E402 - see above
from tests.services.rollouts.counted import counted  # noqa: E402 - see above
from trimming import shadow_queue  # noqa: E402 - see above
from trimming.choices import RunOutcome  # noqa: E402 - see above
from trimming.models import Shadow, TrimJob, TrimRun  # noqa: E402 - see above
from trimming.policy import is_watched, newest_policy  # noqa: E402 - see above
from trimming.routing import TREATMENT  # noqa: E402 - see above
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState  # noqa: E402 - see above

IN_A_ROW: Final = 3
# phase 1 is over after two comparisons, and phase 2 stays
LIMITS: Final[dict[str, Any]] = {
    "baseline_dwell_seconds": 0.0,
    "baseline_pairs": 2,
    "mismatch_budget": 0.49,
    "promotion_alpha": 0.49,
    "ab_share": 0.5,
    "approve": "",
    "failures_in_a_row": IN_A_ROW,
    "baseline_shadow_share": 0.0,
    "ab_shadow_share": 0.0,
}
LEAST_PUBLISHED: Final = 3  # of the treatment before it breaks, so that each is a race
PATIENCE_SECONDS: Final = 120.0
# the breaking run comes at any point between two looks
SPREAD_SECONDS: Final = 0.5


@dataclass
class Trials:
    """One rollout that is rolled back and restarted again and again."""

    fault: Path
    notes: Path
    rng: random.Random
    rollout: Rollout = field(init=False)
    # by the rule that rolled back
    took_ms: dict[str, list[float]] = field(default_factory=dict)
    # of the treatment, between the breaking run and the rollback
    between: int = 0

    def begin(self) -> None:
        """Start the rollout."""
        self.rollout = operations.create("trials", LIMITS, None, timezone.now())
        operations.start(self.rollout, None, "a test", timezone.now())

    def trial(self, cause: str) -> None:
        """Wait for phase 2, break a rule, wait for the rollback, and restart."""
        epoch = self._wait_for_treatment()
        time.sleep(self.rng.random() * SPREAD_SECONDS)
        broke_at = CAUSES[cause](self, epoch)
        wait_until(lambda: self._state() == RolloutState.ROLLED_BACK, PATIENCE_SECONDS, "rollback")
        open_runs = TrimRun.objects.filter(
            strategy=TREATMENT, fence_epoch=epoch, outcome=RunOutcome.RUNNING
        )
        wait_until(lambda: not open_runs.exists(), PATIENCE_SECONDS, "treatment's runs to end")
        self._note(epoch, broke_at)
        operations.restart(self.rollout, None, "the next trial", timezone.now())

    def _state(self) -> RolloutState:
        self.rollout.refresh_from_db()
        return RolloutState(self.rollout.state)

    def _wait_for_treatment(self) -> int:
        wait_until(self._is_past_phase_1, PATIENCE_SECONDS, "phase 2")
        epoch = newest_policy().fence_epoch
        runs = TrimRun.objects.filter(strategy=TREATMENT, fence_epoch=epoch)
        done = runs.filter(outcome=RunOutcome.DONE)
        wait_until(lambda: done.count() >= LEAST_PUBLISHED, PATIENCE_SECONDS, "treatment")
        return epoch

    def _is_past_phase_1(self) -> bool:
        if self.rollout.attempt.phase.name != PhaseName.BASELINE:
            return True
        self._compare()
        return False

    def _compare(self, **values: Any) -> datetime | None:
        """Let a comparison end whose capture was served under the policy in force."""
        policy = newest_policy()
        served = TrimJob.objects.filter(
            policy_version=policy.version, published_run__isnull=False, shadow=None
        ).first()
        if served is None:
            return None
        shadow = Shadow.objects.create(
            job=served,
            digest=served.capture.sha256,
            policy_version=policy.version,
            fence_epoch=policy.fence_epoch,
            state=ShadowState.RUNNING,
            worker="trials",
            queued_at=timezone.now(),
        )
        found = {"outcome": ShadowOutcome.MATCHED, "control_ms": 1.0, "treatment_ms": 1.0, **values}
        shadow_queue.end(shadow, ShadowState.DONE, **found)
        shadow.refresh_from_db()
        return shadow.finished_at

    def fail(self, epoch: int) -> Callable[[Decision], datetime]:
        """Let the treatment fail until it is rolled back; the decision knows which was the third.

        Not only until three are there: a success that ended between them may be committed later.
        """
        self.fault.touch()

        def mended(decision: Decision) -> datetime:
            self.fault.unlink()
            row = situation_of(decision)["evidence"]["tally"]["row"]
            if len(row) >= IN_A_ROW:
                return sorted(map(datetime.fromisoformat, row))[IN_A_ROW - 1]
            third = third_in_a_row(epoch)
            assert third is not None  # or it would not have been rolled back
            return third

        return mended

    def leak(self, epoch: int) -> Callable[[Decision], datetime]:
        """Let a comparison confirm a leak."""
        leaked = {"outcome": ShadowOutcome.MISMATCHED, "leak": LeakState.CONFIRMED}
        ended_at: datetime = wait_until(lambda: self._compare(**leaked), 60, "a served capture")
        return lambda _decision: ended_at

    def _note(self, epoch: int, cause: Callable[[Decision], datetime]) -> None:
        decision = Decision.objects.filter(rollout=self.rollout, rule__gt="").latest("pk")
        broke_at = cause(decision)
        committed_at = wait_until(lambda: self._committed_at(decision.pk), 60, "the note of it")
        took_ms = (committed_at - broke_at.timestamp()) * 1000
        self.took_ms.setdefault(decision.rule, []).append(took_ms)
        self.between += TrimRun.objects.filter(
            strategy=TREATMENT,
            fence_epoch=epoch,
            outcome=RunOutcome.DONE,
            finished_at__gt=broke_at,
        ).count()

    def _committed_at(self, decision_id: int) -> float | None:
        found = [each["at"] for each in self.noted() if each.get("decision") == decision_id]
        return found[0] if found else None

    def noted(self) -> Iterator[dict[str, Any]]:
        """Give the notes of the monitor."""
        return map(json.loads, self.notes.read_text().splitlines())

    def late(self) -> dict[str, int]:
        """Return what came of the treatment after the commits of rollbacks."""
        decided = published = rollbacks = 0
        for each in self.noted():
            if "epoch" in each:
                decided_now, published_now = counted(each["epoch"])
                decided += decided_now - each["decided"]
                published += published_now - each["published"]
                rollbacks += 1
        return {
            "rollbacks": rollbacks,
            "late_decisions": decided,
            "late_publications": published,
        }


CAUSES: Final[dict[str, Callable[[Trials, int], Callable[[Decision], datetime]]]] = {
    "failures": Trials.fail,
    "leak": Trials.leak,
}


def situation_of(decision: Decision) -> dict[str, Any]:
    """Return what a decision went by."""
    assert decision.situation is not None  # a rollback by a rule has one
    found: dict[str, Any] = decision.situation
    return found


def third_in_a_row(epoch: int) -> datetime | None:
    """Return when the treatment had failed so often in a row for the first time."""
    ended = TrimRun.objects.filter(strategy=TREATMENT, fence_epoch=epoch).exclude(
        outcome__in=(RunOutcome.RUNNING, RunOutcome.DISCARDED)
    )
    in_a_row = 0
    for outcome, at in ended.order_by("finished_at", "pk").values_list("outcome", "finished_at"):
        in_a_row = in_a_row + 1 if outcome == RunOutcome.FAILED else 0
        if in_a_row == IN_A_ROW:
            assert at is not None  # it has ended
            return at
    return None


def main() -> None:
    """Try."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--causes", choices=sorted(CAUSES), nargs="+", default=sorted(CAUSES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-fence", action="store_true")
    asked = parser.parse_args()
    User.objects.get_or_create(username="race")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["FAULT"] = str(folder / "fault")
        trials = Trials(folder / "fault", folder / "notes", random.Random(asked.seed))
        trials.notes.touch()
        with _processes(folder, asked.workers, asked.without_fence) as found:
            wait_until(is_watched, PATIENCE_SECONDS, "the monitor")
            trials.begin()
            for cause in islice(cycle(asked.causes), asked.trials):
                trials.trial(cause)
        sys.stdout.write(json.dumps(_found(trials) | found))


def _found(trials: Trials) -> dict[str, Any]:
    runs = TrimRun.objects.filter(strategy=TREATMENT)
    every = [ms for found in trials.took_ms.values() for ms in found]
    return {
        **_quantiles(every),
        "rules": {rule: _quantiles(found) for rule, found in trials.took_ms.items()},
        **trials.late(),
        "published_between": trials.between,
        "treatment_runs": runs.count(),
        "discarded": runs.filter(outcome=RunOutcome.DISCARDED).count(),
    }


def _quantiles(took_ms: list[float]) -> dict[str, float]:
    """Return how many there are, and their quantiles by nearest rank."""
    ranked = sorted(took_ms)
    ranks = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "longest_ms": 1.0}
    found = {name: ranked[math.ceil(q * len(ranked)) - 1] for name, q in ranks.items()}
    return {"trials": len(ranked), **{name: round(ms, 1) for name, ms in found.items()}}


@contextmanager
def _processes(folder: Path, workers: int, without_fence: bool) -> Iterator[dict[str, int]]:
    """Run workers and a monitor; afterwards tell how many jobs were done, and who broke."""
    found: dict[str, int] = {}
    watching = [sys.executable, "-m", "tests.services.rollouts.watch", str(folder / "notes")]
    monitor = subprocess.Popen(watching, cwd=ROOT)
    busy = started(folder, workers, without_fence=without_fence)
    try:
        yield found
    finally:
        (folder / "stop").touch()
        monitor.terminate()
        done, broken = ended(busy)
        monitor.wait()
    found["jobs"] = done
    found["broken_processes"] = broken + bool(monitor.returncode)


if __name__ == "__main__":
    main()
