"""What a rule says: a verdict, and the comparison that led to it as a sentence.  Pure."""

from __future__ import annotations

from typing import NamedTuple

from migration.choices import GateVerdict, RuleKind


class Judged(NamedTuple):
    """One verdict.  ``needed``: so many more runs or pairs would decide, where that can be said.

    ``value`` and ``limit`` are what was compared: times in seconds, shares from 0 to 1.
    """

    verdict: GateVerdict
    message: str
    value: float | None = None
    limit: float | None = None
    needed: int | None = None


class Result(NamedTuple):
    """What one rule said in one look.  A dry rule is shown and has no effect."""

    rule: str
    kind: RuleKind
    verdict: GateVerdict
    message: str
    value: float | None = None
    limit: float | None = None
    needed: int | None = None
    is_dry: bool = False


def at_least(message: str, value: float, limit: float, needed: int | None = None) -> Judged:
    """Pass from ``limit`` on; below, more may come."""
    met = value >= limit
    verdict = GateVerdict.PASSED if met else GateVerdict.INCONCLUSIVE
    return Judged(verdict, message, value, limit, None if met else needed)


def share_of(value: float, limit: float, message: str, *, is_most: bool) -> Judged:
    """Compare a share that must be at least, or at most, its limit."""
    met = value <= limit if is_most else value >= limit
    verdict = GateVerdict.PASSED if met else GateVerdict.FAILED
    return Judged(verdict, message, value, limit)


def passed(message: str) -> Judged:
    """Nothing stands against it."""
    return Judged(GateVerdict.PASSED, message)


def unknown(message: str) -> Judged:
    """Nothing is known: it holds."""
    return Judged(GateVerdict.INCONCLUSIVE, message)
