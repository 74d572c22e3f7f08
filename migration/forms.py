"""What a person asks of a rollout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from migration.acts import ACTS, BY_NAME

MAX_REASON_CHARACTERS = 500
MAX_NAME_CHARACTERS = 100
MAX_WORD_CHARACTERS = 40


def why_too_long(reason: str) -> str:
    """Return why a reason cannot be kept; empty where it can."""
    if len(reason) <= MAX_REASON_CHARACTERS:
        return ""
    said = _("The reason has %(count)d characters, at most %(limit)d are kept.")
    return str(said % {"count": len(reason), "limit": MAX_REASON_CHARACTERS})


class ActForm(forms.Form):
    """One thing to do, with a reason; what is dangerous is confirmed by a typed word."""

    act = forms.ChoiceField(choices=[(str(act.name), act.button) for act in ACTS])
    reason = forms.CharField(
        max_length=MAX_REASON_CHARACTERS,
        error_messages={"required": _("Say why; it is kept with the decision.")},
    )
    word = forms.CharField(required=False, max_length=MAX_WORD_CHARACTERS)

    def clean(self) -> dict[str, Any]:
        """Hold the typed word against what must be typed; spaces and capitals do no harm."""
        given: dict[str, Any] = super().clean() or {}
        act = BY_NAME.get(given.get("act", ""))
        if act and act.word and given.get("word", "").strip().lower() != act.word:
            said = _("Type the word %(word)s to confirm.") % {"word": act.word}
            self.add_error("word", said)
        return given


class StartForm(forms.Form):
    """A new rollout: what it is called, and why.  Its limits are read by limit_rows.py."""

    name = forms.CharField(
        max_length=MAX_NAME_CHARACTERS,
        error_messages={"required": _("Give it a name by which people know it.")},
    )
    reason = forms.CharField(
        max_length=MAX_REASON_CHARACTERS,
        error_messages={"required": _("Say why; it is kept with the decision.")},
    )

    @classmethod
    def unbound(cls, typed: Mapping[str, str]) -> StartForm:
        """Return the form with what was typed so far, which nobody has sent yet."""
        return cls(initial={name: typed.get(name, "") for name in ("name", "reason")})
