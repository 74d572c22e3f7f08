"""When which capture is sent.  Pure: a rate, a mix and a seed in, times and sizes out."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from trimming.load.captures import Size


class Due(NamedTuple):
    """One upload: when, in seconds from the start, and what."""

    at_seconds: float
    number: int
    size: Size


def read_mix(text: str) -> dict[Size, float]:
    """Return weights by size from ``small=80,medium=20``; raises ValueError that says why not."""
    mix: dict[Size, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().partition("=")
        known = {each.value: each for each in Size}
        if name not in known:
            raise ValueError(f"there is no size {name!r}; there are: {', '.join(known)}")
        try:
            mix[known[name]] = float(weight)
        except ValueError:
            raise ValueError(f"the weight of {name} is a number, not {weight!r}") from None
        if not 0 <= mix[known[name]] < 1e9:
            raise ValueError(f"the weight of {name} is from 0 on, not {weight}")
    if not sum(mix.values()):
        raise ValueError("a mix needs a weight above 0")
    return mix


def schedule(rate: float, count: int, mix: Mapping[Size, float], seed: int) -> Iterator[Due]:
    """Return ``count`` uploads at ``rate`` a second, at equal distances."""
    draw = random.Random(seed)
    sizes = draw.choices(list(mix), weights=list(mix.values()), k=count)
    for number, size in enumerate(sizes):
        yield Due(number / rate, number, size)
