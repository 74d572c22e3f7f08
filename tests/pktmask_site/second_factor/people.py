"""People with a second factor, and the codes that their apps show."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from pktmask_site.second_factor import devices

PASSWORD = "correct horse battery"


def code_of(person: User, *, later: int = 0) -> str:
    """Return the code that the app of a person shows, ``later`` half minutes from now."""
    device = TOTPDevice.objects.get(user=person)
    return f"{totp(device.bin_key, drift=later):06d}"


def wrong(code: str) -> str:
    """Return another code."""
    return f"{(int(code) + 500_000) % 1_000_000:06d}"


def give_one(person: User) -> tuple[str, ...]:
    """Give a person a second factor; return the recovery codes.  Its next code counts."""
    devices.offered(person)
    codes = devices.switch_on(person, code_of(person))
    assert codes
    TOTPDevice.objects.update(last_t=-1)
    return codes


def post(client: Client, page: str, address: str = "192.0.2.7", **data: str) -> Any:
    """Send a form."""
    return client.post(page, data, REMOTE_ADDR=address)


def sign_in(client: Client, name: str, **more: str) -> Any:
    """Give name and password."""
    return post(client, "/sign-in/", username=name, password=PASSWORD, **more)
