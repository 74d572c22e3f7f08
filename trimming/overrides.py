"""A person's own choice of a strategy, and when it is refused: while a rollback stands."""

from __future__ import annotations

from django.utils.translation import gettext as _

from trimming.policy import newest_policy
from trimming.routing import CONTROL


def standing_refusal() -> str:
    """Say why nothing but legacy can be chosen now; empty when anything can."""
    if not newest_policy().stands_back:
        return ""
    return _("A rollback stands, so only legacy can be chosen.")


def refusal_of(strategy: str) -> str:
    """Say why ``strategy`` cannot be chosen now; empty when it can.  "" is no choice."""
    return "" if strategy in ("", CONTROL) else standing_refusal()
