"""The settings of the API, with their units."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from config.current import current
from config.sections import Section, registry


@registry.register
class ApiSettings(Section):
    section: ClassVar = "api"
    title: ClassVar = _("API")
    help: ClassVar = _("How long tokens of scripts are valid, and how often they may ask.")

    longest_token_days: int = Field(
        365, ge=1, le=3650, description=_("a token is valid for at most so long")
    )
    requests_per_minute: int = Field(
        600, ge=10, le=100_000, description=_("so often one token may ask within a minute")
    )
    address_attempts: int = Field(
        20, ge=3, le=1000, description=_("so often an address may send a token that is not valid")
    )
    address_seconds: int = Field(
        10, ge=1, le=3600, description=_("how long one more of these takes to come then")
    )


def api_settings() -> ApiSettings:
    """Return the settings in force."""
    return current().of(ApiSettings)
