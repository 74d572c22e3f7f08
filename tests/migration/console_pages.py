"""Going to pages about rollouts, for tests: people in roles, and a clock that stands still."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import make_user
from tests.migration.traffic import Service


@contextmanager
def at_the_time_of(service: Service) -> Iterator[None]:
    """Let pages be asked for at the time of a service."""
    with patch("django.utils.timezone.now", lambda: service.now):
        yield


def client_of(user: User) -> Client:
    """Return a client that is signed in."""
    client = Client()
    client.force_login(user)
    return client


def staff(role: str) -> User:
    """Return a new user who may enter the admin, with the permissions of a role."""
    user = make_user(role)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return User.objects.get(pk=user.pk)


def admin_address(model: str, page: str = "changelist", *args: Any) -> str:
    """Return the address of a page of the admin about a model of rollouts."""
    return reverse(f"admin:migration_{model}_{page}", args=args)


def read(response: Any) -> str:
    """Return what a person reads of a page, with single spaces."""
    text = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(text).split())
