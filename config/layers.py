"""Layers of values, and what is in force when they lie on top of each other.  Pure.

Later layers win: defaults, files, environment, console.  The whole is checked before any of it
counts: every value by its setting, then the rules between settings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from django.utils.translation import gettext_noop as _

from config.sections import COMPARISONS, Registry, Section, Value, accepted, conceals, fits, number

LayerName = Literal["default", "file", "environment", "console"]
S = TypeVar("S", bound=Section)
MAX_QUOTED_CHARACTERS: Final = 60
_BROKEN: Final[Mapping[bool, str]] = {
    False: _(
        "%(lower)s is %(low)s (%(low_place)s) and must be below %(upper)s, "
        "which is %(high)s (%(high_place)s): %(reason)s."
    ),
    True: _(
        "%(lower)s is %(low)s (%(low_place)s) and must not be above %(upper)s, "
        "which is %(high)s (%(high_place)s): %(reason)s."
    ),
}


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody gave, and where: a file with its line, a variable, a version."""

    value: object
    place: str


# section, key: what was given
Layer = Mapping[str, Mapping[str, Given]]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one value, and what is accepted.  ``place`` may be empty."""

    place: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.place}: {self.sentence}" if self.place else self.sentence


class ConfigurationError(Exception):
    """A configuration that cannot be in force; nothing of it counts."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Origin:
    """Which layer a value comes from, and where it stands there."""

    layer: LayerName
    place: str = ""


DEFAULT: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that is in force, as one.  Never changed; a change makes another one."""

    version: int
    sections: Mapping[str, Section]
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict)

    def of(self, kind: type[S]) -> S:
        """Return the settings of a section."""
        found = self.sections[kind.section]
        assert isinstance(found, kind)
        return found

    def value(self, section: str, key: str) -> Value:
        """Return one setting."""
        value: Value = getattr(self.sections[section], key)
        return value

    def origin(self, section: str, key: str) -> Origin:
        """Return where one setting comes from."""
        return self.origins.get((section, key), DEFAULT)


def resolve(
    registry: Registry, layers: Iterable[tuple[LayerName, Layer]], version: int = 0
) -> Configuration:
    """Return what is in force; raises ConfigurationError with all that is wrong."""
    problems: list[Problem] = []
    values: dict[tuple[str, str], object] = {}
    origins: dict[tuple[str, str], Origin] = {}
    for name, layer in layers:
        for section, given in layer.items():
            kind = registry.sections.get(section)
            if kind is None:
                problems += _no_section(registry, section, given)
                continue
            for key, one in given.items():
                problem = _problem(kind, key, one)
                if problem is not None:
                    problems.append(problem)
                    continue
                values[section, key] = one.value
                origins[section, key] = Origin(name, one.place)
    if problems:
        raise ConfigurationError(problems)
    sections = {
        section: kind(**{key: values[s, key] for s, key in values if s == section})
        for section, kind in registry.sections.items()
    }
    found = Configuration(version, sections, origins)
    broken = _contradictions(registry, found)
    if broken:
        raise ConfigurationError(broken)
    return found


def _no_section(registry: Registry, section: str, given: Mapping[str, Given]) -> list[Problem]:
    """Tell once of a section, where its first setting stands; one without settings does no harm."""
    close = closest(section, registry.sections)
    names = {"typed_names": ", ".join(registry.sections)}
    hint = meant(close) if close else _("The sections are: %(typed_names)s.") % names
    sentence = _("there is no section %(typed_name)s.") % {"typed_name": quoted(section)}
    places = [one.place for one in given.values()]
    return [Problem(place, f"{sentence} {hint}") for place in places[:1]]


def _problem(kind: type[Section], key: str, given: Given) -> Problem | None:
    setting = kind.model_fields.get(key)
    if setting is None:
        names = {"typed_section": kind.section, "typed_name": quoted(key)}
        sentence = _("%(typed_section)s has no setting %(typed_name)s.") % names
        close = closest(key, kind.model_fields)
        return Problem(given.place, f"{sentence} {meant(close)}" if close else sentence)
    if fits(setting, given.value):
        return None
    words = {
        "name": f"{kind.section}.{key}",
        "value": _("something else (not shown)") if conceals(setting) else quoted(given.value),
        "accepted": accepted(setting),
    }
    return Problem(given.place, _("%(name)s is %(value)s; expected %(accepted)s.") % words)


def meant(name: str) -> str:
    """Return a sentence that offers a name that is known."""
    return _("Did you mean %(typed_name)s?") % {"typed_name": name}


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that looks most like ``name``; empty where none does."""
    return next(iter(difflib.get_close_matches(name, list(known), 1, 0.6)), "")


def quoted(value: object) -> str:
    """Return a value for a message: as YAML has it, and not at length."""
    text = (
        repr(value) if isinstance(value, str) else number(value) if value is not None else "empty"
    )
    if len(text) <= MAX_QUOTED_CHARACTERS:
        return text
    return f"{text[: MAX_QUOTED_CHARACTERS - 1]}…"


def _contradictions(registry: Registry, found: Configuration) -> list[Problem]:
    broken: list[Problem] = []
    for rule in registry.rules:
        (low, lower), (high, upper) = (
            (found.value(*name.split(".")), found.origin(*name.split(".")))
            for name in (rule.lower, rule.upper)
        )
        if COMPARISONS[rule.or_equal](low, high):
            continue
        words = {
            "lower": rule.lower,
            "low": number(low),
            "low_place": lower.place or _("the default"),
            "upper": rule.upper,
            "high": number(high),
            "high_place": upper.place or _("the default"),
            "reason": rule.reason,
        }
        # the place of whichever was given: a default is nobody's mistake
        broken.append(Problem(lower.place or upper.place, _BROKEN[rule.or_equal] % words))
    return broken
