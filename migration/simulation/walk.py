"""One rollout from its start to its end, over simulated traffic and by a simulated clock.

What ends is folded into the tally, ``decide`` says what follows, and the table of moves is applied
in memory.  Harm is looked for after whatever can newly make a rule of harm fail, and at ticks;
everything else moves at ticks.  In between no rule of harm can change its mind: evidence grows only
by what speaks against treatment.  So it is the same as a look after every run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from migration.choices import Move, PhaseName, RolloutState
from migration.conf import DAY
from migration.decision import Decision, Situation, decide
from migration.gates.conditions import LEAST_OF
from migration.gates.evidence import Cleanup, Evidence
from migration.gates.tally import Assigned, Baseline, Tally, slow_limits
from migration.moves import ACTIVE
from migration.simulation.ended import Ended, moment
from migration.simulation.exposure import Exposure
from migration.simulation.facts import SAMPLE_AGE_SECONDS, WELL, Surroundings
from migration.simulation.plan import Disturbance, Fault, Plan
from migration.simulation.result import Outcome
from migration.simulation.rivals import Watcher
from migration.simulation.rollout import BACK, SimulatedRollout
from migration.simulation.stream import Stream
from migration.simulation.traffic import draw

# what no rollback can be blamed on
HARMLESS = (Fault.NONE, Fault.MISMATCH, Fault.NO_DATA)


def simulate(
    plan: Plan, watchers: Sequence[Watcher] = (), is_over: Callable[[], bool] = lambda: False
) -> Outcome:
    """Return what comes of a plan; ``watchers`` are told of all that ends.

    ``is_over``, asked at each tick, ends it early.
    """
    return Walk(plan, watchers).run(is_over)


class Walk:
    """A rollout, its traffic and its evidence.  Times are in seconds since the start."""

    def __init__(self, plan: Plan, watchers: Sequence[Watcher] = ()) -> None:
        self._plan, self._watchers = plan, watchers
        self._now = 0.0
        self._rollout = SimulatedRollout(plan)
        self._stream = Stream(draw(plan), plan, self._rollout.policy)
        self._tally = self._decided_on = Tally()
        self._around = Surroundings(plan.limits)
        self._exposure = Exposure()
        self._health = WELL
        self._critical: Mapping[str, float] = {}
        self._is_tense = False
        self._legacy_used = 0.0
        self._control_times: list[tuple[int, float]] = []
        self._last = Decision(None, "", ())

    def run(self, is_over: Callable[[], bool] = lambda: False) -> Outcome:
        """Walk to the end, or until ``is_over`` at a tick; call it once."""
        self._apply(Decision(Move.START, "", ()))
        rollout, plan = self._rollout, self._plan
        while rollout.state in ACTIVE and self._is_worth_going_on() and not is_over():
            tick = (self._now // plan.tick_seconds + 1) * plan.tick_seconds
            if not self._pass_to(tick):
                self._tick()
        if rollout.state in ACTIVE:
            self._report()
            self._last = decide(self._situation())
        ended_at = self._now
        if rollout.state is RolloutState.ROLLED_BACK:
            self._drain(ended_at + plan.after_seconds)
        return self._outcome(ended_at)

    def _is_worth_going_on(self) -> bool:
        over = self._now - self._rollout.step_since - self._least_seconds()
        return self._now < self._plan.most_seconds and over < self._plan.patience_seconds

    def _pass_to(self, tick: float) -> bool:
        """Take in what ends until ``tick``; True when harm ended the rollout on the way."""
        is_each = self._plan.is_every_run_looked_at
        while batch := self._stream.take(tick, is_single=self._is_tense or is_each):
            newest = batch[-1]
            self._now = newest.at
            self._note(batch)
            before, self._tally = self._tally, self._folded(batch)
            if newest.matters or self._is_tense or is_each:
                is_due = self._must_decide(before, is_reported=newest.matters)
                if is_due and self._has_harm(is_reported=newest.matters):
                    return True
        self._now = tick
        return False

    def _drain(self, until: float) -> None:
        """See what still ends after a rollback, when nothing is decided any more."""
        while batch := self._stream.take(until):
            self._exposure.note(batch, is_faulty=False)

    def _note(self, batch: Sequence[Ended]) -> None:
        self._around.note(batch)
        self._exposure.note(batch, is_faulty=self._rollout.policy.is_faulty)
        for watcher in self._watchers:
            watcher.saw(batch)
        newest, limits = batch[-1], self._plan.limits
        if newest.matters or self._is_tense:
            failed = self._around.recent(newest.at).failed
            self._is_tense = failed >= limits.error_rate * limits.error_rate_runs
        if self._rollout.number == 1:
            self._control_times += [
                (each.run.size_bytes, each.run.duration_ms)
                for each in batch
                if each.run is not None and each.run.duration_ms is not None
            ]
        elif self._plan.is_fallback_use and newest.run and newest.run.failed:
            self._legacy_used = newest.at

    def _folded(self, batch: Sequence[Ended]) -> Tally:
        if not batch:
            return self._tally
        shared = [
            Assigned(each.on_treatment, each.share)
            for each in batch
            if not each.pair and 0 < each.share < 1
        ]
        runs = [each.run for each in batch if each.run is not None]
        pairs = [each.pair for each in batch if each.pair is not None]
        tally = self._tally.serve(runs, self._rollout.baseline)
        tally = tally.compare(pairs, self._plan.limits.slower_by)
        if shared:  # all end within their deadline, so those that were given are those that ended
            tally = tally.share_out(shared, shared)
        for each in batch:
            if each.is_refused:
                tally = tally.leak(moment(each.at))
        return tally

    def _least_seconds(self) -> float:
        return float(getattr(self._plan.limits, LEAST_OF[self._rollout.phase.name][0]))

    def _must_decide(self, before: Tally, *, is_reported: bool) -> bool:
        """Tell whether a rule of harm could have failed since the tally was ``before``."""
        return (
            self._plan.is_every_run_looked_at
            or self._is_tense
            or has_worsened(before, self._tally)
            or self._is_busy()
            or (is_reported and self._around.may_fail(self._now, self._tally))
        )

    def _has_harm(self, *, is_reported: bool) -> bool:
        """Decide between ticks, where only harm moves a rollout; True when it did."""
        if is_reported:
            self._report()
        decision = self._decide()
        if decision.move not in BACK:
            return False
        self._apply(decision)
        return True

    def _tick(self) -> None:
        """Take a sample, let the approver look, make a report, and decide.

        Before its least time is over a rollout that no rule of harm speaks against stands still.
        """
        self._renew()
        for watcher in self._watchers:
            watcher.tick(self._now)
        self._critical = self._around.critical_seconds(self._now, self._calm_since())
        self._rollout.approve(self._now)
        before, self._decided_on = self._decided_on, self._tally
        is_dwelt = self._now - self._rollout.step_since >= self._least_seconds()
        if not (is_dwelt or self._critical or self._must_decide(before, is_reported=True)):
            return
        self._report()
        self._last = self._decide()
        if self._last.move is not None:
            self._apply(self._last)

    def _decide(self) -> Decision:
        situation = self._situation()
        decision = decide(situation)
        for watcher in self._watchers:
            watcher.decided(situation, decision)
        return decision

    def _report(self) -> None:
        phase = self._rollout.phase.name
        is_busy = self._is_busy()
        self._health = self._around.health(self._now, phase, self._tally, is_busy=is_busy)

    def _is_busy(self) -> bool:
        if self._plan.disturbance is not Disturbance.NEIGHBOUR:
            return False
        policy = self._rollout.policy
        since = np.array([self._now - policy.phase_since])
        return bool(self._plan.is_disturbed(policy.phase, since)[0])

    def _calm_since(self) -> float:
        """Return when the machine was busy the last time."""
        policy = self._rollout.policy
        return self._plan.busy_until(policy.phase, policy.phase_since, self._now)

    def _situation(self) -> Situation:
        rollout, now = self._rollout, self._now
        policy = rollout.policy
        unused_since = max(self._legacy_used, policy.phase_since)
        evidence = Evidence(
            now=moment(now),
            phase=rollout.phase.name,
            step=policy.step,
            share=policy.share,
            step_seconds=now - rollout.step_since,
            tally=self._tally,
            baseline=rollout.baseline,
            sample_age_seconds=SAMPLE_AGE_SECONDS,
            recent=self._around.recent(now),
            health=self._health,
            critical_seconds=self._critical,
            cleanup=Cleanup(
                legacy_unused_seconds=now - unused_since,
                drill_age_seconds=self._drill_age_seconds(),
                is_archived=rollout.phase.name is PhaseName.CLEANUP,
            ),
        )
        return Situation(rollout.state, self._plan.limits, evidence, rollout.request)

    def _renew(self) -> None:
        """Begin a new round of evidence where one is due."""
        step, every = self._rollout.policy.step, self._plan.limits.evidence_seconds
        self._tally = self._tally.renewed(step, moment(self._now), every)

    def _drill_age_seconds(self) -> float | None:
        """Return the age of the newest drill: one passes every so many days."""
        every = self._plan.drill_days * DAY
        return self._now % every if self._now >= every else None

    def _apply(self, decision: Decision) -> None:
        rollout = self._rollout
        if decision.move is Move.FREEZE:
            rollout.baseline = self._frozen()
            self._around.baseline_bytes_per_second = rollout.baseline.bytes_per_second
            self._tally = self._tally.with_baseline(rollout.baseline)
        if rollout.apply(decision, self._now):
            self._renew()
            self._stream.share_out(rollout.policy, rollout.baseline, self._now)
            self._exposure.epoch = rollout.policy.epoch
        self._last = decision

    def _frozen(self) -> Baseline:
        control = self._tally.of_step(self._rollout.policy.step).control
        times = self._control_times
        slow, alone = slow_limits(times, self._plan.limits.slow_limit_runs)
        worked = sum(ms for _, ms in times) / 1000
        return Baseline(
            frozen_at=moment(self._now),
            runs=control.finished,
            failed=control.failed,
            slow=slow,
            slow_alone=alone,
            bytes_per_second=sum(size for size, _ in times) / worked if worked else None,
        )

    def _outcome(self, ended_at: float) -> Outcome:
        rollout, exposure = self._rollout, self._exposure
        shown = exposure.first_shown
        is_back = rollout.state is RolloutState.ROLLED_BACK
        is_found = is_back and shown is not None and self._plan.fault not in HARMLESS
        return Outcome(
            plan=self._plan,
            state=rollout.state,
            phases=tuple(rollout.phases),
            decisions=tuple(rollout.moves),
            seconds=ended_at,
            rule=self._last.rule if is_back else "",
            held_by=self._last.rule if rollout.state in ACTIVE else "",
            detection_seconds=ended_at - shown if is_found and shown is not None else None,
            detection_runs=exposure.runs_since_shown if is_found else None,
            is_false_alarm=is_back and not is_found,
            treatment_runs=exposure.published,
            exposed_runs=exposure.published_faulty,
            leaked_runs=exposure.published_leaks,
            treatment_discarded=exposure.discarded,
            treatment_published_after_rollback=exposure.published_after_rollback,
        )


def has_worsened(before: Tally, after: Tally) -> bool:
    """Tell whether there is more evidence of harm than ever before, or one more leak."""
    if after.evidence_round != before.evidence_round:
        return True
    for name in ("errors", "slow", "discordant", "paired", "errors_alone"):
        earlier, later = getattr(before, name), getattr(after, name)
        if later is not None and (earlier is None or later.max_log_e > earlier.max_log_e):
            return True
    return after.most_in_a_row > before.most_in_a_row or after.leaks > before.leaks
