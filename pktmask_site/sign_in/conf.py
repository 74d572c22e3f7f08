"""The settings of signing in, with their units."""

from __future__ import annotations

from typing import ClassVar, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from config.current import current
from config.sections import Section, registry


@registry.register
class SignInSettings(Section):
    section: ClassVar = "sign_in"
    title: ClassVar = _("Sign-in")
    help: ClassVar = _("How often signing in may be tried, and how long it lasts.")

    account_attempts: int = Field(
        10, ge=3, le=50, description=_("so often a name may be tried before each try has to wait")
    )
    account_seconds: int = Field(
        60, ge=45, le=3600, description=_("how long one more try with a name takes to come then")
    )
    address_attempts: int = Field(
        50, ge=3, le=1000, description=_("so often an address may try, with whatever names")
    )
    address_seconds: int = Field(
        10, ge=1, le=3600, description=_("how long one more try from an address takes to come then")
    )
    alert_failures: int = Field(
        50, ge=1, le=100_000, description=_("so many refusals within ten minutes are an alert")
    )
    idle_minutes: int = Field(
        30, ge=5, le=720, description=_("a sign-in is over when no page was asked for so long")
    )
    second_factor: Literal["optional", "required"] = Field(
        "optional",
        description=_(
            "required: operators, approvers and administrators sign in with a second "
            "factor; optional: whoever wants to"
        ),
    )
    longest_hours: int = Field(
        12,
        ge=1,
        le=24,
        description=_("a sign-in is over after so long, whatever is done meanwhile"),
    )


def sign_in_settings() -> SignInSettings:
    """Return the settings in force."""
    return current().of(SignInSettings)
