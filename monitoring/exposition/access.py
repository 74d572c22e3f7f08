"""Who may read figures without an account: with the token, or from a network that is trusted.

An address is believed only when the request came straight from it.  Through a proxy every request
has the proxy's address, or one that its sender may have made up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

import structlog
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from config.secret_references import SecretMissingError, secret
from monitoring.exposition.conf import Network, exposition_settings, read_networks

log = structlog.get_logger("pktmask.exposition")
SCHEME: Final = "bearer"
MAY_READ: Final = "monitoring.view_metricsample"
# what a proxy adds to a request that it passes on
FORWARDED: Final = ("Forwarded", "Via", "X-Real-Ip", "X-Forwarded-For", "X-Forwarded-Proto")


def is_near(address: str, headers: Mapping[str, str], networks: Sequence[Network]) -> bool:
    """Tell whether a request comes straight from one of the networks."""
    if any(name in headers for name in FORWARDED):
        return False
    try:
        found = ip_address(address)
    except ValueError:
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)


def has_token(authorization: str, reference: str) -> bool:
    """Tell whether a request carries the token; never where none is set, or it is missing."""
    scheme, _, given = authorization.partition(" ")
    if not reference or scheme.lower() != SCHEME:
        return False
    try:
        wanted = secret(reference)
    except SecretMissingError as error:
        # the sentence names the place and holds no secret
        log.error("exposition_token_missing", reason=str(error))
        return False
    return constant_time_compare(given.strip(), wanted)


def may_read(request: HttpRequest) -> bool:
    """Tell whether a request may read figures: by token, by network, or by its user's role."""
    limits = exposition_settings()
    address, networks = request.META.get("REMOTE_ADDR", ""), read_networks(limits.networks)
    if is_near(address, request.headers, networks):
        return True
    if has_token(request.headers.get("Authorization", ""), limits.token):
        return True
    return request.user.is_authenticated and request.user.has_perm(MAY_READ)
