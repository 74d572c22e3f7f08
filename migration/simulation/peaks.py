"""How near the rules of harm ever came: what other limits would have done in the same rollout."""

from __future__ import annotations

import math
from typing import Final

from migration.choices import GateVerdict, RuleKind
from migration.decision import Decision, Situation
from migration.gates.harm import CHANCE_RULES
from migration.simulation.rivals import Watcher

PROCESSES: Final = ("errors", "slow", "discordant", "paired", "errors_alone")


class Peaks(Watcher):
    """Notes the least ``alpha`` at which each process would have fired, and failures in a row.

    ``first_harm`` is the first rule of harm that failed, with an effect or without: what would have
    rolled back.
    """

    def __init__(self) -> None:
        self.alpha = dict.fromkeys(PROCESSES, math.inf)
        self.in_a_row = 0
        self.first_harm = ""

    def decided(self, situation: Situation, decision: Decision) -> None:
        """Take note."""
        tally = situation.evidence.tally
        for name in PROCESSES:
            process = getattr(tally, name)
            if process is not None:
                alpha = CHANCE_RULES / tally.round_weight * math.exp(-process.max_log_e)
                self.alpha[name] = min(alpha, self.alpha[name])
        self.in_a_row = max(self.in_a_row, tally.most_in_a_row)
        self.first_harm = self.first_harm or next(
            (
                each.rule
                for each in decision.results
                if each.kind is RuleKind.HARM and each.verdict is GateVerdict.FAILED
            ),
            "",
        )
