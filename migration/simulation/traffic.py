"""Captures and what would become of each on either strategy, drawn from a seed as arrays.  Pure.

Draws do not depend on what is decided: one seed is the same traffic whatever the rollout does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from migration.conf import HOUR
from migration.simulation.plan import Floats, Plan

BUCKETS: Final = 10_000
MEDIAN_BYTES: Final = 200_000.0
BYTES_SPREAD: Final = 1.2
BYTES_PER_MESSAGE: Final = 20_000.0
CONTROL_MESSAGE_MS: Final = 50.0
# standard deviation of the logarithm of one time: 0.30 for the ratio of two, as in docs/statistics
TIME_SPREAD: Final = 0.21


@dataclass(frozen=True, slots=True)
class Tries:
    """One run on each strategy for each capture: factors of its time, and chances to fail."""

    control_factor: Floats
    treatment_factor: Floats
    control_fails: Floats
    treatment_fails: Floats


@dataclass(frozen=True, slots=True)
class Captures:
    """All captures in the order in which they come.  ``arrived``: seconds since the start.

    ``bucket`` is the place in the shares, from 0 to 1; ``compares``, ``differs``, ``breaks``,
    ``hides`` and ``is_rubbish`` are chances that are held against rates: to be compared, to differ
    without a fault, to be hit by the fault, to leak unseen by verification, to be no capture or one
    that is made to be refused.
    """

    arrived: Floats
    size_bytes: Floats
    messages: Floats
    bucket: Floats
    compares: Floats
    differs: Floats
    breaks: Floats
    hides: Floats
    is_rubbish: Floats
    served: Tries
    compared: Tries


def draw(plan: Plan) -> Captures:
    """Return the captures of a plan, up to its last moment."""
    source = np.random.default_rng(plan.seed)
    mean = plan.most_seconds * plan.captures_per_hour / HOUR
    n = math.ceil(mean + 6 * math.sqrt(mean) + 10)
    arrived = np.cumsum(source.exponential(HOUR / plan.captures_per_hour, n))
    size_bytes = np.ceil(MEDIAN_BYTES * np.exp(BYTES_SPREAD * source.standard_normal(n)))
    return Captures(
        arrived=arrived,
        size_bytes=size_bytes,
        messages=np.maximum(1.0, np.round(size_bytes / BYTES_PER_MESSAGE)),
        bucket=source.integers(BUCKETS, size=n) / BUCKETS,
        compares=source.random(n),
        differs=source.random(n),
        breaks=source.random(n),
        hides=source.random(n),
        is_rubbish=source.random(n),
        served=_tries(source, n),
        compared=_tries(source, n),
    )


def _tries(source: np.random.Generator, n: int) -> Tries:
    return Tries(
        control_factor=np.exp(TIME_SPREAD * source.standard_normal(n)),
        treatment_factor=np.exp(TIME_SPREAD * source.standard_normal(n)),
        control_fails=source.random(n),
        treatment_fails=source.random(n),
    )
