"""Who is let into the administration."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from config.roles import APPROVER, OPERATOR, ROLES
from migration.approvals import PERMISSION
from pktmask_site.admin_site import APPROVAL
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def status(user: User, path: str = "/admin/") -> int:
    client = Client()
    client.force_login(user)
    return client.get(path).status_code


@pytest.mark.parametrize("role", ROLES)
def test_approvers_are_let_in_and_others_where_they_are_staff(role: str) -> None:
    user = make_user(role)
    assert status(user) == (200 if role == APPROVER else 302)
    user.is_staff = True
    user.save()
    assert status(user) == 200


def test_an_approver_finds_the_queue_and_no_users() -> None:
    approver = make_user(APPROVER)
    assert status(approver, "/admin/migration/approval/") == 200
    assert status(approver, "/admin/auth/user/") == 403
    client = Client()
    client.force_login(approver)
    assert "Approvals of phases" in client.get("/admin/").content.decode()
    assert 'href="/admin/"' in client.get("/").content.decode()
    client.force_login(make_user(OPERATOR))
    assert 'href="/admin/"' not in client.get("/").content.decode()


def test_an_approver_who_has_left_is_not_let_in() -> None:
    user = make_user(APPROVER)
    client = Client()
    client.force_login(user)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


def test_it_is_the_permission_of_approvals() -> None:
    assert APPROVAL == PERMISSION
