"""The side of a page names the roles of who is signed in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User

from config.roles import APPROVER, OPERATOR
from tests.factories import make_user
from trimming.templatetags.people import role

pytestmark = pytest.mark.django_db


def test_roles_are_named_the_most_powerful_first() -> None:
    user = make_user(OPERATOR)
    user.groups.add(Group.objects.get(name=APPROVER))

    assert role(user) == "approver, operator"


def test_a_superuser_is_an_administrator() -> None:
    assert role(User.objects.create_superuser("root")) == "administrator"


def test_somebody_without_a_role_has_none() -> None:
    assert role(User.objects.create_user("nobody")) == ""
