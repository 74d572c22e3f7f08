"""The most that each rule of harm ever had to go by: what limits would have let pass."""

from __future__ import annotations

import math
from typing import Final

from migration.choices import GateVerdict
from migration.decision import Decision, Situation
from migration.gates.tally import Tally
from migration.simulation.rivals import Watcher

PROCESSES: Final = ("errors", "slow", "discordant", "paired", "errors_alone")


class Peaks(Watcher):
    """Notes the largest e-value of each process, and what low health could be blamed on.

    ``blame`` is the most evidence ever, ``present_blame`` the evidence at that moment, both while a
    report is so low that it would roll back together with evidence.
    """

    def __init__(self) -> None:
        self.log_e = dict.fromkeys(PROCESSES, 0.0)
        self.in_a_row = 0
        self.blame = 0.0
        self.present_blame = -math.inf

    def decided(self, situation: Situation, decision: Decision) -> None:
        """Take note."""
        tally = situation.evidence.tally
        for name in PROCESSES:
            process = getattr(tally, name)
            if process is not None:
                self.log_e[name] = max(self.log_e[name], process.max_log_e)
        self.in_a_row = max(self.in_a_row, tally.most_in_a_row)
        verdicts = {each.rule: each.verdict for each in decision.results}
        if verdicts.get("health_low") in (GateVerdict.FAILED, GateVerdict.INCONCLUSIVE):
            most, now = _evidence(tally)
            self.blame = max(self.blame, most)
            self.present_blame = max(self.present_blame, now)


def _evidence(tally: Tally) -> tuple[float, float]:
    found = [getattr(tally, name) for name in PROCESSES]
    known = [each for each in found if each is not None]
    return max(each.max_log_e for each in known), max(each.log_e for each in known)
