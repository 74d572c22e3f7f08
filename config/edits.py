"""What somebody changed in the form, and what the console gives with it.  Pure.

Each input comes with the text that it began with, so what was not touched is known whatever was
published meanwhile: an edit is never taken for the wish to undo what somebody else did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _
from pydantic.fields import FieldInfo

from config.layers import Configuration, Given, Layer
from config.sections import Registry, conceals
from config.typed_values import UnacceptableError, as_text, read_typed

# what the names of inputs beside a setting's own begin with
WAS: Final = "was:"
RESET: Final = "reset:"


@dataclass(frozen=True, slots=True)
class Edits:
    """The inputs that were changed (name to text), the ticked resets, and what is wrong with them.

    ``console`` is what the console gives with those in which nothing is wrong.
    """

    console: Layer
    typed: Mapping[str, str] = field(default_factory=dict)
    resets: frozenset[str] = frozenset()
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was changed."""
        return not (self.typed or self.resets)


def read_edits(
    registry: Registry,
    present: Configuration,
    console: Layer,
    posted: Mapping[str, str],
    place: str,
) -> Edits:
    """Return what a form changes on top of ``present``, in which the console gives ``console``.

    ``place`` is where the new values stand.  What names no setting is left alone.
    """
    layer = {section: dict(given) for section, given in console.items()}
    typed: dict[str, str] = {}
    resets: set[str] = set()
    problems: dict[str, str] = {}
    for section, kind in registry.sections.items():
        given = layer.setdefault(section, {})
        for key, setting in kind.model_fields.items():
            name, value = f"{section}.{key}", present.value(section, key)
            text = _edited(posted, name, as_text(value))
            if RESET + name in posted and key in given:
                resets.add(name)
                del given[key]
            if text is None:
                continue
            try:
                found = _read(setting, text, is_reset=name in resets)
            except UnacceptableError as error:
                problems[name] = str(error)
                if conceals(setting):
                    text = as_text(value)
            else:
                if found == value:
                    continue
                given[key] = Given(found, place)
            typed[name] = text
    return Edits(layer, typed, frozenset(resets), problems)


def _edited(posted: Mapping[str, str], name: str, present: str) -> str | None:
    """Return what was typed where something else stood before."""
    text = posted.get(name)
    return None if text == posted.get(WAS + name, present) else text


def _read(setting: FieldInfo, text: str, *, is_reset: bool) -> object:
    if is_reset:
        raise UnacceptableError(_("Either type a value or give it back, not both."))
    return read_typed(setting, text)
