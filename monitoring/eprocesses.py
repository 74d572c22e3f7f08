"""What the e-processes of the gates have in common: how evidence is kept, what is refused.  Pure.

The rules themselves are in ``monitoring.statistics``.  Nothing here knows what is counted.
"""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol, Self


def log_mean(sums: Sequence[float]) -> float:
    """Return the logarithm of the mean of ``exp(sums)``."""
    # as scipy's logsumexp does, which takes 50 times as long for so few numbers
    most = max(sums)
    return most + math.log(math.fsum(math.exp(each - most) for each in sums) / len(sums))


def check_share(w: float) -> None:
    """Raise ValueError unless ``0 < w < 1``; NaN is refused."""
    if not 0 < w < 1:
        raise ValueError(f"a share lies between 0 and 1, not {w}")


def check_times(*times_ms: float) -> None:
    """Raise ValueError for a time that is NaN, infinite or negative."""
    for each in times_ms:
        if not 0 <= each < math.inf:
            raise ValueError(f"a time is finite and not negative, not {each}")


def whole_count(value: int) -> int:
    """Return a count, also of NumPy's, as an int; ValueError for a negative or broken one."""
    try:
        found = operator.index(value)
    except TypeError:
        raise ValueError(f"a count is a whole number, not {value}") from None
    if found < 0:
        raise ValueError(f"a count is not negative: {found}")
    return found


def check_counts(*counts: int) -> None:
    """Raise ValueError for a count that is negative or not a whole number."""
    for each in counts:
        whole_count(each)


def check_above(least: float, *values: float) -> None:
    """Raise ValueError for a value that is NaN, infinite or not above ``least``."""
    for each in values:
        if not least < each < math.inf:
            raise ValueError(f"a finite number above {least:g} is needed, not {each}")


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(each) for each in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Kept:
    """What can be stored as JSON and given back."""

    def as_dict(self) -> dict[str, Any]:
        """Return the state in plain numbers and lists."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Self:
        """Return the state that ``as_dict`` was called on; ValueError for any other."""
        known = [each.name for each in fields(cls)]
        if set(kept) != set(known):
            raise ValueError(f"{cls.__name__} has {known}, not {sorted(kept)}")
        return cls(**{name: _frozen(value) for name, value in kept.items()})


@dataclass(frozen=True, slots=True)
class Harm(Kept, ABC):
    """Evidence of harm, which does not fade: ``max_log_e`` is the most at any look."""

    max_log_e: float = field(default=0.0, kw_only=True)

    @property
    @abstractmethod
    def log_e(self) -> float:
        """The logarithm of the evidence against H0, now."""

    @property
    def anytime_p(self) -> float:
        """A p-value that is valid at every look: one by the largest E so far, at most 1."""
        return min(1.0, math.exp(-max(0.0, self.max_log_e)))

    def looked_at(self) -> Self:
        """Return the same evidence with this look in ``max_log_e``."""
        return replace(self, max_log_e=max(self.max_log_e, self.log_e))


class Evidence(Protocol):
    """What all e-processes have."""

    @property
    def log_e(self) -> float:
        """The logarithm of the evidence against H0."""


def fires(process: Evidence, alpha: float) -> bool:
    """Tell whether the evidence reaches ``1 / alpha`` now."""
    check_share(alpha)
    return process.log_e >= -math.log(alpha)
