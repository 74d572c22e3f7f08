"""Profiles from plain values: what is allowed, and what the refusal of the rest says."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from trimming.engine.errors import OptionsError
from trimming.engine.options import (
    CREDENTIAL_FIELDS,
    PROFILES,
    Limits,
    TrimOptions,
    built_in_profile,
    profile_from_mapping,
)

SOURCE = "profile.yaml"


def _refusal(values: dict[Any, Any]) -> str:
    with pytest.raises(OptionsError) as refusal:
        profile_from_mapping(values, SOURCE)
    assert str(refusal.value).startswith(f"{SOURCE}: ")
    return str(refusal.value)


@pytest.mark.parametrize("name", PROFILES)
def test_built_in_profiles_are_found_by_name(name: str) -> None:
    assert built_in_profile(name) is PROFILES[name]
    assert built_in_profile(name).name == name


def test_an_unknown_profile_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(OptionsError) as refusal:
        built_in_profile("share_save")
    assert str(refusal.value) == (
        "profile 'share_save' is not known; built in are: share_safe, standard; "
        "did you mean 'share_safe'?"
    )


def test_a_name_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(OptionsError) as refusal:
        built_in_profile("zzz")
    assert str(refusal.value).endswith("share_safe, standard")


def test_options_and_limits_are_frozen() -> None:
    for frozen, name in ((TrimOptions(), "uncertain"), (Limits(), "idle_seconds")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(frozen, name, 1)


def test_nothing_given_is_the_standard_profile() -> None:
    assert profile_from_mapping({}, SOURCE) == PROFILES["standard"]


def test_a_profile_starts_from_its_base() -> None:
    profile = profile_from_mapping({"base": "share_safe", "name": "mine", "slice": True}, SOURCE)
    assert profile == dataclasses.replace(PROFILES["share_safe"], name="mine", slice=True)
    assert profile.redact_fields == CREDENTIAL_FIELDS


def test_every_setting_can_be_given() -> None:
    values: dict[str, object] = {
        "name": "mine",
        "uncertain": "keep",
        "other_payload": "mask",
        "slice": True,
        "body_keep_bytes": 16,
        "error_body_keep_bytes": 32,
        "redact_fields": ["X-Api-Key", "Cookie"],
        "redact_targets": True,
        "drop_metadata": True,
        "limits": {"max_line_bytes": 100, "idle_seconds": 1},
    }
    assert set(values) == {f.name for f in dataclasses.fields(TrimOptions)}
    expected = TrimOptions(
        name="mine",
        uncertain="keep",
        other_payload="mask",
        slice=True,
        body_keep_bytes=16,
        error_body_keep_bytes=32,
        redact_fields=("x-api-key", "cookie"),
        redact_targets=True,
        drop_metadata=True,
        limits=Limits(max_line_bytes=100, idle_seconds=1),
    )
    assert profile_from_mapping(values, SOURCE) == expected


@pytest.mark.parametrize(
    ("options", "keeps"),
    [
        (TrimOptions(), False),
        (TrimOptions(body_keep_bytes=1), True),
        (TrimOptions(error_body_keep_bytes=1), True),
    ],
)
def test_a_profile_knows_whether_it_keeps_body_bytes(options: TrimOptions, keeps: bool) -> None:
    assert options.keeps_body_bytes is keeps


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"base": 7}, "base must be the name of a profile, not 7"),
        ({"base": "standart"}, "base: profile 'standart' is not known"),
        ({"uncertein": "mask"}, "did you mean 'uncertain'?"),
        ({7: "mask"}, "7 is not a setting; allowed are: base, body_keep_bytes, "),
        ({"name": ""}, "name must be a text, not ''"),
        ({"name": None}, "name must be a text, not None"),
        ({"uncertain": "drop"}, "uncertain must be mask or keep, not 'drop'"),
        ({"other_payload": ["mask"]}, "other_payload must be mask or keep, not ['mask']"),
        ({"slice": "yes"}, "slice must be true or false, not 'yes'"),
        ({"redact_targets": 1}, "redact_targets must be true or false, not 1"),
        ({"body_keep_bytes": -1}, "body_keep_bytes must be a whole number of at least 0, not -1"),
        ({"body_keep_bytes": True}, "must be a whole number of at least 0, not True"),
        ({"error_body_keep_bytes": 1.5}, "must be a whole number of at least 0, not 1.5"),
        ({"redact_fields": "cookie"}, "redact_fields must be a list of field names, not 'cookie'"),
        ({"redact_fields": ["a", ""]}, "redact_fields must be a list of field names"),
        ({"redact_fields": [1]}, "redact_fields must be a list of field names"),
        ({"limits": 5}, "limits must be a table of numbers, not 5"),
        ({"limits": {"max_line_byte": 5}}, "did you mean 'max_line_bytes'?"),
        ({"limits": {"idle_seconds": 0}}, "limits.idle_seconds must be a whole number of at least"),
        ({"limits": {1: 0}}, "limits.1 is not a limit; allowed are: max_header_bytes, "),
    ],
)
def test_what_is_not_allowed_is_refused_with_what_is(values: dict[Any, Any], said: str) -> None:
    assert said in _refusal(values)
