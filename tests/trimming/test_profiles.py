"""Profiles as rows."""

from __future__ import annotations

import pytest

from trimming.engine.errors import OptionsError
from trimming.engine.options import PROFILES
from trimming.models import Profile
from trimming.profiles import add_version, latest, mirror_built_in_profiles, offered

pytestmark = pytest.mark.django_db


def test_the_built_in_profiles_are_rows_with_the_options_of_the_engine() -> None:
    assert {profile.name: profile.trim_options() for profile in Profile.objects.all()} == dict(
        PROFILES
    )


def test_mirroring_again_makes_nothing_new() -> None:
    mirror_built_in_profiles()
    assert Profile.objects.count() == len(PROFILES)


def test_a_definition_that_changed_becomes_a_new_version() -> None:
    Profile.objects.filter(name="standard").update(options={"slice": True})
    mirror_built_in_profiles()
    newest = latest("standard")
    assert newest is not None
    assert (newest.version, newest.trim_options()) == (2, PROFILES["standard"])


def test_a_version_with_wrong_options_is_refused() -> None:
    with pytest.raises(OptionsError, match="did you mean 'slice'"):
        add_version("ours", {"slize": True})
    assert latest("ours") is None


def test_the_newest_version_of_each_profile_is_offered() -> None:
    add_version("ours", {"slice": True})
    add_version("ours", {"slice": False})
    hidden = add_version("theirs", {})
    Profile.objects.filter(pk=hidden.pk).update(is_offered=False)
    assert [(profile.name, profile.version) for profile in offered()] == [
        ("standard", 1),
        ("share_safe", 1),
        ("ours", 2),
    ]
