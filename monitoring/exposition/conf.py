"""The settings of what outside systems may read."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator, Field

from config.current import current
from config.secret_references import SecretReference
from config.sections import Accepts, Section, registry

Network = IPv4Network | IPv6Network


def read_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a text with commas; raises ValueError for what is none."""
    return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())


def _checked(text: str) -> str:
    read_networks(text)
    return text


Networks = Annotated[
    str,
    AfterValidator(_checked),
    Accepts(_("networks, as in 127.0.0.0/8, 10.1.0.0/16, ::1/128, or nothing")),
]


@registry.register
class ExpositionSettings(Section):
    section: ClassVar = "exposition"
    title: ClassVar = _("Outside systems")
    help: ClassVar = _("Who may read figures without an account: `/metrics` and `/badge.svg`.")

    token: SecretReference = Field(
        "",
        description=_("where the token stands that Prometheus sends; empty: no token is accepted"),
    )
    networks: Networks = Field(
        "127.0.0.0/8, ::1/128",
        description=_("who asks from these networks, and not through a proxy, needs no token"),
    )
    badge_for_all: bool = Field(
        False, description=_("whether anybody may see the badge, as in a page of another system")
    )


def exposition_settings() -> ExpositionSettings:
    """Return the settings in force."""
    return current().of(ExpositionSettings)
