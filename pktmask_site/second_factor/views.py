"""The pages of the second factor: to sign in with it, and to have one."""

from __future__ import annotations

from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import View
from django_otp import login as note_device
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.audit import record
from pktmask_site.second_factor import devices, pending
from pktmask_site.second_factor.forms import CodeForm, FirstCodeForm, OwnFirstCodeForm
from pktmask_site.second_factor.pending import Pending
from pktmask_site.sign_in.sessions import end_others
from pktmask_site.sign_in.views import slowed

CODE_PAGE: Final = "registration/code.html"
FIRST_PAGE: Final = "registration/first_second_factor.html"
OWN_PAGE: Final = "registration/second_factor.html"
CODES_PAGE: Final = "registration/recovery_codes.html"


@method_decorator(login_not_required, name="dispatch")
class CodeView(View):
    """After the password: a code."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Ask for it."""
        who = pending.pending_of(request)
        if who is None:
            return _begin_again(request)
        return _answer(request, CODE_PAGE, CodeForm(request, who.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Look at it, and sign in."""
        who = pending.pending_of(request)
        if who is None:
            return _begin_again(request)
        form = CodeForm(request, who.user, request.POST)
        if not form.is_valid():
            return _answer(request, CODE_PAGE, form)
        assert form.device is not None
        _sign_in(request, who, form.device)
        if isinstance(form.device, StaticDevice):
            _tell_recovery_code(request, who.user)
        return redirect(who.next)


@method_decorator(login_not_required, name="dispatch")
class FirstView(View):
    """After the password of somebody who needs a second factor and has none yet."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Offer a key."""
        who = _without_one(request)
        if who is None:
            return _begin_again(request)
        return _answer(request, FIRST_PAGE, FirstCodeForm(request, who.user))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Switch it on, and sign in."""
        who = _without_one(request)
        if who is None:
            return _begin_again(request)
        form = FirstCodeForm(request, who.user, request.POST)
        if not form.is_valid():
            return _answer(request, FIRST_PAGE, form)
        _sign_in(request, who, _device_of(who.user))
        return _switched_on(request, who.user, form.codes, who.next)


class OwnView(View):
    """For everybody who is signed in: switch it on and off, make recovery codes."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Say what there is."""
        person = cast(User, request.user)
        kind = CodeForm if devices.has_one(person) else OwnFirstCodeForm
        return _answer(request, OWN_PAGE, kind(request, person))

    def post(self, request: HttpRequest) -> HttpResponse:
        """Do what was asked, behind a right code."""
        person = cast(User, request.user)
        if not devices.has_one(person):
            first = OwnFirstCodeForm(request, person, request.POST)
            if not first.is_valid():
                return _answer(request, OWN_PAGE, first)
            note_device(request, _device_of(person))
            return _switched_on(request, person, first.codes, "")
        is_off = request.POST.get("act") == "off"
        if is_off and devices.needs_one(person):
            messages.error(request, _("Your role needs a second factor; it stays on."))
            return redirect("second_factor")
        form = CodeForm(request, person, request.POST)
        if not form.is_valid():
            return _answer(request, OWN_PAGE, form)
        if is_off:
            devices.take_away(person)
            record("second_factor_off", request=request, target=person)
            messages.success(request, _("Your second factor is off."))
            return redirect("second_factor")
        codes = devices.new_recovery_codes(person)
        record("recovery_codes_made", request=request, target=person)
        return render(request, CODES_PAGE, {"codes": codes})


def _without_one(request: HttpRequest) -> Pending | None:
    """Return who is to get a second factor: whoever has one must show it instead."""
    who = pending.pending_of(request)
    return None if who is None or devices.has_one(who.user) else who


def _begin_again(request: HttpRequest) -> HttpResponse:
    pending.end(request)
    return redirect("login")


def _answer(request: HttpRequest, page: str, form: CodeForm) -> HttpResponse:
    more: dict[str, Any] = {"form": form}
    if isinstance(form, FirstCodeForm):
        device = devices.offered(form.person)
        more |= {"key": devices.key_text(device), "picture": devices.picture(device)}
    elif page == OWN_PAGE:
        left = devices.recovery_codes_left(form.person)
        more |= {"is_on": True, "left": left, "is_needed": devices.needs_one(form.person)}
    return slowed(render(request, page, more), form.refused)


def _sign_in(request: HttpRequest, who: Pending, device: Device) -> None:
    pending.end(request)
    login(request, who.user, who.backend or None)
    note_device(request, device)


def _device_of(person: User) -> TOTPDevice:
    found: TOTPDevice = TOTPDevice.objects.get(user=person, confirmed=True)
    return found


def _switched_on(
    request: HttpRequest, person: User, codes: tuple[str, ...], next_page: str
) -> HttpResponse:
    end_others(person, request.session.session_key)
    record("second_factor_on", request=request, target=person)
    messages.success(request, _("Your second factor is on; your other sign-ins ended."))
    return render(request, CODES_PAGE, {"codes": codes, "next": next_page})


def _tell_recovery_code(request: HttpRequest, person: User) -> None:
    left = devices.recovery_codes_left(person)
    record("recovery_code_used", request=request, target=person, left=left)
    messages.warning(
        request,
        ngettext(
            "You used a recovery code; %(left)s is left. Make new ones on the page Password.",
            "You used a recovery code; %(left)s are left. Make new ones on the page Password.",
            left,
        )
        % {"left": left},
    )
