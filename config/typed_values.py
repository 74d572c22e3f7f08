"""Values as text: what stands in an input, and what somebody typed into it.  Pure."""

from __future__ import annotations

import re
from typing import Final

from django.utils.translation import gettext as _
from pydantic.fields import FieldInfo

from config.languages.told import told
from config.layers import quoted
from config.sections import accepted, choices_of, conceals, fits

MAX_VALUE_CHARACTERS: Final = 500
# what 64 bits hold in any case
MAX_ID_DIGITS: Final = 18
# with separators as the page writes them; 0,5 is refused and not taken for 5
_WHOLE: Final = r"[+-]?(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)"
WHOLE: Final = re.compile(_WHOLE)
NUMBER: Final = re.compile(rf"(?:{_WHOLE}(?:\.[0-9]*)?|[+-]?\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


class UnacceptableError(ValueError):
    """What was typed is no value of the setting; the text says what is accepted."""


def read_id(text: str) -> int | None:
    """Return the number of a row; None for what cannot be one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS else None


def as_text(value: object) -> str:
    """Return a value as it stands in an input, without separators and on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # a browser sends no line breaks from an input
    return str(value).replace("\r", "").replace("\n", "")


def read_typed(field: FieldInfo, text: str) -> object:
    """Return the value that a text gives to a setting; raises UnacceptableError."""
    if len(text) > MAX_VALUE_CHARACTERS:
        sentence = _("Longer than %(limit)d characters; expected %(accepted)s.")
        raise UnacceptableError(
            sentence % {"limit": MAX_VALUE_CHARACTERS, "accepted": told(accepted(field))}
        )
    value = _meant(field, text.strip())
    if isinstance(value, str) and not value.isprintable():
        raise UnacceptableError(_("There is a character that cannot be seen; remove it."))
    if not fits(field, value):
        if conceals(field):
            sentence = _("This is not accepted and not kept; expected %(accepted)s.")
            raise UnacceptableError(sentence % {"accepted": told(accepted(field))})
        sentence = _("%(value)s is not accepted; expected %(accepted)s.")
        shown = {"value": quoted(text.strip()), "accepted": told(accepted(field))}
        raise UnacceptableError(sentence % shown)
    return value


def _meant(field: FieldInfo, text: str) -> object:
    """Return what a text means for a setting; what means nothing for it stays text."""
    choices = {True, False} if field.annotation is bool else choices_of(field)
    if choices is not None:
        return {as_text(choice): choice for choice in choices}.get(text, text)
    if field.annotation is int and WHOLE.fullmatch(text):
        return int(text.replace(",", ""))
    if field.annotation in (int, float) and NUMBER.fullmatch(text):
        return float(text.replace(",", ""))
    return text
