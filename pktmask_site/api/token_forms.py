"""The form that makes a token."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pktmask_site.api.choices import PERMISSIONS, Scope
from pktmask_site.api.conf import api_settings

USUAL_DAYS: Final = 90


def scopes_for(user: Any) -> list[tuple[str, Any]]:
    """Return the scopes that are of use to ``user``, with what they are for."""
    return [(scope.value, scope.label) for scope in Scope if _may(user, PERMISSIONS[scope])]


class TokenForm(forms.Form):
    """A name to recognise it by, what it may do, and for how long."""

    name = forms.CharField(
        max_length=64,
        error_messages={"required": gettext_lazy("Say what it is for, as in: nightly upload.")},
    )
    scopes = forms.MultipleChoiceField(
        error_messages={"required": gettext_lazy("Choose at least one thing that it may do.")}
    )
    days = forms.IntegerField(
        error_messages={"required": gettext_lazy("Say for how many days it is valid.")}
    )

    def __init__(self, user: AbstractBaseUser, data: Any = None) -> None:
        self.longest_days = api_settings().longest_token_days
        usual = {"days": min(USUAL_DAYS, self.longest_days), "scopes": []}
        super().__init__(data, initial=usual)
        chosen = self.fields["scopes"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        chosen.choices = scopes_for(user)

    def clean_days(self) -> int:
        """Return for how many days it is valid."""
        days: int = self.cleaned_data["days"]
        if not 1 <= days <= self.longest_days:
            said = _("A token is valid for 1 to %(days)d days (api.longest_token_days).")
            raise forms.ValidationError(said % {"days": self.longest_days})
        return days

    @property
    def chosen(self) -> list[str]:
        """The scopes that are ticked."""
        return list(self["scopes"].value() or [])


def _may(user: Any, permission: str) -> bool:
    return isinstance(user, PermissionsMixin) and user.has_perm(permission)
