"""How parts of a finding are judged and said: a sentence names value and limit.  Pure."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from monitoring.choices import Verdict
from monitoring.health.findings import Evidence, Part
from monitoring.health.inputs import Facts, Limits

SCORE_AT_WARN: Final = 0.8
SCORE_AT_FAIL: Final = 0.3


def score_between(value: float, warn: float, fail: float) -> float:
    """Return 1 at nothing, 0.8 at ``warn``, 0.3 at ``fail`` and 0 at twice that."""
    if value < warn:
        return 1 - (1 - SCORE_AT_WARN) * max(0.0, value) / warn
    if value < fail:
        return SCORE_AT_WARN - (SCORE_AT_WARN - SCORE_AT_FAIL) * (value - warn) / (fail - warn)
    return max(0.0, SCORE_AT_FAIL * (2 - value / fail))


def held_to(
    name: str, value: float | None, limits: tuple[float, float], unit: str, n: int | None = None
) -> Part:
    """Judge ``value`` by a warning and a failure limit; below the first is ok."""
    warn, fail = limits
    if value is None:
        said = _("%(name)s is not known for any of %(n)d, must be below %(limit)s.") % {
            "name": name,
            "n": n or 0,
            "limit": figure(warn, unit),
        }
        return Part(Verdict.UNKNOWN, said, (Evidence(name, None, warn, unit, n),))
    verdict = Verdict.OK if value < warn else Verdict.WARN if value < fail else Verdict.FAIL
    limit = fail if verdict is Verdict.FAIL else warn
    values = {"name": name, "value": figure(value, unit), "limit": figure(limit, unit)}
    if n is None:
        said = _("%(name)s is %(value)s, must be below %(limit)s.") % values
    else:
        said = _("%(name)s is %(value)s (n = %(n)d), must be below %(limit)s.") % {**values, "n": n}
    score = score_between(value, warn, fail)
    return Part(verdict, said, (Evidence(name, value, limit, unit, n),), score)


def figure(value: float, unit: str) -> str:
    """Return a value as people read it; shares are from 0 to 1."""
    match unit:
        case "share":
            return f"{value * 100:.2f} %"
        case "bytes":
            return f"{value / 1e6:,.0f} MB"
        case "%":
            # 70.4 is not below 70, and must not be said to be 70
            return f"{value:.3g} %"
        case "s":
            return f"{value:,.0f} s"
        case _:
            return f"{value:,.3g} {unit}".strip()


def not_applicable(sentence: str) -> Part:
    """Say why there is nothing to judge."""
    return Part(Verdict.NOT_APPLICABLE, sentence)


def too_few(n: int, limits: Limits) -> Part:
    """Say that so few runs ended that nothing can be said of them."""
    said = ngettext(
        "%(n)d run ended, at least %(least)d are needed to judge.",
        "%(n)d runs ended, at least %(least)d are needed to judge.",
        n,
    ) % {"n": n, "least": limits.least_runs}
    evidence = Evidence(_("runs to judge by"), n, limits.least_runs, "", n)
    return Part(Verdict.NOT_APPLICABLE, said, (evidence,))


def is_fresh(facts: Facts, limits: Limits, fact: str) -> bool:
    """Tell whether a recent sample held the fact: its source may fail while others go on."""
    age = facts.ages.get(fact)
    return age is not None and age <= limits.stale_seconds


def not_known(facts: Facts, fact: str, name: str, limit: float, unit: str = "") -> Part:
    """Say since when a fact is missing from the samples."""
    age = facts.ages.get(fact)
    if age is None:
        said = _("%(name)s was in no sample of the last %(seconds)s, the limit is %(limit)s.")
    else:
        said = _("%(name)s was last known %(seconds)s ago, the limit is %(limit)s.")
    said %= {
        "name": name,
        "seconds": figure(facts.window_seconds if age is None else age, "s"),
        "limit": figure(limit, unit),
    }
    return Part(Verdict.UNKNOWN, said, (Evidence(name, None, limit, unit, age_seconds=age),))


def against_chance(limit: float, e: float, said: str, name: str, n: int) -> Part:
    """Judge an e-value over rows that were read just now: it fails from ``limit`` on."""
    is_met = e >= limit
    verdict = Verdict.FAIL if is_met else Verdict.OK
    return Part(verdict, said, (Evidence(name, e, limit, "", n, 0.0),), 0.0 if is_met else 1.0)


def none_of(name: str, found: int, n: int) -> Part:
    """Judge what must not happen at all: ``found`` of ``n``."""
    if not found and not n:
        return not_applicable(_("%(name)s: nothing to look at.") % {"name": name})
    said = _("%(name)s: %(found)d of %(n)d, must be 0.") % {"name": name, "found": found, "n": n}
    verdict = Verdict.FAIL if found else Verdict.OK
    return Part(verdict, said, (Evidence(name, found, 0, "", n),), 0.0 if found else 1.0)
