"""What samples and health reports would say: simulated facts, judged by the real rules of health.

Served runs are noted as they end.  The monitor makes a report each minute; here one is made where
something is decided by it, see ``may_fail``.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

from migration.choices import PhaseName
from migration.conf import HOUR, RolloutLimits
from migration.gates.conditions import CAUSED
from migration.gates.evidence import Health
from migration.gates.tally import ArmCount, Served, Tally
from migration.simulation.ended import Ended
from monitoring.choices import Verdict
from monitoring.conf import HealthSettings, Targets
from monitoring.health.facts import GAUGES, limits_of
from monitoring.health.findings import overall
from monitoring.health.inputs import ArmFacts, Facts
from monitoring.health.rules import BURN_WINDOWS, HARM_LIMIT, LOST_THROUGHPUT, judge
from trimming.conf import RoutingSettings

SETTINGS: Final = HealthSettings()
LIMITS: Final = limits_of(SETTINGS, Targets())
BREAKER: Final = RoutingSettings()
WINDOW_SECONDS: Final = 60 * SETTINGS.window_minutes
CRITICAL_MESSAGE_MS: Final = 2 * LIMITS.message_p95_ms
# a sample comes every few seconds for as long as the service lives
SAMPLE_AGE_SECONDS: Final = 2.0
# the newest runs that the overall rate of failures is of, and how old they may be
RECENT_TIMES: Final = 2
RECENT_SECONDS: Final = HOUR
IDLE_CPU_PERCENT: Final = 20.0
BUSY_CPU_PERCENT: Final = 98.0
WELL: Final = Health(1.0, SAMPLE_AGE_SECONDS)
# only these phases wait for a score; in the others it counts when something fails
SCORED: Final = (PhaseName.GRADUAL, PhaseName.FULL)


class ArmLog:
    """The served runs of one arm as they ended: seconds since the start, and ms for a message."""

    def __init__(self) -> None:
        self.ended: list[float] = []
        self.failed: list[float] = []
        self.succeeded: list[float] = []
        self.message_ms: list[float] = []
        # bytes and ms of all that succeeded until then
        self.worked: list[tuple[int, float]] = [(0, 0.0)]

    def note(self, run: Served, at: float, message_ms: float) -> None:
        """Add a run; runs come in the order in which they end."""
        self.ended.append(at)
        if run.duration_ms is None:
            self.failed.append(at)
            return
        self.succeeded.append(at)
        self.message_ms.append(message_ms)
        size, ms = self.worked[-1]
        self.worked.append((size + run.size_bytes, ms + run.duration_ms))

    def count(self, since: float) -> ArmCount:
        """Return the runs that ended after ``since``."""
        return ArmCount(_after(self.ended, since), _after(self.failed, since))

    def p95_ms(self, since: float) -> float | None:
        """Return the p95 of the times for a message after ``since``; None without any."""
        found = sorted(self.message_ms[bisect_right(self.succeeded, since) :])
        return found[math.floor(0.95 * (len(found) - 1))] if found else None

    def work(self, since: float) -> tuple[int, float]:
        """Return the bytes trimmed after ``since``, and the ms that it took."""
        before = self.worked[bisect_right(self.succeeded, since)]
        size, ms = self.worked[-1]
        return size - before[0], ms - before[1]

    def slow_since(self, since: float, limit_ms: float) -> float | None:
        """Return since when all runs took ``limit_ms`` and more for a message; None: not now."""
        found = None
        for at, each in zip(reversed(self.succeeded), reversed(self.message_ms), strict=True):
            if at <= since or each < limit_ms:
                break
            found = at
        return found


def _after(times: list[float], since: float) -> int:
    return len(times) - bisect_right(times, since)


class Surroundings:
    """What is known of the service around the rollout."""

    def __init__(self, limits: RolloutLimits) -> None:
        self._limits = limits
        self.control, self.treatment = ArmLog(), ArmLog()
        self.baseline_bytes_per_second: float | None = None

    def note(self, batch: Iterable[Ended]) -> None:
        """Add served runs, in the order in which they end."""
        for each in batch:
            if each.run is not None and not each.run.odd:
                log = self.treatment if each.on_treatment else self.control
                log.note(each.run, each.at, each.message_ms)

    def recent(self, now: float) -> ArmCount:
        """Return the newest runs of both arms."""
        counts = [log.count(now - RECENT_SECONDS) for log in (self.control, self.treatment)]
        ended, failed = (sum(each) for each in zip(*counts, strict=True))
        most = RECENT_TIMES * self._limits.error_rate_runs
        if ended <= most:
            return ArmCount(ended, failed)
        newest = sorted(self.control.ended[-most:] + self.treatment.ended[-most:])[-most]
        failures = (self.control.failed, self.treatment.failed)
        return ArmCount(most, sum(len(each) - bisect_left(each, newest) for each in failures))

    def critical_seconds(self, now: float, calm_since: float = 0.0) -> Mapping[str, float]:
        """Return for how long latency has been critical on treatment, and not on control.

        ``calm_since``: when the machine was busy the last time.
        """
        horizon = max(now - 2 * self._limits.critical_hold_seconds, calm_since)
        since = self.treatment.slow_since(horizon, CRITICAL_MESSAGE_MS)
        if since is None:
            return {}
        control = self.control.p95_ms(since)
        if control is not None and control > CRITICAL_MESSAGE_MS:
            return {}
        return {"latency": self.treatment.succeeded[-1] - since}

    def health(self, now: float, phase: PhaseName, tally: Tally, *, is_busy: bool) -> Health:
        """Return the report that would be made now."""
        if phase is PhaseName.BASELINE:
            return WELL
        if not (is_busy or phase in SCORED or self.may_fail(now, tally)):
            return WELL
        findings = judge(self._facts(now, tally, is_busy=is_busy), LIMITS)
        score = overall(findings).score
        failing = tuple(each.dimension.value for each in findings if each.verdict is Verdict.FAIL)
        is_low = score is not None and score < self._limits.health_low
        # a dimension that fails holds the score below the floor, where one report is enough
        return Health(score, 0.0, failing, int(is_low and bool(CAUSED & set(failing))))

    def may_fail(self, now: float, tally: Tally) -> bool:
        """Tell whether a dimension could fail: a rate, a breaker, a burn rate, or evidence."""
        if self.breakers_open(now) or _most_log_e(tally) >= math.log(HARM_LIMIT):
            return True
        control, treatment = (
            log.count(now - WINDOW_SECONDS) for log in (self.control, self.treatment)
        )
        failed = control.failed + treatment.failed
        return (
            failed >= LIMITS.error_rate[1] * (control.finished + treatment.finished) > 0
            or treatment.failed >= LIMITS.fallback_rate[1] * treatment.finished > 0
            or self._burn(now, 1800)[0] >= LIMITS.least_failures
            or self._is_throughput_lost(now)
        )

    def _is_throughput_lost(self, now: float) -> bool:
        baseline, found = self.baseline_bytes_per_second, self._bytes_per_second(now)
        return bool(baseline and found) and (found or 0) <= (1 - LOST_THROUGHPUT[1]) * (
            baseline or 0
        )

    def _bytes_per_second(self, now: float) -> float | None:
        since = now - WINDOW_SECONDS
        size, ms = map(sum, zip(self.control.work(since), self.treatment.work(since), strict=True))
        return 1000 * size / ms if ms else None

    def breakers_open(self, now: float) -> int:
        """Return 1 while so many failures of treatment are recent that it gets no more work.

        Only reports see it: captures still go to treatment, which is the worse case.
        """
        recent = _after(self.treatment.failed, now - BREAKER.breaker_window_seconds)
        return int(recent >= BREAKER.breaker_failures)

    def _burn(self, now: float, seconds: float) -> tuple[int, int]:
        counts = [log.count(now - seconds) for log in (self.control, self.treatment)]
        return sum(each.failed for each in counts), sum(each.finished for each in counts)

    def _facts(self, now: float, tally: Tally, *, is_busy: bool) -> Facts:
        since = now - WINDOW_SECONDS
        arms = []
        for name, log in (("legacy", self.control), ("scanning", self.treatment)):
            count = log.count(since)
            succeeded = count.finished - count.failed
            arms.append(ArmFacts(name, succeeded, count.failed, log.p95_ms(since)))
        control, treatment = arms
        return Facts(
            age_seconds=SAMPLE_AGE_SECONDS,
            window_seconds=WINDOW_SECONDS,
            ages=dict.fromkeys(GAUGES, SAMPLE_AGE_SECONDS),
            control=control,
            treatment=treatment,
            fallbacks=treatment.failed,
            breakers_open=self.breakers_open(now),
            harm_e=_e(tally.errors.log_e) if tally.assigned.shared else None,
            pairs=tally.paired.slower + tally.paired.not_slower,
            slower_e=_e(tally.paired.log_e),
            baseline_bytes_per_second=self.baseline_bytes_per_second,
            bytes_per_second=self._bytes_per_second(now),
            cpu_percent=BUSY_CPU_PERCENT if is_busy else IDLE_CPU_PERCENT,
            memory_percent=0.0,
            disk_percent=0.0,
            worker_rss_bytes=0.0,
            oldest_waiting_seconds=0.0,
            workers_answer=True,
            finished=control.succeeded + treatment.succeeded,
            burns={seconds: self._burn(now, seconds) for seconds in BURN_WINDOWS},
        )


def _most_log_e(tally: Tally) -> float:
    return max(tally.errors.max_log_e, tally.paired.max_log_e)


def _e(log_e: float) -> float:
    return math.exp(min(log_e, 700.0))
