"""The pages to sign in, and to change one's password."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse_lazy
from django.utils.translation import gettext as _

from config.audit import record
from pktmask_site.second_factor import devices, pending
from pktmask_site.sign_in.forms import OwnPasswordForm, SignInForm
from pktmask_site.sign_in.throttle import Refused

TOO_MANY: Final = 429


class SignInView(LoginView):
    """Answers with 429 while nothing may be tried."""

    form_class = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Sign in, or ask for the second factor first."""
        user = form.get_user()
        assert isinstance(user, User)
        for is_next, page in (
            (devices.has_one, "second_factor_code"),
            (devices.needs_one, "second_factor_first"),
        ):
            if is_next(user):
                pending.begin(self.request, user, self.get_success_url())
                return redirect(page)
        return super().form_valid(form)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """Say what is wrong, or how long to wait."""
        return slowed(super().form_invalid(form), getattr(form, "refused", None))


class OwnPasswordView(PasswordChangeView):
    """For everybody who is signed in; all other sign-ins of that person end."""

    form_class = OwnPasswordForm
    template_name = "registration/own_password.html"
    success_url = reverse_lazy("home")

    def get_form(self, form_class: Any = None) -> OwnPasswordForm:
        """Let the form know from where it comes."""
        form = super().get_form(form_class)
        assert isinstance(form, OwnPasswordForm)
        form.request = self.request
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        """Change it, and say so."""
        answer = super().form_valid(form)
        record("password_changed", request=self.request, target=form.user)
        said = (
            _("Your password was changed; your other sign-ins and your API tokens ended.")
            if form.cleaned_data["end_tokens"]
            else _("Your password was changed; your other sign-ins ended.")
        )
        messages.success(self.request, said)
        return answer

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say what is wrong, or how long to wait."""
        return slowed(super().form_invalid(form), form.refused)


def slowed(answer: HttpResponse, refused: Refused | None) -> HttpResponse:
    """Say in the head of an answer how long to wait, where nothing may be tried."""
    if refused is not None:
        answer.status_code = TOO_MANY
        answer["Retry-After"] = str(refused.wait_seconds)
    return answer
