"""What a person asks of routing: another policy, or that everything goes to legacy at once."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from trimming.models import RoutingPolicy
from trimming.policy import Wish, new_salt
from trimming.routing_choices import Mode

# typed to confirm; the same in every language, as it is compared and not read
CONFIRMATION: Final = "rollback"
MAX_WORD_CHARACTERS: Final = 40
MAX_REASON_CHARACTERS: Final = RoutingPolicy._meta.get_field("reason").max_length or 500


def _reason_field() -> forms.CharField:
    return forms.CharField(
        max_length=MAX_REASON_CHARACTERS,
        error_messages={"required": _("Say why; it is kept with the policy.")},
    )


def _share_field() -> forms.FloatField:
    wrong = _("A share is a number from 0 to 100, in percent.")
    errors = {"invalid": wrong, "min_value": wrong, "max_value": wrong, "required": wrong}
    return forms.FloatField(min_value=0, max_value=100, error_messages=errors)


class PolicyForm(forms.Form):
    """Another policy.  Shares are in percent here; which mode is permitted is said by policy.py."""

    mode = forms.ChoiceField(
        choices=Mode.choices,
        error_messages={
            "invalid_choice": _("Choose one of the modes."),
            "required": _("Choose one of the modes."),
        },
    )
    treatment_percent = _share_field()
    shadow_percent = _share_field()
    new_draw = forms.BooleanField(required=False)
    guarded = forms.BooleanField(required=False)
    lift = forms.BooleanField(required=False)
    reason = _reason_field()

    def wish(self) -> Wish:
        """Return what is asked for.  After ``is_valid()``."""
        given = self.cleaned_data
        return Wish(
            mode=Mode(given["mode"]),
            treatment_share=given["treatment_percent"] / 100,
            shadow_share=given["shadow_percent"] / 100,
            guarded=given["guarded"],
            salt=new_salt() if given["new_draw"] else None,
            lift=given["lift"],
        )


def policy_form_of(policy: RoutingPolicy) -> PolicyForm:
    """Return a form that asks for what is in force already."""
    initial: dict[str, Any] = {
        "mode": policy.mode,
        "treatment_percent": _percent(policy.treatment_share),
        "shadow_percent": _percent(policy.shadow_share),
        "guarded": policy.guarded,
    }
    return PolicyForm(initial=initial)


def _percent(share: float) -> str:
    """Return a share as a field of a form has it: without what binary fractions add."""
    return f"{100 * share:.6f}".rstrip("0").rstrip(".")


class RollbackForm(forms.Form):
    """Everything to legacy at once, confirmed by a typed word."""

    word = forms.CharField(required=False, max_length=MAX_WORD_CHARACTERS)
    reason = _reason_field()

    def clean_word(self) -> str:
        """Return the word; spaces around it and capital letters do no harm."""
        word: str = self.cleaned_data["word"]
        if word.strip().lower() != CONFIRMATION:
            raise forms.ValidationError(
                _("Type the word %(word)s to confirm.") % {"word": CONFIRMATION}
            )
        return word
