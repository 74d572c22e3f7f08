"""Adding to an attempt's tally what has ended since the last time, each capture once.

One transaction writes the tally, the marks of the captures in it, and how far it has come; the
attempt's revision lets one of several processes win.  Whoever is killed has counted nothing.  Rows
of the last minutes are looked for again, since a transaction may commit late: those that have their
mark are left out by the database, however many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from migration.choices import PhaseName
from migration.conf import RolloutLimits
from migration.decision import step_name
from migration.gates.evidence import baseline_from_json, tally_as_json, tally_from_json
from migration.gates.tally import Assigned, Compared, Served, Tally
from migration.models import Attempt, ComparedCapture, ServedCapture, StepPolicy
from trimming.choices import OUTCOME_KINDS, Blame, OutcomeKind, RunOutcome
from trimming.models import Shadow, TrimJob, TrimRun
from trimming.routing import CONTROL, TREATMENT, bucket_of, is_below
from trimming.routing_choices import Arm, LeakState, ShadowOutcome, ShadowState, Why

# no transaction commits later than that
LATE_COMMITS: Final = timedelta(minutes=2)
# a job that lost its worker is past its deadline a little later
SLACK: Final = timedelta(seconds=60)
# so many rows of each kind at once; what is left comes with the next look
MOST: Final = 5_000
# the times that limits are frozen from
MOST_TIMES: Final = 50_000
ARMS: Final = (Arm.CONTROL, Arm.TREATMENT)
COUNTED: Final = tuple(
    outcome
    for outcome, kind in OUTCOME_KINDS.items()
    if kind in (OutcomeKind.SUCCEEDED, OutcomeKind.STRATEGY_FAILURE)
)
# harm is not in sight while no process speaks against treatment
NEUTRAL_LOG_E: Final = 0.0


class _Reach:
    """How far a look has come: to now, or to the last row where there were too many."""

    def __init__(self, now: datetime) -> None:
        self.until = now

    def note(self, times: Sequence[datetime | None]) -> None:
        """Note the times of the rows that were read, oldest first."""
        if len(times) >= MOST and times[-1] is not None:
            self.until = min(self.until, times[-1])


def count(attempt: Attempt, limits: RolloutLimits, now: datetime) -> bool:
    """Bring the tally of ``attempt`` up to date; False when another process was there first.

    ``attempt`` has the new values afterwards.
    """
    try:
        with transaction.atomic():
            values = _counted(attempt, limits, now)
            won = Attempt.objects.filter(pk=attempt.pk, revision=attempt.revision).update(
                revision=attempt.revision + 1, **values
            )
            if not won:
                raise IntegrityError("another process has counted")
    except IntegrityError:
        return False
    attempt.revision += 1
    for name, value in values.items():
        setattr(attempt, name, value)
    return True


def _counted(attempt: Attempt, limits: RolloutLimits, now: datetime) -> dict[str, Any]:
    steps = _steps(attempt)
    since = attempt.counted_until - LATE_COMMITS
    builds, reach = _Builds(attempt), _Reach(now)
    step = attempt.phase.step
    present = step_name(PhaseName(step.phase.name), step.number)
    tally = tally_from_json(attempt.tally).renewed(present, now, limits.evidence_seconds)
    baseline = baseline_from_json(attempt.baseline)
    assigned = _assign(attempt, steps, since, reach)
    decided = _serve_decided(attempt, steps)
    ended = _serve(attempt, steps, since, builds, reach)
    served = sorted(decided + ended, key=lambda each: each.at)
    leaks = _leaks(attempt, steps, since)
    compared = _compare(attempt, steps, since, builds, reach)
    leaks += _uncounted_leaks(attempt, steps, since)
    tally = tally.share_out(assigned, _settle(attempt, now))
    tally = tally.serve(served, baseline).compare(compared, limits.slower_by)
    for at in leaks:
        tally = tally.leak(at)
    return {
        "tally": tally_as_json(tally),
        "counted_until": reach.until,
        # what is left for the next look may speak against it
        "clean_at": reach.until if is_clean(tally) else attempt.clean_at,
        **builds.values,
    }


def is_clean(tally: Tally) -> bool:
    """Tell whether nothing speaks against treatment at present."""
    processes = (tally.errors, tally.slow, tally.discordant, tally.paired, tally.errors_alone)
    speaks = any(each.log_e > NEUTRAL_LOG_E for each in processes if each is not None)
    return not (speaks or tally.leaks or tally.in_a_row)


def _steps(attempt: Attempt) -> dict[int, str]:
    """Return the step of each policy of the attempt, by version."""
    rows = StepPolicy.objects.filter(step__phase__attempt=attempt).values_list(
        "policy_version", "step__phase__name", "step__number"
    )
    return {version: step_name(PhaseName(phase), number) for version, phase, number in rows}


class _Builds:
    """The versions of the strategies: the first one that is seen is that of the attempt."""

    def __init__(self, attempt: Attempt) -> None:
        self.values = {
            "control_version": attempt.control_version,
            "treatment_version": attempt.treatment_version,
            "new_build": attempt.new_build,
        }

    def is_ours(self, strategy: str, version: str) -> bool:
        """Tell whether evidence of a version counts; note it where it is the first, or new."""
        name = "treatment_version" if strategy == TREATMENT else "control_version"
        if not version:  # a strategy that failed did not tell
            return True
        self.values[name] = self.values[name] or version
        if self.values[name] != version:
            self.values["new_build"] = f"{strategy} {version}"
        return self.values[name] == version


def _known(model: Any, attempt: Attempt, digests: Iterable[str]) -> dict[str, Any]:
    rows = model.objects.filter(attempt=attempt, digest__in=set(digests))
    return {row.digest: row for row in rows}


def _marked(model: Any, attempt: Attempt, digest: str, **conditions: Any) -> Exists:
    """Return what holds of rows whose capture has its mark; ``digest`` is the field with it."""
    return Exists(model.objects.filter(attempt=attempt, digest=OuterRef(digest), **conditions))


def _given_by(steps: Mapping[int, str]) -> Q:
    """Return what holds of jobs that a policy of the attempt has given to an arm.

    One on which the treatment failed waits for the control without a policy, for as long as the
    queue is; its failure counts at once.
    """
    policies = list(steps)
    failed = TrimRun.objects.filter(job=OuterRef("pk"), policy_version__in=policies)
    return Q(policy_version__in=policies) | Q(Exists(failed), policy_version=None)


def _assign(
    attempt: Attempt, steps: Mapping[int, str], since: datetime, reach: _Reach
) -> list[Assigned]:
    """Mark captures that were given to an arm; a job that nobody watched was given to none."""
    jobs = list(
        TrimJob.objects.filter(_given_by(steps), claimed_at__gte=since, arm__in=ARMS)
        .exclude(why=Why.UNWATCHED)
        .exclude(_marked(ServedCapture, attempt, "capture__sha256"))
        .order_by("claimed_at")
        .values("capture__sha256", "arm", "share", "claimed_at", "deadline_seconds")[:MOST]
    )
    reach.note([job["claimed_at"] for job in jobs])
    rows: dict[str, ServedCapture] = {}
    found: list[Assigned] = []
    for job in jobs:
        digest = job["capture__sha256"]
        if digest in rows:
            continue
        claimed_at = job["claimed_at"] or since
        allowed = timedelta(seconds=job["deadline_seconds"] or 0)
        on_treatment, share = job["arm"] == Arm.TREATMENT, job["share"] or 0.0
        drawn = is_below(bucket_of(attempt.salt, digest), share)
        found.append(Assigned(on_treatment, share, drawn != on_treatment))
        rows[digest] = ServedCapture(
            attempt=attempt,
            digest=digest,
            on_treatment=on_treatment,
            share=share,
            due_at=claimed_at + allowed + SLACK,
        )
    ServedCapture.objects.bulk_create(rows.values())
    return found


def _serve(
    attempt: Attempt,
    steps: Mapping[int, str],
    since: datetime,
    builds: _Builds,
    reach: _Reach,
) -> list[Served]:
    """Mark the first run of each capture that ended."""
    runs = list(
        TrimRun.objects.filter(
            _marked(ServedCapture, attempt, "job__capture__sha256", run=None),
            finished_at__gte=since,
            policy_version__in=list(steps),
            arm__in=ARMS,
            outcome__in=COUNTED,
        )
        .order_by("finished_at", "pk")
        .select_related("job__capture")
        .defer("report")[:MOST]
    )
    reach.note([run.finished_at for run in runs])
    known = _known(ServedCapture, attempt, (run.job.capture.sha256 for run in runs))
    served, marked = [], []
    for run in runs:
        row = known.get(run.job.capture.sha256)
        # claimed under the attempt before, or while nobody watched: it is not part of the trial
        if row is None or row.run_id is not None or row.on_treatment != (run.arm == Arm.TREATMENT):
            continue
        if not builds.is_ours(run.strategy, run.strategy_version):
            continue
        row.run_id = run.pk
        marked.append(row)
        _judge(row, run)
        # legacy served what the breaker keeps from scanning: that tells nothing of scanning, and
        # must not end a row of failures
        if not row.is_undecided and run.job.why != Why.BREAKER_OPEN:
            served.append(_fact(run, row, steps))
    ServedCapture.objects.bulk_update(marked, ["run", "failed", "is_undecided"])
    return served


def _judge(row: ServedCapture, run: TrimRun) -> None:
    row.failed = run.kind is OutcomeKind.STRATEGY_FAILURE
    row.is_undecided = run.kind is OutcomeKind.UNDECIDED


def _serve_decided(attempt: Attempt, steps: Mapping[int, str]) -> list[Served]:
    """Return the runs whose output was refused, and of which legacy has told by now whose fault."""
    rows = list(
        ServedCapture.objects.filter(attempt=attempt, is_undecided=True)
        .exclude(run__blame=Blame.UNDECIDED)
        .order_by("pk")
        .select_related("run")
        .defer("run__report")[:MOST]
    )
    served = []
    for row in rows:
        assert row.run is not None  # it ended, and waited for legacy
        _judge(row, row.run)
        served.append(_fact(row.run, row, steps))
    ServedCapture.objects.bulk_update(rows, ["failed", "is_undecided"])
    return served


def _fact(run: TrimRun, row: ServedCapture, steps: Mapping[int, str]) -> Served:
    assert run.finished_at is not None
    assert run.policy_version is not None  # both are asked for
    return Served(
        on_treatment=row.on_treatment,
        share=row.share,
        step=steps[run.policy_version],
        failed=row.failed,
        size_bytes=run.input_bytes,
        duration_ms=run.duration_ms if run.outcome == RunOutcome.DONE else None,
        at=run.finished_at,
        misplaced=run.strategy == TREATMENT and not row.on_treatment,
        odd=run.kind is OutcomeKind.ODD_CAPTURE,
    )


def _leaks(attempt: Attempt, steps: Mapping[int, str], since: datetime) -> list[datetime]:
    """Find captures where verification refuses what treatment made, and not what control made.

    What it refuses of both is odd for itself and says nothing of treatment.
    """
    healed = TrimRun.objects.filter(
        finished_at__gte=since,
        policy_version__in=list(steps),
        strategy=CONTROL,
        outcome=RunOutcome.DONE,
        job__failed_on=TREATMENT,
        job__runs__strategy=TREATMENT,
        job__runs__outcome=RunOutcome.UNVERIFIED,
        job__runs__blame=Blame.STRATEGY,
    ).values_list("job__capture__sha256", "finished_at")
    found = dict(healed[:MOST])
    rows = [row for row in _known(ServedCapture, attempt, found).values() if not row.leaked]
    for row in rows:
        row.leaked = True
    ServedCapture.objects.bulk_update(rows, ["leaked"])
    return [at for row in rows if (at := found[row.digest]) is not None]


def _settle(attempt: Attempt, now: datetime) -> list[Assigned]:
    """Return those captures whose time is over since the last look and that have ended."""
    due = list(
        ServedCapture.objects.filter(attempt=attempt, is_settled=False, due_at__lte=now)[:MOST]
    )
    ServedCapture.objects.filter(pk__in=[row.pk for row in due]).update(is_settled=True)
    return [Assigned(row.on_treatment, row.share) for row in due if row.run_id is not None]


def _compare(
    attempt: Attempt,
    steps: Mapping[int, str],
    since: datetime,
    builds: _Builds,
    reach: _Reach,
) -> list[Compared]:
    """Mark the first comparison of each capture."""
    shadows = list(
        Shadow.objects.filter(
            finished_at__gte=since,
            state=ShadowState.DONE,
            policy_version__in=list(steps),
            outcome__in=(ShadowOutcome.MATCHED, ShadowOutcome.MISMATCHED),
        )
        .exclude(_marked(ComparedCapture, attempt, "digest"))
        .order_by("finished_at", "pk")
        .defer("report")[:MOST]
    )
    reach.note([shadow.finished_at for shadow in shadows])
    first: dict[str, Shadow] = {}
    for shadow in shadows:
        versions = ((CONTROL, shadow.control_version), (TREATMENT, shadow.treatment_version))
        if all(builds.is_ours(*each) for each in versions):
            first.setdefault(shadow.digest, shadow)
    ComparedCapture.objects.bulk_create(
        ComparedCapture(attempt=attempt, digest=digest, shadow=shadow)
        for digest, shadow in first.items()
    )
    return [_pair(shadow) for shadow in first.values()]


def _uncounted_leaks(attempt: Attempt, steps: Mapping[int, str], since: datetime) -> list[datetime]:
    """Mark leaks of comparisons that count for nothing else: of a new build, or not the first.

    A leak is no statistics: it counts whoever makes it, once for each capture.
    """
    leaking = {"state": ShadowState.DONE, "leak": LeakState.CONFIRMED}
    shadows = Shadow.objects.filter(
        finished_at__gte=since, policy_version__in=list(steps), **leaking
    ).exclude(_marked(ComparedCapture, attempt, "digest", shadow__leak=LeakState.CONFIRMED))
    found = {shadow.digest: shadow for shadow in shadows.defer("report")[:MOST]}
    for digest, shadow in found.items():
        ComparedCapture.objects.update_or_create(
            attempt=attempt, digest=digest, defaults={"shadow": shadow}
        )
    return [at for shadow in found.values() if (at := shadow.finished_at) is not None]


def _pair(shadow: Shadow) -> Compared:
    assert shadow.finished_at is not None  # it is asked for
    return Compared(
        mismatched=shadow.outcome == ShadowOutcome.MISMATCHED,
        control_failed=bool(shadow.control_failure),
        treatment_failed=bool(shadow.treatment_failure),
        control_ms=shadow.control_ms,
        treatment_ms=shadow.treatment_ms,
        leaked=shadow.leak == LeakState.CONFIRMED,
        at=shadow.finished_at,
    )


def control_runs(attempt: Attempt) -> QuerySet[TrimRun]:
    """Return control's counted runs that have a result."""
    counted = ServedCapture.objects.filter(attempt=attempt, on_treatment=False, run__isnull=False)
    return TrimRun.objects.filter(pk__in=counted.values("run"), duration_ms__isnull=False)


def control_times(attempt: Attempt) -> list[tuple[int, float]]:
    """Return sizes in bytes and times in ms of control's newest runs, at most MOST_TIMES."""
    rows = control_runs(attempt).order_by("-finished_at")
    return [
        (size, duration or 0.0)
        for size, duration in rows.values_list("input_bytes", "duration_ms")[:MOST_TIMES]
    ]
