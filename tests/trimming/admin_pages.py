"""Going to pages of the admin, for tests."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.roles import ADMINISTRATOR
from tests.factories import make_user


def staff(role: str = ADMINISTRATOR) -> User:
    """Return a new user who may enter the admin, with the permissions of a role."""
    user = make_user(role)
    user.is_staff = True
    user.save()
    return user


def client_of(user: User) -> Client:
    """Return the client of ``user``."""
    client = Client()
    client.force_login(user)
    return client


def address(model: str, page: str = "changelist", *args: Any) -> str:
    """Return the address of a page about a model of trimming."""
    return reverse(f"admin:trimming_{model}_{page}", args=args)
