"""A rollout in memory: its state, its phases, the policy that it put in force.  Pure.

Moves go through the same table as those of the service.
"""

from __future__ import annotations

from typing import Final

from migration.choices import PHASES, ApprovalState, Move, PhaseName, PhaseState, RolloutState
from migration.decision import Decision, Request, expiry, step_name, step_number, steps_of
from migration.estimates import shadow_share
from migration.gates.tally import Baseline
from migration.moves import phase_after, row_of
from migration.simulation.ended import Policy, moment
from migration.simulation.plan import Fault, Plan
from migration.simulation.result import Moved, PhaseRecord

BACK: Final = frozenset({Move.ROLL_BACK, Move.FAIL})
# before the start, and after a rollback: everything goes to legacy
NOTHING: Final = Policy(0, "", 1, 0.0, 0.0, 0.0, False)


class SimulatedRollout:
    """The state of a rollout.  Times are in seconds since the start."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.state = RolloutState.DRAFT
        self.phases = [PhaseRecord(name) for name in PHASES]
        self.policy = NOTHING
        self.step_since = 0.0
        self.baseline: Baseline | None = None
        self.request: Request | None = None
        self.moves: list[Moved] = []
        self._requested = 0.0

    @property
    def number(self) -> int:
        """The number of the present phase, from 1."""
        return self.policy.phase

    @property
    def phase(self) -> PhaseRecord:
        """The present phase."""
        return self.phases[self.number - 1]

    def approve(self, now: float) -> None:
        """Grant a request that has waited for so long as the simulated approver takes."""
        request = self.request
        is_waiting = request is not None and request.state is ApprovalState.WAITING
        if request and is_waiting and now - self._requested >= self._plan.approval_seconds:
            self.request = request._replace(state=ApprovalState.APPROVED)

    def apply(self, decision: Decision, now: float) -> bool:
        """Apply a move; True when another policy is in force since.

        Raises MoveRefusedError for a move that the table lacks.
        """
        move = decision.move
        assert move is not None  # a rollout that holds is not moved
        row = row_of(move, self.state)
        phase = self.phase
        self.moves.append(
            Moved(now, phase.name, self.policy.step, move, decision.rule, decision.reason)
        )
        self.state, phase.state = row.rollout, phase_after(move, phase.state)
        if phase.state not in (PhaseState.RUNNING, PhaseState.AWAITING):
            phase.ended_seconds = now
        limits = self._plan.limits
        if move is Move.REQUEST:
            self._requested = now
            self.request = Request(ApprovalState.WAITING, expiry(limits, moment(now)))
        elif move is Move.WITHDRAW and self.request:
            self.request = self.request._replace(state=ApprovalState.WITHDRAWN)
        elif move in BACK:
            self.policy = NOTHING._replace(epoch=self.policy.epoch + 1, phase=self.number)
        elif move is Move.START or row.leads:
            self._begin(self.number + row.leads, 0, now)
        elif move is Move.STEP:
            self._begin(self.number, step_number(self.policy.step) + 1, now)
        return move in BACK or move in (Move.START, Move.STEP, Move.PROMOTE)

    def _begin(self, number: int, step: int, now: float) -> None:
        plan, limits = self._plan, self._plan.limits
        phase = self.phases[number - 1]
        if phase.began_seconds is None:
            phase.began_seconds = now
        phase.state = PhaseState.RUNNING
        share = steps_of(limits, phase.name)[step]
        phase.shares.append(share)
        self.request, self.step_since = None, now
        self.policy = Policy(
            epoch=self.policy.epoch,
            step=step_name(phase.name, step),
            phase=number,
            phase_since=phase.began_seconds,
            share=share,
            shadow_share=shadow_share(limits, PhaseName(phase.name)),
            is_faulty=plan.fault is not Fault.NONE and number >= plan.fault_phase,
        )
