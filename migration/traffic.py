"""How fast evidence comes.  Pure, and light: pages load it when a process starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# rules whose number needed comes from comparisons; that of others from runs of scanning
OF_PAIRS: Final = frozenset({"mismatch"})
# in phase 1 nothing is run on scanning but to compare
OF_PAIRS_IN_BASELINE: Final = OF_PAIRS | {"enough"}


@dataclass(frozen=True, slots=True)
class Traffic:
    """How fast evidence comes, in captures a second; 0 where nothing was seen.

    ``captures`` are all, of both arms.  ``held_up``: so many comparisons wait and none begins.
    """

    captures: float
    runs: float
    pairs: float
    held_up: int = 0
    of_pairs: frozenset[str] = OF_PAIRS

    def of(self, rule: str) -> float:
        """Return how fast what a rule needs comes."""
        return self.pairs if rule in self.of_pairs else self.runs

    def held_up_of(self, rule: str) -> int:
        """Return how many comparisons wait that a rule needs, while none begins."""
        return self.held_up if rule in self.of_pairs else 0
