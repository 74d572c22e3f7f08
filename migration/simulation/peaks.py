"""How near the rules of harm ever came: what other limits would have done in the same rollout."""

from __future__ import annotations

import math
from typing import Final

from migration.decision import Decision, Situation
from migration.gates.harm import CHANCE_RULES
from migration.simulation.rivals import Watcher

PROCESSES: Final = ("errors", "slow", "discordant", "paired", "errors_alone")


class Peaks(Watcher):
    """Notes the least ``alpha`` at which each process would have fired, and failures in a row."""

    def __init__(self) -> None:
        self.alpha = dict.fromkeys(PROCESSES, math.inf)
        self.in_a_row = 0

    def decided(self, situation: Situation, decision: Decision) -> None:
        """Take note."""
        tally = situation.evidence.tally
        for name in PROCESSES:
            process = getattr(tally, name)
            if process is not None:
                alpha = CHANCE_RULES / tally.round_weight * math.exp(-process.max_log_e)
                self.alpha[name] = min(alpha, self.alpha[name])
        self.in_a_row = max(self.in_a_row, tally.most_in_a_row)
