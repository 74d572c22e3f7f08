"""What a change or a restore says of itself: for which version it was made, and why."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

MAX_REASON_CHARACTERS: Final = 500


class ReasonForm(forms.Form):
    """``base`` is the number of the version that the page showed."""

    base = forms.IntegerField(min_value=0)
    reason = forms.CharField(
        max_length=MAX_REASON_CHARACTERS,
        error_messages={
            "required": _("Say why. The reason is kept with the version."),
            "max_length": _(
                "The reason has %(show_value)d characters, at most %(limit_value)d are kept."
            ),
        },
    )

    def __init__(self, *args: Any, needs_reason: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = needs_reason

    @property
    def base_number(self) -> int | None:
        """The version that the form was made for; None where it says nothing of use."""
        self.full_clean()
        number: int | None = self.cleaned_data.get("base")
        return number

    @property
    def typed_reason(self) -> str:
        """The reason as it was typed."""
        return str(self["reason"].value() or "")
