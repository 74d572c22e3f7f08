"""Profiles in the admin: versions are added, checked by the engine; rows never change."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from config.models import AuditEvent
from config.roles import OPERATOR
from tests.trimming.admin_pages import address, client_of, staff
from trimming.models import Profile
from trimming.profiles import latest, mirror_built_in_profiles

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _built_in() -> None:
    mirror_built_in_profiles()


def add_profile(user: User, **changes: str) -> Any:
    data = {"name": "ours", "description": "For us.", "options_text": "slice: true", **changes}
    return client_of(user).post(address("profile", "add"), data)


def test_adding_a_profile_makes_its_next_version() -> None:
    user = staff()
    assert add_profile(user).status_code == 302
    assert add_profile(user, options_text='{"base": "share_safe"}').status_code == 302
    first, second = Profile.objects.filter(name="ours").order_by("version")
    assert (first.version, first.options, first.created_by) == (1, {"slice": True}, user)
    assert (second.version, second.options) == (2, {"base": "share_safe"})
    assert AuditEvent.objects.filter(action="profile_add", actor=user).count() == 2


def test_a_profile_without_options_is_the_standard_one() -> None:
    assert add_profile(staff(), options_text=" ").status_code == 302
    profile = latest("ours")
    assert profile is not None
    assert profile.options == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"options_text": "slise: true"}, "did you mean &#x27;slice&#x27;"),
        ({"options_text": "slice: 3"}, "slice must be true or false"),
        ({"options_text": "slice: true\na: ["}, "Line 2"),
        ({"options_text": "a: &x [1]\nb: *x"}, "write repeated values out"),
        ({"options_text": "- a"}, "Expected a table"),
        ({"options_text": "1: 2"}, "Expected a table"),
        ({"options_text": "name: x"}, "Leave name out"),
        ({"options_text": "a: \x01"}, "neither YAML nor JSON"),
        ({"options_text": "!!python/object:os.system x"}, "Line 1"),
        ({"name": "standard"}, "built in"),
        ({"name": "Ours/../"}, "small letters"),
    ],
)
def test_what_the_engine_does_not_accept_is_said_at_the_field(
    changes: dict[str, str], words: str
) -> None:
    count = Profile.objects.count()
    response = add_profile(staff(), **changes)
    assert response.status_code == 200
    assert words in response.content.decode()
    assert Profile.objects.count() == count


def test_only_the_offer_of_a_profile_can_be_changed() -> None:
    user = staff()
    add_profile(user)
    for name in ("ours", "standard"):
        profile = latest(name)
        assert profile is not None
        change = address("profile", "change", profile.pk)
        data = {"name": "other", "version": "9", "options_text": "slice: false"}
        assert client_of(user).post(change, data).status_code == 302
        kept = Profile.objects.get(pk=profile.pk)
        assert (kept.name, kept.version, kept.options) == (name, 1, profile.options)
        assert kept.is_offered is False
        assert client_of(user).post(change, {"is_offered": "on"}).status_code == 302
        assert Profile.objects.get(pk=profile.pk).is_offered
        deleting = client_of(user).post(address("profile", "delete", profile.pk), {"post": "yes"})
        assert deleting.status_code == 403
    assert AuditEvent.objects.filter(action="profile_offer").count() == 4


def test_profiles_take_the_permission_to_add_them() -> None:
    user = staff(OPERATOR)
    assert add_profile(user).status_code == 403
    profile = latest("standard")
    assert profile is not None
    change = address("profile", "change", profile.pk)
    assert client_of(user).post(change, {}).status_code == 403
    assert client_of(user).get(change).status_code == 200
