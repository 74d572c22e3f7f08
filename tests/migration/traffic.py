"""Captures that went through the service, as rows: what an evaluator finds."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.contrib.auth.models import User

from config.models import AuditEvent
from migration import operations
from migration.choices import PHASES, Move, PhaseName
from migration.controller import apply_move
from migration.counting import count
from migration.decision import Decision
from migration.evaluator import Evaluator
from migration.gates.evidence import tally_from_json
from migration.gates.tally import Tally
from migration.models import Decision as Decided
from migration.models import Rollout
from migration.wanted import Wanted
from monitoring.choices import Dimension, Verdict
from monitoring.models import HealthReport, MetricSample
from tests.factories import make_user, standard
from trimming.blame import blame_at_end, blame_by_answer
from trimming.choices import Blame, CaptureOrigin, JobState, RunOutcome
from trimming.models import (
    Capture,
    Profile,
    Quarantine,
    RoutingPolicy,
    Shadow,
    TrimJob,
    TrimRun,
)
from trimming.policy import is_watched, newest_policy, renew_guard
from trimming.routing import (
    CONTROL,
    SHARES,
    TREATMENT,
    Policy,
    Traits,
    bucket_of,
    decide,
    is_below,
)
from trimming.routing_choices import LeakState, ShadowOutcome, ShadowState
from trimming.routing_of_jobs import decided

# limits with which the five phases are walked within minutes
QUICK: dict[str, Any] = {
    "baseline_dwell_seconds": 60.0,
    "ab_dwell_seconds": 60.0,
    "step_dwell_seconds": 60.0,
    "full_dwell_seconds": 60.0,
    "cleanup_dwell_seconds": 60.0,
    "baseline_pairs": 20,
    "ab_runs": 5,
    "step_runs": 5,
    "full_runs": 10,
    "ab_share": 0.2,
    "gradual_percents": "25, 50",
    "mismatch_budget": 0.2,
    "approve": "",
    "failures_in_a_row": 3,
}
# a Wednesday
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
VERSIONS = {CONTROL: "1.0", TREATMENT: "2.0"}
# a job that a failure of its strategy has sent back to be decided anew
WAITS: dict[str, Any] = {
    "state": JobState.WAITING,
    "policy_version": None,
    "fence_epoch": None,
}


@dataclass
class Service:
    """A service whose clock is moved by the test; every capture is a new one.

    Each test draws the same captures and salts, so that none fails by a rare draw.
    """

    now: datetime = NOW
    owner: User = field(default_factory=make_user)
    profile: Profile = field(default_factory=standard)
    evaluator: Evaluator = field(default_factory=Evaluator)
    versions: dict[str, str] = field(default_factory=lambda: dict(VERSIONS))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def _digest(self) -> str:
        return hashlib.sha256(f"capture {next(self._numbers)}".encode()).hexdigest()

    def _digest_for(self, strategy: str, policy: Policy) -> str:
        """Return a new digest that a policy assigns to a strategy."""
        share = SHARES[policy.mode](policy)
        for _ in range(100_000):
            digest = self._digest()
            if is_below(bucket_of(policy.salt, digest), share) == (strategy == TREATMENT):
                return digest
        raise AssertionError(f"nothing is given to {strategy} at a share of {share}")

    def same_draw(self) -> AbstractContextManager[object]:
        """Let the attempts that begin within have known salts."""
        return patch("migration.effects.new_salt", lambda: f"{next(self._numbers):032x}")

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""
        self.now += timedelta(seconds=seconds)

    def look(self) -> Decision | None:
        """Take a sample and a look, as the monitor does."""
        self.sample()
        return self.evaluator.look(self.now)

    def sample(self, **values: Any) -> None:
        """Store a sample at present."""
        MetricSample.objects.update_or_create(
            at=self.now,
            defaults={"covers_seconds": 5, "late_ms": 1, "values": {"cpu_percent": 10, **values}},
        )

    def _ended(self, job: TrimJob, outcome: RunOutcome, ms: float, attempt: int) -> dict[str, Any]:
        done = outcome == RunOutcome.DONE
        return {
            "job": job,
            "attempt": attempt,
            "strategy": job.routed_to,
            "strategy_version": self.versions[job.routed_to] if done else "",
            "arm": job.arm,
            "policy_version": job.policy_version,
            "fence_epoch": job.fence_epoch,
            "worker": "w",
            "outcome": outcome,
            "blame": blame_at_end(outcome, is_control=job.routed_to == CONTROL) or "",
            "started_at": self.now,
            "finished_at": self.now,
            "input_bytes": job.capture.size_bytes,
            "duration_ms": ms if done else None,
        }

    def samples(self, seconds: float, **values: Any) -> None:
        """Let time pass with a sample each 5 s; ``treatment`` and ``control`` are histograms."""
        arms = {arm: values.pop(arm) for arm in ("control", "treatment") if arm in values}
        rows = []
        for _ in range(round(seconds / 5)):
            self.pass_time(5)
            rows.append(
                MetricSample(
                    at=self.now,
                    covers_seconds=5,
                    late_ms=1,
                    values={"cpu_percent": 10, **values},
                    histograms={f"message_ms:{arm}": each for arm, each in arms.items()},
                )
            )
        MetricSample.objects.bulk_create(rows)

    def report(self, score: float | None = 0.97, *failing: Dimension) -> None:
        """Store a health report at present."""
        dimensions = [
            {"dimension": each.value, "verdict": "fail" if each in failing else "ok"}
            for each in Dimension
        ]
        HealthReport.objects.create(
            at=self.now,
            verdict=Verdict.FAIL if failing else Verdict.OK,
            score=score,
            sentence="made by a test",
            dimensions=dimensions,
        )

    def capture(self, digest: str = "") -> Capture:
        """Store a capture without a file."""
        digest = digest or self._digest()
        known = Capture.objects.filter(sha256=digest).first()
        if known is None:
            known = self._new_capture(digest)
            known.save()
        return known

    def _new_capture(self, digest: str = "") -> Capture:
        return Capture(
            owner=self.owner,
            name="edge.pcap",
            origin=CaptureOrigin.UPLOAD,
            size_bytes=40_000,
            sha256=digest or self._digest(),
            file_format="pcap",
            uploaded_at=self.now,
        )

    def given_to(self, strategy: str) -> Capture:
        """Store a capture that the policy in force assigns to a strategy."""
        return self.capture(self._digest_for(strategy, newest_policy().as_policy()))

    def claim(self, capture: Capture | None = None, **values: Any) -> TrimJob:
        """Let a worker begin with a capture, routed by the policy in force."""
        job = self._new_job(capture or self.capture())
        for name, value in {**decided(job), **values}.items():
            setattr(job, name, value)
        job.save()
        return job

    def _new_job(self, capture: Capture) -> TrimJob:
        return TrimJob(
            capture=capture,
            profile=self.profile,
            requested_by=self.owner,
            created_at=self.now,
            queued_at=self.now,
            claimed_at=self.now,
            state=JobState.RUNNING,
            deadline_seconds=120,
            attempt=1,
        )

    def end(
        self,
        job: TrimJob,
        outcome: RunOutcome = RunOutcome.DONE,
        ms: float = 10.0,
        **values: Any,
    ) -> TrimRun:
        """Let an attempt at a job end."""
        facts = self._ended(job, outcome, ms, job.runs.count() + 1)
        run = TrimRun.objects.create(**{**facts, **values})
        if outcome == RunOutcome.DONE:
            TrimJob.objects.filter(pk=job.pk).update(
                state=JobState.DONE, published_run=run, finished_at=self.now
            )
        return run

    def serve(
        self, count: int = 1, outcome: RunOutcome = RunOutcome.DONE, ms: float = 10.0
    ) -> list[TrimRun]:
        """Let so many captures come to their end at once, each routed as it is."""
        return self._serve([self._digest() for _ in range(count)], outcome, ms)

    def serve_on(
        self, strategy: str, count: int = 1, outcome: RunOutcome = RunOutcome.DONE
    ) -> list[TrimRun]:
        """Let so many captures come that are given to a strategy, and end these so."""
        policy = newest_policy().as_policy()
        return self._serve(
            [self._digest_for(strategy, policy) for _ in range(count)], outcome, 10.0
        )

    def _serve(self, digests: list[str], outcome: RunOutcome, ms: float) -> list[TrimRun]:
        policy, watched = newest_policy().as_policy(), is_watched()
        done = outcome == RunOutcome.DONE
        jobs = []
        for capture in Capture.objects.bulk_create(self._new_capture(each) for each in digests):
            traits = Traits(capture.sha256, is_supported=True)
            found = decide(policy, traits, is_watched=watched, may_treat=lambda: True)
            job = self._new_job(capture)
            job.arm, job.share, job.why = found.arm, found.share, found.why
            job.routed_to, job.bucket = found.strategy, found.bucket
            job.policy_version, job.fence_epoch = policy.version, policy.fence_epoch
            if done:
                job.state, job.finished_at = JobState.DONE, self.now
            jobs.append(job)
        TrimJob.objects.bulk_create(jobs)
        runs = [TrimRun(**self._ended(job, outcome, ms, 1)) for job in jobs]
        TrimRun.objects.bulk_create(runs)
        if done:
            for run in runs:
                run.job.published_run = run
            TrimJob.objects.bulk_update(jobs, ["published_run"])
        return runs

    def wait_for_legacy(self, run: TrimRun) -> None:
        """Send a job back to be decided anew, as a failure of its strategy does."""
        TrimJob.objects.filter(pk=run.job_id).update(**WAITS, failed_on=run.strategy)

    def fall_back(self, run: TrimRun, outcome: RunOutcome = RunOutcome.DONE) -> TrimRun:
        """Let the control serve what treatment has failed on."""
        self.wait_for_legacy(run)
        job = TrimJob.objects.get(pk=run.job_id)
        TrimJob.objects.filter(pk=job.pk).update(
            state=JobState.RUNNING, claimed_at=self.now, **decided(job)
        )
        waiting = TrimRun.objects.filter(job=job, blame=Blame.UNDECIDED)
        waiting.update(blame=blame_by_answer(outcome), blamed_at=self.now)
        return self.end(TrimJob.objects.get(pk=job.pk), outcome)

    def compare(self, count: int = 1, **values: Any) -> list[Shadow]:
        """Let so many captures be served and compared."""
        shadows = [self._shadow(run, values) for run in self.serve(count)]
        return Shadow.objects.bulk_create(shadows)

    def compared(self, run: TrimRun, **values: Any) -> Shadow:
        """Let a served capture be compared."""
        shadow = self._shadow(run, values)
        shadow.save()
        return shadow

    def _shadow(self, run: TrimRun, values: dict[str, Any]) -> Shadow:
        facts: dict[str, Any] = {
            "job": run.job,
            "digest": run.job.capture.sha256,
            "policy_version": run.policy_version,
            "fence_epoch": run.fence_epoch,
            "state": ShadowState.DONE,
            "outcome": ShadowOutcome.MATCHED,
            "queued_at": self.now,
            "finished_at": self.now,
            "control_version": self.versions[CONTROL],
            "treatment_version": self.versions[TREATMENT],
            "control_ms": 10.0,
            "treatment_ms": 2.0,
            "leak": LeakState.NONE,
        }
        return Shadow(**{**facts, **values})


def start(service: Service, **limits: Any) -> Rollout:
    """Start a rollout with quick limits."""
    rollout = operations.create("a rollout", {**QUICK, **limits}, None, service.now)
    with service.same_draw():
        operations.start(rollout, None, "a test", service.now)
    return rollout


def in_phase(
    phase: PhaseName, number: int = 0, *, runs: int = 2, **limits: Any
) -> tuple[Service, Rollout]:
    """Return a service whose rollout is in a phase, at one of its shares, without a long walk.

    Somebody looks, a sample is fresh, the service is well, and the baseline is frozen.
    """
    service = Service()
    rollout = start(service, **limits)
    service.sample()
    service.serve(runs)
    count(rollout.attempt, rollout.limits(), service.now)
    moves = [Move.FREEZE, *[Move.PROMOTE] * PHASES.index(phase)] if phase != PHASES[0] else []
    move(service, rollout, *moves, *[Move.STEP] * number)
    renew_guard(600)
    service.report()
    return service, rollout


def in_gate(**limits: Any) -> tuple[Service, Rollout]:
    """Return a rollout that has all that full migration needs, before anybody has looked."""
    service, rollout = in_phase(PhaseName.GRADUAL, number=1, **limits)
    service.serve_on(TREATMENT, 6)
    service.compare(20)
    service.pass_time(61)
    service.sample()
    return service, rollout


def move(service: Service, rollout: Rollout, *moves: Move, **values: Any) -> None:
    """Move a rollout, whatever its gates say."""
    for each in moves:
        with service.same_draw():
            apply_move(rollout, Wanted(each, "the test wants it", **values), service.now)


def all_rows() -> dict[str, list[Any]]:
    """Return everything that a rollout may write, to tell whether something was changed."""
    models: list[Any] = list(apps.get_app_config("migration").get_models())
    models += [RoutingPolicy, AuditEvent, TrimJob, TrimRun, Quarantine]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def moved_rows() -> dict[str, list[Any]]:
    """Return all rows but those that are counted with: to count is no change."""
    counting = ("Attempt", "ServedCapture", "ComparedCapture")
    return {name: rows for name, rows in all_rows().items() if name not in counting}


def situation_in(decision: Decided) -> dict[str, Any]:
    """Return the situation that is stored with a decision."""
    assert decision.situation is not None
    found: dict[str, Any] = decision.situation
    return found


def counted(rollout: Rollout) -> Tally:
    """Return what is counted of the newest attempt."""
    return tally_from_json(rollout.attempt.tally)


def walk(service: Service, rollout: Rollout, until: str) -> None:
    """Let everything go well until the rollout is in a phase, or in a state."""
    for _ in range(60):
        rollout.refresh_from_db()
        if until in (rollout.state, rollout.attempt.phase.name):
            return
        service.pass_time(31)
        service.report()
        service.compare(25)
        service.look()
    raise AssertionError(f"never {until}: {rollout.state}, {rollout.attempt.phase.name}")
