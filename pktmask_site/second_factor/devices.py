"""What a person has as a second factor.  Keys, codes and their checks are django-otp's."""

from __future__ import annotations

from base64 import b32encode
from typing import Final

import segno
from django.contrib.auth.models import User
from django.db import transaction
from django_otp import devices_for_user
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR
from pktmask_site.sign_in.conf import sign_in_settings

NAME: Final = "second factor"
RECOVERY_CODES: Final = 10
# roles that change something, here or in the traffic
AT_WORK: Final = (OPERATOR, APPROVER, ADMINISTRATOR)
KEY_GROUP: Final = 4


def has_one(user: User) -> bool:
    """Return whether signing in asks this person for a code."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def needs_one(user: User) -> bool:
    """Return whether the settings ask this person to have one."""
    return sign_in_settings().second_factor == "required" and is_at_work(user)


def is_at_work(user: User) -> bool:
    """Return whether this person may change something."""
    return user.is_staff or user.is_superuser or user.groups.filter(name__in=AT_WORK).exists()


def offered(user: User) -> TOTPDevice:
    """Return the key that this person is shown; it counts once a code of it was typed."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=False).first()
    return found or TOTPDevice.objects.create(user=user, name=NAME, confirmed=False)


def key_text(device: TOTPDevice) -> str:
    """Return the key to type, in groups."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[at : at + KEY_GROUP] for at in range(0, len(text), KEY_GROUP))


def picture(device: TOTPDevice) -> str:
    """Return the key as a QR code: the address of an SVG, with nothing to ask for."""
    code = segno.make(device.config_url, error="m")
    return str(code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))


@transaction.atomic
def switch_on(user: User, code: str) -> tuple[str, ...]:
    """Let the offered key count if the code is one of it; return new recovery codes, or nothing."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=False).first()
    if device is None or has_one(user) or not device.verify_token(code):
        return ()
    device.confirmed = True
    device.save(update_fields=["confirmed"])
    return new_recovery_codes(user)


@transaction.atomic
def new_recovery_codes(user: User) -> tuple[str, ...]:
    """Replace the recovery codes; return the new ones, which nobody is shown again."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=NAME)
    codes = tuple(StaticToken.random_token() for _ in range(RECOVERY_CODES))
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes were not used."""
    return int(StaticToken.objects.filter(device__user=user).count())


@transaction.atomic
def answering(user: User, code: str) -> Device | None:
    """Return what the code is of; None when it is wrong.  A code is right once."""
    found: Device
    for found in devices_for_user(user, for_verify=True):
        if found.verify_token(code):
            return found
    return None


@transaction.atomic
def take_away(user: User) -> bool:
    """Leave a person without a second factor; return whether there was one."""
    had_one = has_one(user)
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    return had_one
