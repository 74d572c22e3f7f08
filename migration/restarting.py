"""Where a new attempt begins, and why.  Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

from django.utils.translation import gettext as _

from migration.choices import PhaseName

# causes after which what was served is kept back at once, and phase 1 comes again
QUARANTINED: Final = frozenset({"leak"})


class Before(NamedTuple):
    """The attempt before.  ``baseline_days`` is the age of its baseline; None without one."""

    baseline_days: float | None
    is_baseline_passed: bool
    mismatched: int
    cause: str
    new_build: str


class First(NamedTuple):
    """The phase that a new attempt begins with, and why, as a sentence."""

    phase: PhaseName
    why: str


def first_phase(before: Before, most_days: float) -> First:
    """Return phase 2 while the baseline still holds, phase 1 otherwise.

    ``most_days``: the baseline may be so old (``rollout.baseline_days``).
    """
    why = _why_anew(before, most_days)
    if why:
        return First(PhaseName.BASELINE, why)
    return First(PhaseName.AB_TEST, _("the baseline still holds"))


def _why_anew(before: Before, most_days: float) -> str:
    if before.baseline_days is None:
        return _("no baseline was frozen")
    if before.baseline_days > most_days:
        words = {"found": before.baseline_days, "most": most_days}
        return _("the baseline is %(found).1f days old, at most %(most).1f are allowed") % words
    if not before.is_baseline_passed:
        # it was frozen, and then harm was found, or nobody approved what comes next
        return _("phase 1 was not passed")
    if before.cause in QUARANTINED:
        return _("the cause was a leak")
    if before.mismatched:
        return _("the outputs of a capture differed")
    if before.new_build:
        return _("%(build)s is new") % {"build": before.new_build}
    return ""
