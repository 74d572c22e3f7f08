"""The options under which a seed's capture is planned: built-in profiles, samples, tiny limits."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from trimming.engine.options import PROFILES, Limits, TrimOptions

STANDARD, SHARE_SAFE = PROFILES["standard"], PROFILES["share_safe"]


def _samples(rng: random.Random) -> TrimOptions:
    return replace(
        STANDARD,
        name="samples",
        body_keep_bytes=rng.choice((0, 1, 5, 40)),
        error_body_keep_bytes=rng.choice((0, 3, 100)),
    )


def _uncertain_kept(rng: random.Random) -> TrimOptions:
    return replace(STANDARD, name="uncertain kept", uncertain="keep")


def _redacting(rng: random.Random) -> TrimOptions:
    return replace(
        STANDARD,
        name="redacting",
        redact_fields=("cookie", "host", "x-folded"),
        redact_targets=rng.random() < 0.5,
    )


def _tiny(rng: random.Random) -> TrimOptions:
    base = rng.choice((STANDARD, STANDARD, SHARE_SAFE))
    usual = Limits()
    limits = Limits(
        max_header_bytes=rng.choice((40, 100, 200, usual.max_header_bytes)),
        max_line_bytes=rng.choice((16, 40, 80, usual.max_line_bytes)),
        max_connections=rng.choice((1, 2, usual.max_connections)),
        max_closed_connections=rng.choice((1, 2, usual.max_closed_connections)),
        idle_seconds=rng.choice((1, 10, usual.idle_seconds)),
        idle_packets=rng.choice((1, 5, usual.idle_packets)),
        reorder_segments=rng.choice((1, 2, 5, usual.reorder_segments)),
        reorder_bytes=rng.choice((20, 100, 400, usual.reorder_bytes)),
        reorder_total_bytes=rng.choice((50, 300, usual.reorder_total_bytes)),
        history_runs=rng.choice((1, 2, 3, 8, usual.history_runs)),
        history_bytes=rng.choice((1, 10, 60, 300, usual.history_bytes)),
        history_total_bytes=rng.choice((1, 20, 200, usual.history_total_bytes)),
        pipelined_requests=rng.choice((1, 2, 3, usual.pipelined_requests)),
        max_open_datagrams=rng.choice((1, 2, usual.max_open_datagrams)),
        max_tunnel_depth=rng.choice((1, 2, usual.max_tunnel_depth)),
    )
    return replace(base, name="tiny limits", limits=limits)


# limits that only mean something together
GROUPS = (
    ("max_header_bytes",),
    ("max_line_bytes",),
    ("max_connections",),
    ("max_closed_connections",),
    ("idle_seconds", "idle_packets"),
    ("reorder_segments",),
    ("reorder_bytes",),
    ("reorder_total_bytes",),
    ("history_runs",),
    ("history_bytes",),
    ("history_total_bytes",),
    ("pipelined_requests",),
    ("max_open_datagrams",),
    ("max_tunnel_depth",),
)


def _one_tiny(rng: random.Random) -> TrimOptions:
    group = rng.choice(GROUPS)
    limits = Limits()
    while not all(getattr(limits, name) != getattr(Limits(), name) for name in group):
        limits = _tiny(rng).limits
    changes = {name: getattr(limits, name) for name in group}
    return replace(STANDARD, name=f"tiny {group[0]}", limits=replace(Limits(), **changes))


CHOICES: Mapping[Callable[[random.Random], TrimOptions], int] = {
    lambda _: STANDARD: 32,
    lambda _: SHARE_SAFE: 20,
    _samples: 8,
    _uncertain_kept: 5,
    _redacting: 7,
    _tiny: 10,
    _one_tiny: 18,
}


def options_of(seed: int) -> TrimOptions:
    """Return the options of a seed; they do not depend on its capture."""
    rng = random.Random(f"options {seed}")
    (choose,) = rng.choices(list(CHOICES), list(CHOICES.values()))
    return choose(rng)
