"""The forms that look at a password; they ask first whether that may be tried."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone

from config.audit import address_of, record
from pktmask_site.api.with_account import KEEPS
from pktmask_site.sign_in.throttle import (
    Limit,
    Refused,
    give_back,
    limits_for,
    limits_for_codes,
    take,
)


class Tries:
    """The tries of a name from where a request comes."""

    def __init__(self, request: HttpRequest, name: str) -> None:
        self._request, self._name = request, name
        self._address, self._now = address_of(request), timezone.now()
        self._limits: tuple[Limit, ...] = limits_for(name, self._address, self._now)

    @classmethod
    def of_codes(cls, request: HttpRequest, person: AbstractBaseUser) -> Tries:
        """Return those of the second factor: the right password gives none of them back."""
        tries = cls(request, person.get_username())
        tries._limits = limits_for_codes(person.pk, tries._address)
        return tries

    def take(self) -> Refused | None:
        """Take one; None when there was one.  That there is none is told now and then."""
        refused = take(self._limits, self._now)
        if refused is not None and refused.news:
            record("sign_in_throttled", request=self._request, by=refused.kind, tries=refused.news)
        return refused

    def give_back(self) -> None:
        """Note that it was right."""
        give_back(self._limits, self._name, self._address, self._now)


class SignInForm(AuthenticationForm):
    """Says nothing about whether there is an account, whatever is tried."""

    refused: Refused | None = None

    def clean(self) -> dict[str, Any]:
        """Take a try, and look at name and password only if there was one."""
        name = self.cleaned_data.get("username")
        if self.request is None or name is None or not self.cleaned_data.get("password"):
            return self.cleaned_data
        tries = Tries(self.request, name)
        self.refused = tries.take()
        if self.refused is not None:
            raise ValidationError("", code="throttled")
        found = super().clean()
        tries.give_back()
        return found


class OwnPasswordForm(PasswordChangeForm):
    """Who found an open console cannot guess the password there without end.

    Tokens of scripts end with the password, unless their owner wants to keep them.
    """

    refused: Refused | None = None
    request: HttpRequest
    end_tokens = forms.BooleanField(required=False, initial=True)

    def clean_old_password(self) -> str:
        """Take a try, and look at the password only if there was one."""
        tries = Tries(self.request, self.user.get_username())
        self.refused = tries.take()
        if self.refused is not None:
            raise ValidationError("", code="throttled")
        found: str = super().clean_old_password()
        tries.give_back()
        return found

    def save(self, commit: bool = True) -> Any:
        """Keep the new password; what is heard of it ends the tokens, or does not."""
        setattr(self.user, KEEPS, not self.cleaned_data["end_tokens"])
        return super().save(commit)
