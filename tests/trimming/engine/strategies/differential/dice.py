"""Chance from a seed that remembers what it brought about.

Each case is made of a few features that come often; which ones is chosen by the seed, too.  So a
rule meets the rules next to it, and not always all others at once.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

# how much more often than usual a feature comes in one case
WEIGHTS = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 8.0)
# and how wild a case is as a whole
WILDNESS = (0.2, 0.5, 1.0, 1.5)
MOST_LIKELY = 0.9


class Dice(random.Random):
    """A generator of random numbers with named events; ``features`` are those that came true."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.features: set[str] = set()
        self._weights: dict[str, float] = {}
        self._wildness = self.choice(WILDNESS)

    def hits(self, feature: str, probability: float) -> bool:
        """Whether a named event happens; over all seeds about as often as ``probability``."""
        if feature not in self._weights:
            self._weights[feature] = self.choice(WEIGHTS) * self._wildness
        chance = min(MOST_LIKELY, probability * self._weights[feature])
        if self.random() >= chance:
            return False
        self.features.add(feature)
        return True

    def named(self, choices: Mapping[str, T]) -> T:
        """Return one of several things, and remember its name."""
        name = self.choice(list(choices))
        self.features.add(name)
        return choices[name]

    def note(self, feature: str) -> None:
        """Remember something that was decided otherwise."""
        self.features.add(feature)
