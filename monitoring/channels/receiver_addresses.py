"""Which addresses a webhook may connect to.  Pure.

Whoever may change settings must not reach through this service what only its machine can reach.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext_noop as _

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# clouds answer there with credentials of the machine; some of them lie outside of 169.254.0.0/16
METADATA: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
# IPv6 addresses that stand for an IPv4 address in their last bits: RFC 6052, RFC 8215
_TRANSLATED: Final = tuple(
    ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48")
)


def refusal(text: str, *, allow_private: bool) -> str:
    """Return why an address must not be connected to; empty when it may be."""
    address = meant(ipaddress.ip_address(text.partition("%")[0]))
    if address in METADATA or address.is_link_local:
        return _("is link-local or serves the metadata of a cloud")
    if address.is_multicast or address.is_unspecified or _is_reserved(address):
        return _("is no address of a receiver")
    if not allow_private and (not address.is_global or _is_site_local(address)):
        return _("is in a private network or on this machine")
    return ""


def meant(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    return inner or address


def checked(addresses: Sequence[str], *, allow_private: bool) -> str:
    """Return the first address; raises ValueError when any of them must not be connected to.

    Each is checked: a name with one good address and one bad one is refused.
    """
    if not addresses:
        raise ValueError(_("has no address"))
    for text in addresses:
        if why := refusal(text, allow_private=allow_private):
            raise ValueError(why)
    return addresses[0]


def _is_site_local(address: Address) -> bool:
    return isinstance(address, ipaddress.IPv6Address) and address.is_site_local


def _is_reserved(address: Address) -> bool:
    return address.is_reserved and not address.is_loopback
