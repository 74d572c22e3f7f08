"""Profiles as rows: the built-in ones are mirrored, own ones are versions of a table of options."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext_noop

from trimming.engine.options import PROFILES, TrimOptions, profile_from_mapping
from trimming.models import Profile

DESCRIPTIONS = {
    "standard": gettext_noop("Bodies zeroed, headers kept."),
    "share_safe": gettext_noop("Also hides cookies, tokens, queries and everything not HTTP."),
}


def mirror_built_in_profiles() -> None:
    """Make a new version of each built-in profile whose definition in the engine has changed."""
    for name, options in PROFILES.items():
        current = latest(name)
        values = as_mapping(options)
        if current is None or current.options != values:
            add_version(name, values, DESCRIPTIONS.get(name, ""), built_in=True)


def add_version(
    name: str,
    values: dict[str, Any],
    description: str = "",
    *,
    built_in: bool = False,
    created_by_id: int | None = None,
) -> Profile:
    """Store the next version of a profile; raises OptionsError for options that are wrong."""
    profile_from_mapping({**values, "name": name}, name)
    with transaction.atomic():
        newest = Profile.objects.filter(name=name).aggregate(newest=Max("version"))["newest"] or 0
        return Profile.objects.create(
            name=name,
            version=newest + 1,
            options=values,
            description=description,
            is_built_in=built_in,
            created_by_id=created_by_id,
        )


def options_of(profile: Profile) -> TrimOptions:
    """Return a row as options of the engine; raises OptionsError when it was damaged."""
    return profile_from_mapping({**profile.options, "name": profile.name}, str(profile))


def as_mapping(options: TrimOptions) -> dict[str, Any]:
    """Return options as the table that ``profile_from_mapping`` reads, in JSON's types."""
    values = asdict(options)
    del values["name"]
    values["redact_fields"] = list(options.redact_fields)
    return values


def latest(name: str) -> Profile | None:
    """Return the newest version of a profile."""
    return Profile.objects.filter(name=name).order_by("-version").first()


def offered() -> QuerySet[Profile]:
    """Return the newest version of each profile that may be chosen, by name."""
    newest = Profile.objects.values("name").annotate(newest=Max("version")).values("name", "newest")
    ids = [
        profile_id
        for row in newest
        for profile_id in Profile.objects.filter(
            name=row["name"], version=row["newest"], is_offered=True
        ).values_list("pk", flat=True)
    ]
    return Profile.objects.filter(pk__in=ids).order_by("-is_built_in", "-name")
