"""Tables that are written as one line of text: channels, minutes by severity, matchers.  Pure.

Each reader raises ValueError that says what is wrong and what is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Final

from django.utils.translation import gettext_noop as _

from monitoring.alerts.message import Severity
from monitoring.alerts.values import AlertFacts, Labels

NAME: Final = re.compile(r"[a-z][a-z0-9_-]*")
PATTERN: Final = re.compile(r"[\w*?:.-]+")
# what a silence may name beside labels
OWN_NAMES: Final = ("rule", "severity")
UNREADABLE_MATCHER: Final = _(
    "%(typed_part)s cannot be read; expected matchers, as in rule=health_*, severity=low."
)
MATCHER_TWICE: Final = _("%(typed_name)s stands twice; an alert has it once.")
NO_MATCHER: Final = _("A silence names what it silences, as in rule=health_*, severity=low.")


def names(text: str) -> tuple[str, ...]:
    """Return what stands between commas."""
    return tuple(each for each in (part.strip() for part in text.split(",")) if each)


def read_channels(text: str) -> tuple[str, ...]:
    """Return names of channels, none twice."""
    found = tuple(dict.fromkeys(names(text)))
    for name in found:
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{name[:40]!r} is no name of a channel; expected some, as in email, slack"
            )
    return found


def read_severities(text: str) -> tuple[Severity, ...]:
    """Return the severities that are named."""
    return tuple(_severity(each) for each in names(text))


def read_minutes(text: str) -> Mapping[Severity, timedelta]:
    """Return times of severities, as in ``critical 10, high 15``."""
    found: dict[Severity, timedelta] = {}
    for part in names(text):
        name, _space, number = part.partition(" ")
        severity = _severity(name)
        try:
            minutes = float(number)
        except ValueError:
            minutes = 0.0
        if not 0 < minutes <= 10_000:
            raise ValueError(
                f"{part[:40]!r} has no minutes; expected a table, as in critical 10, high 15"
            )
        found[severity] = timedelta(minutes=minutes)
    return found


def _severity(name: str) -> Severity:
    if name not in Severity.values:
        known = ", ".join(Severity.values)
        raise ValueError(f"{name[:40]!r} is no severity; expected one of: {known}")
    return Severity(name)


def read_rule_channels(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return channels of rules by pattern, as in ``disk_*: log; breaker_open: slack, email``."""
    found = []
    for part in (each.strip() for each in text.split(";")):
        if not part:
            continue
        pattern, colon, channels = part.rpartition(":")
        if not (colon and PATTERN.fullmatch(pattern.strip()) and channels.strip()):
            raise ValueError(
                f"{part[:40]!r} cannot be read; expected rules, as in disk: log; health_*: slack"
            )
        found.append((pattern.strip(), read_channels(channels)))
    return tuple(found)


def read_matchers(text: str) -> Labels:
    """Return what a silence matches, as in ``rule=health_*, severity=low, strategy=scanning``.

    Raises ValueError with a sentence for people.
    """
    found: dict[str, str] = {}
    for part in names(text):
        name, sign, pattern = (each.strip() for each in part.partition("="))
        if not (sign and NAME.fullmatch(name) and PATTERN.fullmatch(pattern)):
            raise ValueError(UNREADABLE_MATCHER % {"typed_part": repr(part[:60])})
        if name in found:
            raise ValueError(MATCHER_TWICE % {"typed_name": repr(name[:40])})
        found[name] = pattern
    if not found:
        raise ValueError(NO_MATCHER)
    return tuple(sorted(found.items()))


def matchers_text(matchers: Labels) -> str:
    """Return matchers as ``read_matchers`` takes them, the rule first."""
    ordered = sorted(matchers, key=lambda pair: (pair[0] not in OWN_NAMES, pair[0]))
    return ", ".join(f"{name}={pattern}" for name, pattern in ordered)


def matches(matchers: Labels, alert: AlertFacts) -> bool:
    """Tell whether all matchers match; ``*`` and ``?`` stand for any characters, or for one."""
    known = {**dict(alert.labels), "rule": alert.rule, "severity": alert.severity}
    return all(name in known and fnmatchcase(known[name], pattern) for name, pattern in matchers)
