"""What was counted in one attempt, and how facts are added to it.  Pure.

The unit is the distinct capture: whoever folds facts hands in each capture once (its first finished
run, its first comparison).  Facts that belong to one look are folded together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Final, NamedTuple

from pydantic import ConfigDict

from monitoring.metrics.histograms import Histogram, merge, of_values
from monitoring.statistics import (
    RISK_RATIO,
    SLOW_QUANTILE,
    BaselineRateProcess,
    ErrorRateProcess,
    Failures,
    MismatchBound,
    PairedLatencyProcess,
    SampleRatio,
    SlowLimits,
    baseline_limit,
    is_slow,
    is_slower,
)

# chance of a run of control to be slow, times what is still no harm
SLOW_P0: Final = RISK_RATIO * (1 - SLOW_QUANTILE)
LEAST_PER_SIZE: Final = 100
# as many failures in a row as a limit may ask for; more say nothing more
LONGEST_ROW: Final = 1000
# 1/1 + 1/4 + 1/9 + ... times this is 1
ROUND_WEIGHTS: Final = 6 / math.pi**2
# a stored value that nobody knows is refused: evidence is not lost without a word
STRICT: Final = ConfigDict(extra="forbid")


class Served(NamedTuple):
    """The first finished run of a capture, by its *assigned* arm.

    ``share`` is the chance with which it was given to treatment.  ``failed``: the strategy of the
    arm failed on it, whoever served it in the end.  ``duration_ms`` is None without a result.
    ``misplaced``: treatment ran it, though it was assigned to control.  ``odd``: verification
    refuses what control makes of it (as well), which tells nothing of either.
    """

    on_treatment: bool
    share: float
    step: str
    failed: bool
    size_bytes: int
    duration_ms: float | None
    at: datetime
    misplaced: bool = False
    odd: bool = False


class Compared(NamedTuple):
    """The first comparison of a capture; times in ms, None where a strategy came to no end."""

    mismatched: bool
    control_failed: bool
    treatment_failed: bool
    control_ms: float | None
    treatment_ms: float | None
    leaked: bool
    at: datetime


class Assigned(NamedTuple):
    """A capture that was given to an arm, or one of those whose deadline is over and that ended.

    ``misplaced``: to another arm than the one that its digest draws.
    """

    on_treatment: bool
    share: float
    misplaced: bool = False


class ArmCount(NamedTuple):
    """Captures of one arm that were finished, and those of them on which it failed."""

    finished: int = 0
    failed: int = 0

    @property
    def rate(self) -> float:
        """The share of failures; 0 without runs."""
        return self.failed / self.finished if self.finished else 0.0


class StepCount(NamedTuple):
    """Both arms in one step of a phase."""

    control: ArmCount = ArmCount()
    treatment: ArmCount = ArmCount()

    @property
    def both(self) -> ArmCount:
        """Both arms together."""
        return ArmCount(*(mine + other for mine, other in zip(*self, strict=True)))


@dataclass(frozen=True, slots=True)
class Baseline:
    """What control was like in phase 1, frozen.  Resources are means; None where nothing is known.

    ``slow`` are limits for comparing arms, ``slow_alone`` those of sizes with so many runs that
    they also hold where there is no control.
    """

    __pydantic_config__: ClassVar = STRICT

    frozen_at: datetime
    runs: int
    failed: int
    slow: SlowLimits
    slow_alone: SlowLimits
    bytes_per_second: float | None = None
    cpu_percent: float | None = None
    worker_rss_bytes: float | None = None

    @property
    def error_limit(self) -> float:
        """The rate of failures that is no harm yet, rule (a')."""
        return baseline_limit(self.failed, self.runs)


def slow_limits(
    times: Iterable[tuple[int, float]], alone_runs: int
) -> tuple[SlowLimits, SlowLimits]:
    """Return limits of slow runs from sizes in bytes and times in ms: see Baseline."""
    found = list(times)
    return SlowLimits.freeze(found, LEAST_PER_SIZE), SlowLimits.freeze(found, alone_runs)


@dataclass(frozen=True, slots=True)
class Tally:
    """Everything that was counted since the attempt began, as the processes of the rules keep it.

    ``in_a_row`` counts the newest runs of treatment that failed, one after the other, and
    ``most_in_a_row`` is the most that it ever was: a look may come late.  A success that ended
    before them and was committed behind them does not end the row: it goes by when runs ended.

    Evidence of harm is of one round, from 1 on, which began in ``round_step`` at ``round_since``:
    what was good for long would hide what turns bad (see ``renewed``).
    """

    __pydantic_config__: ClassVar = STRICT

    errors: ErrorRateProcess = field(default_factory=ErrorRateProcess)
    slow: ErrorRateProcess = field(default_factory=ErrorRateProcess)
    discordant: ErrorRateProcess = field(default_factory=ErrorRateProcess)
    paired: PairedLatencyProcess = field(default_factory=PairedLatencyProcess)
    errors_alone: BaselineRateProcess | None = None
    slow_alone: BaselineRateProcess | None = None
    assigned: SampleRatio = field(default_factory=SampleRatio)
    completed: SampleRatio = field(default_factory=SampleRatio)
    steps: Mapping[str, StepCount] = field(default_factory=dict)
    # when the newest runs of treatment failed that ended since its last success, which was at
    # ``succeeded_at``
    row: tuple[datetime, ...] = ()
    succeeded_at: datetime | None = None
    most_in_a_row: int = 0
    matched: int = 0
    mismatched: int = 0
    # of treatment's time to control's, over pairs
    ratios: Histogram = field(default_factory=Histogram)
    pairs_control_failed: int = 0
    # captures that are on another arm than they should be
    misplaced: int = 0
    # captures that verification refuses whoever makes the output
    odd: int = 0
    leaks: int = 0
    last_leak_at: datetime | None = None
    evidence_round: int = 1
    round_step: str = ""
    round_since: datetime | None = None

    @property
    def in_a_row(self) -> int:
        """How many of the newest runs of treatment failed."""
        return len(self.row)

    @property
    def pairs(self) -> int:
        """Comparisons in which both strategies came to an answer."""
        return self.matched + self.mismatched

    def mismatch_bound(self, budget: float, imported: int = 0) -> MismatchBound:
        """Return rule (c) over the comparisons, and ``imported`` ones that matched elsewhere."""
        return MismatchBound(budget).update(
            matched=self.matched + imported, mismatched=self.mismatched
        )

    def with_baseline(self, baseline: Baseline) -> Tally:
        """Return the tally with the processes that go by ``baseline``, rules (a')."""
        return replace(
            self,
            errors_alone=BaselineRateProcess(baseline.error_limit),
            slow_alone=BaselineRateProcess(SLOW_P0),
        )

    @property
    def round_weight(self) -> float:
        """The part of alpha that belongs to the present round; over all rounds it sums to 1."""
        return ROUND_WEIGHTS / self.evidence_round**2

    def renewed(self, step: str, now: datetime, every_seconds: float) -> Tally:
        """Begin a new round of evidence with a new step, and so often within one.

        Counts stay.  Each round has its own part of alpha, so that no round is for nothing.
        """
        if self.round_since is None:
            return replace(self, round_step=step, round_since=now)
        if step == self.round_step and (now - self.round_since).total_seconds() < every_seconds:
            return self
        alone, slow_alone = self.errors_alone, self.slow_alone
        return replace(
            self,
            errors=ErrorRateProcess(),
            slow=ErrorRateProcess(),
            discordant=ErrorRateProcess(),
            paired=PairedLatencyProcess(),
            errors_alone=alone and BaselineRateProcess(alone.p0),
            slow_alone=slow_alone and BaselineRateProcess(slow_alone.p0),
            evidence_round=self.evidence_round + 1,
            round_step=step,
            round_since=now,
        )

    def serve(self, runs: Iterable[Served], baseline: Baseline | None) -> Tally:
        """Add runs, in the order in which they ended; odd captures are counted and tell nothing."""
        ended = list(runs)
        if not ended:
            return self
        found = [each for each in ended if not each.odd]
        between = [each for each in found if 0 < each.share < 1]
        alone = [each for each in found if each.share >= 1 and each.on_treatment]
        errors, slow = self.errors, self.slow
        failures = [each for each in between if each.failed]
        if failures:
            errors = errors.update_all(Failures(each.share, each.on_treatment) for each in failures)
        slow_runs = [each for each in between if baseline and _is_slow(each, baseline.slow)]
        if slow_runs:
            slow = slow.update_all(Failures(each.share, each.on_treatment) for each in slow_runs)
        row, succeeded_at, most = self.row, self.succeeded_at, self.most_in_a_row
        for each in found:
            if each.on_treatment:
                row, succeeded_at = _in_a_row(row, succeeded_at, each)
                most = max(most, len(row))
        return replace(
            self,
            errors=errors,
            slow=slow,
            errors_alone=_alone(self.errors_alone, [each.failed for each in alone]),
            slow_alone=_alone(
                self.slow_alone,
                [
                    is_it
                    for each in alone
                    if baseline and (is_it := _is_slow(each, baseline.slow_alone)) is not None
                ],
            ),
            steps=_counted(self.steps, found),
            misplaced=self.misplaced + sum(each.misplaced for each in ended),
            odd=self.odd + len(ended) - len(found),
            row=row,
            succeeded_at=succeeded_at,
            most_in_a_row=most,
        )

    def compare(self, pairs: Iterable[Compared], slower_by: float) -> Tally:
        """Add comparisons, in the order in which they ended."""
        found = list(pairs)
        if not found:
            return self
        timed = [
            (each.treatment_ms, each.control_ms)
            for each in found
            if each.treatment_ms is not None and each.control_ms is not None
        ]
        slower = sum(is_slower(treatment, control, slower_by) for treatment, control in timed)
        discordant = [each for each in found if each.control_failed != each.treatment_failed]
        # where a strategy came to no answer there is none to differ: rule (a) judges its failure
        answered = [each for each in found if not (each.control_failed or each.treatment_failed)]
        mismatched = sum(each.mismatched for each in answered)
        leaks = [each for each in found if each.leaked]
        ratios = of_values(treatment / control for treatment, control in timed if control > 0)
        return replace(
            self,
            discordant=(
                self.discordant.update_all(
                    Failures(0.5, each.treatment_failed) for each in discordant
                )
                if discordant
                else self.discordant
            ),
            paired=self.paired.update(slower=slower, not_slower=len(timed) - slower),
            matched=self.matched + len(answered) - mismatched,
            mismatched=self.mismatched + mismatched,
            ratios=merge((self.ratios, ratios)),
            pairs_control_failed=self.pairs_control_failed
            + sum(each.control_failed for each in found),
            leaks=self.leaks + len(leaks),
            last_leak_at=leaks[-1].at if leaks else self.last_leak_at,
        )

    def share_out(self, assigned: Iterable[Assigned], completed: Iterable[Assigned]) -> Tally:
        """Add captures that were given to an arm, and such whose time is over and that ended."""
        given = list(assigned)
        return replace(
            self,
            misplaced=self.misplaced + sum(each.misplaced for each in given),
            assigned=_shared(self.assigned, given),
            completed=_shared(self.completed, completed),
        )

    def leak(self, at: datetime) -> Tally:
        """Add a leak that verification found in what treatment made."""
        return replace(self, leaks=self.leaks + 1, last_leak_at=at)

    def of_step(self, step: str) -> StepCount:
        """Return what was counted in one step."""
        return self.steps.get(step, StepCount())


def _is_slow(run: Served, limits: SlowLimits) -> bool | None:
    if run.duration_ms is None or not limits.p95_ms:
        return None
    return is_slow(run.duration_ms, run.size_bytes, limits)


def _in_a_row(
    row: tuple[datetime, ...], succeeded_at: datetime | None, run: Served
) -> tuple[tuple[datetime, ...], datetime | None]:
    """Return the failures since the last success, and when that was, with one more run."""
    if run.failed:
        is_newer = succeeded_at is None or run.at >= succeeded_at
        return ((*row, run.at)[-LONGEST_ROW:] if is_newer else row), succeeded_at
    last = run.at if succeeded_at is None else max(succeeded_at, run.at)
    return tuple(at for at in row if at > last), last


def _alone(process: BaselineRateProcess | None, bad: list[bool]) -> BaselineRateProcess | None:
    if process is None or not bad:
        return process
    return process.update(failed=sum(bad), succeeded=len(bad) - sum(bad))


def _counted(steps: Mapping[str, StepCount], runs: Iterable[Served]) -> Mapping[str, StepCount]:
    found = dict(steps)
    for (step, on_treatment, failed), n in Counter(
        (each.step, each.on_treatment, each.failed) for each in runs
    ).items():
        before = found.get(step, StepCount())
        count = before.treatment if on_treatment else before.control
        after = ArmCount(count.finished + n, count.failed + n * failed)
        found[step] = before._replace(**{"treatment" if on_treatment else "control": after})
    return found


def _shared(ratio: SampleRatio, captures: Iterable[Assigned]) -> SampleRatio:
    counts: dict[float, list[int]] = {}
    for each in captures:
        if 0 < each.share < 1:
            counts.setdefault(each.share, [0, 0])[each.on_treatment] += 1
    for share, (control, treatment) in counts.items():
        ratio = ratio.update(share, treatment=treatment, control=control)
    return ratio
