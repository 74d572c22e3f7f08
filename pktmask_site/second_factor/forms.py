"""The forms that look at a code; they ask first whether one may be tried."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp.models import Device

from config.audit import record
from pktmask_site.second_factor.devices import answering, switch_on
from pktmask_site.sign_in.forms import Tries
from pktmask_site.sign_in.throttle import Refused

SEPARATORS = re.compile(r"[\s-]+")


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(max_length=40)
    refused: Refused | None = None

    def __init__(self, request: HttpRequest, person: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.person = request, person
        self.device: Device | None = None

    def clean_code(self) -> str:
        """Take away what people put between digits."""
        return SEPARATORS.sub("", self.cleaned_data["code"]).lower()

    def clean(self) -> dict[str, Any]:
        """Take a try, and look at the code only if there was one."""
        code = self.cleaned_data.get("code")
        if not code:
            return self.cleaned_data
        tries = Tries.of_codes(self.request, self.person)
        self.refused = tries.take()
        if self.refused is not None:
            raise ValidationError("", code="throttled")
        if not self.takes(code):
            record("second_factor_refused", request=self.request, actor=self.person)
            raise ValidationError(_("The code is wrong, or was used before."), code="wrong")
        tries.give_back()
        return self.cleaned_data

    def takes(self, code: str) -> bool:
        """Return whether the code is right."""
        self.device = answering(self.person, code)
        return self.device is not None


class FirstCodeForm(CodeForm):
    """The first code of a new key: with it the second factor is on."""

    codes: tuple[str, ...] = ()

    def takes(self, code: str) -> bool:
        """Return whether the code is one of the key that was offered."""
        self.codes = switch_on(self.person, code)
        return bool(self.codes)


class OwnFirstCodeForm(FirstCodeForm):
    """With the password: who found an open console cannot lock its owner out."""

    password = forms.CharField(max_length=4096, strip=False)
    field_order = ("password", "code")

    def clean_password(self) -> str:
        """Take a try of the password, and look at it only if there was one."""
        password: str = self.cleaned_data["password"]
        tries = Tries(self.request, self.person.get_username())
        self.refused = tries.take()
        if self.refused is not None:
            raise ValidationError("", code="throttled")
        if not self.person.check_password(password):
            record("second_factor_refused", request=self.request, actor=self.person)
            raise ValidationError(_("The password is wrong."), code="wrong")
        tries.give_back()
        return password

    def clean(self) -> dict[str, Any]:
        """Look at the code only behind the right password."""
        return super().clean() if "password" in self.cleaned_data else self.cleaned_data
