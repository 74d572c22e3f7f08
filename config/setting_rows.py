"""What the page shows of each setting.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from pydantic.fields import FieldInfo

from config.edits import Edits
from config.layers import Configuration, Layer, LayerName, Origin
from config.sections import Registry, Value, accepted, choices_of
from config.typed_values import as_text

LAYERS: Final[Mapping[LayerName, Any]] = {
    "default": _("default"),
    "file": _("file"),
    "environment": _("environment"),
    "console": _("console"),
}


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting: what is in force, and what stands in its input."""

    name: str
    key: str
    description: str
    accepts: str
    default: Value
    value: Value
    origin: Origin
    # what its input began with, and what stands in it
    was: str
    text: str
    # the values to choose from; none of them where it is typed
    options: Sequence[str]
    keyboard: str
    # what is in force once the console gives it back; None where it gives nothing
    beneath: Beneath | None
    is_reset: bool
    problem: str

    @property
    def is_edited(self) -> bool:
        """Whether its input holds something else than what is in force."""
        return self.text != self.was


@dataclass(frozen=True, slots=True)
class Beneath:
    """What the layers beneath the console give."""

    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class SectionRows:
    """The settings of a section under its heading."""

    name: str
    title: str
    help: str
    rows: Sequence[SettingRow]


def section_rows(
    registry: Registry,
    present: Configuration,
    console: Layer,
    beneath: Sequence[tuple[LayerName, Layer]],
    edits: Edits,
    problems: Mapping[str, str],
) -> list[SectionRows]:
    """Return all settings with what is in force, what was typed and what is wrong with it.

    ``beneath`` are the layers under the console, the lowest first; ``problems`` goes by names.
    """

    def row(section: str, key: str, setting: FieldInfo) -> SettingRow:
        name, value = f"{section}.{key}", present.value(section, key)
        return SettingRow(
            name=name,
            key=key,
            description=setting.description or "",
            accepts=accepted(setting),
            default=setting.default,
            value=value,
            origin=present.origin(section, key),
            was=as_text(value),
            text=edits.typed.get(name, as_text(value)),
            options=_options(setting),
            keyboard=_KEYBOARDS.get(setting.annotation, "text"),
            beneath=_beneath(beneath, section, key, setting.default)
            if key in console.get(section, {})
            else None,
            is_reset=name in edits.resets,
            problem=problems.get(name, ""),
        )

    return [
        SectionRows(
            section,
            kind.title,
            kind.help,
            [row(section, key, setting) for key, setting in kind.model_fields.items()],
        )
        for section, kind in registry.sections.items()
    ]


_KEYBOARDS: Final[Mapping[Any, str]] = {int: "numeric", float: "decimal"}


def _options(setting: FieldInfo) -> list[str]:
    if setting.annotation is bool:
        return ["true", "false"]
    return sorted(as_text(choice) for choice in choices_of(setting) or ())


def _beneath(
    layers: Iterable[tuple[LayerName, Layer]], section: str, key: str, default: Value
) -> Beneath:
    found = Beneath(default, Origin("default"))
    for name, layer in layers:
        given = layer.get(section, {}).get(key)
        if given is not None:
            found = Beneath(given.value, Origin(name, given.place))
    return found


def names_in(sentence: str, registry: Registry) -> list[str]:
    """Return the settings that a sentence names: a broken rule names the two that it is about."""
    words = set(sentence.replace(",", " ").split())
    names = (
        f"{name}.{key}" for name, kind in registry.sections.items() for key in kind.model_fields
    )
    return [name for name in names if name in words]
