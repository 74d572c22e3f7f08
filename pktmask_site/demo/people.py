"""The people of the demo: an operator, and an approver who is somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from django.contrib.auth.models import Group, User

from config.roles import APPROVER, OPERATOR, VIEWER

PEOPLE: Final[Mapping[str, str]] = {
    "olga": OPERATOR,
    "anton": APPROVER,
    "vera": VIEWER,
}
OPERATOR_NAME: Final = "olga"
APPROVER_NAME: Final = "anton"
PASSWORD_BYTES: Final = 9


def make_people() -> str:
    """Make the people, or give them a new password; return the password that all of them have."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    for name, role in PEOPLE.items():
        user, _ = User.objects.get_or_create(username=name)
        user.set_password(password)
        user.save()
        user.groups.set([Group.objects.get(name=role)])
    return password


def person(name: str) -> User:
    """Return one of them."""
    return User.objects.get(username=name)
