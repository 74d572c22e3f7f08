"""Roles as groups."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from config.roles import ROLES, grant
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_migrating_makes_the_four_roles() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(ROLES)


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("viewer", ["view_capture"], ["add_capture", "download_capture", "view_all_captures"]),
        ("operator", ["add_capture", "download_capture", "delete_capture"], ["view_all_captures"]),
        ("approver", ["view_capture"], ["add_capture", "delete_capture"]),
        ("administrator", ["add_capture", "view_all_captures", "override_strategy"], []),
    ],
)
def test_each_role_may_do_what_it_is_for(role: str, may: list[str], may_not: list[str]) -> None:
    user = make_user(role)
    assert all(user.has_perm(f"trimming.{permission}") for permission in may)
    assert not any(user.has_perm(f"trimming.{permission}") for permission in may_not)


def test_an_administrator_may_read_the_audit_log_and_the_signs_of_life() -> None:
    administrator, operator = make_user("administrator"), make_user("operator")
    for permission in ("config.view_auditevent", "monitoring.view_heartbeat"):
        assert administrator.has_perm(permission)
        assert not operator.has_perm(permission)


@pytest.mark.parametrize("role", ROLES)
def test_every_role_sees_the_configuration_and_only_administrators_change_it(role: str) -> None:
    user = make_user(role)
    assert user.has_perm("config.view_configversion")
    assert user.has_perm("config.change_configuration") is (role == "administrator")


def test_a_permission_that_does_not_exist_is_an_error_that_names_it() -> None:
    with pytest.raises(LookupError, match="fly"):
        grant("trimming", {"viewer": ["view_capture", "fly"]})
