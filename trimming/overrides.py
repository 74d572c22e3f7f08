"""A person's own choice of a strategy, and when it is refused.

While a rollback stands only legacy can be chosen; while legacy is retired it cannot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from trimming.policy import newest_policy
from trimming.routing import CONTROL


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which strategies cannot be chosen now, and why; empty when all can."""

    strategies: tuple[str, ...] = ()
    reason: str = ""


def refusal_among(strategies: Iterable[str]) -> Refusal:
    """Return which of some strategies cannot be chosen now."""
    policy = newest_policy()
    if policy.stands_back:
        others = tuple(each for each in strategies if each != CONTROL)
        return Refusal(others, _("A rollback stands, so only legacy can be chosen."))
    if policy.legacy_retired:
        return Refusal((CONTROL,), _("Legacy is retired, so it cannot be chosen."))
    return Refusal()


def refusal_of(strategy: str) -> str:
    """Say why ``strategy`` cannot be chosen now; empty when it can.  "" is no choice."""
    if not strategy:
        return ""
    found = refusal_among([strategy])
    return found.reason if strategy in found.strategies else ""
