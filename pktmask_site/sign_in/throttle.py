"""How often signing in may be tried, for each name and each address, on all machines together.

A try is taken before the password is looked at, by one statement that either takes it or does not:
however many come at once, no more are let through.  A name is counted whether there is such an
account or not.  Where somebody has signed in with a name lately, that address has tries of its own
for it: who does not know the password keeps nobody out.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest
from django.utils.crypto import salted_hmac

from pktmask_site.sign_in.conf import SignInSettings, sign_in_settings
from pktmask_site.sign_in.models import SignInTry

SECOND: Final = 1_000_000
KNOWN_FOR: Final = timedelta(days=30)
# of one name or address no more is written into the audit log
TOLD_EVERY: Final = timedelta(minutes=1)
# networks hand out so much of IPv6 to one customer
IPV6_PREFIX: Final = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """``tries`` at once; each comes back after ``seconds``."""

    kind: str
    key: str
    tries: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing may be tried for so long, and why.

    ``news`` is how many tries were refused since that was told last; 0 where it was told lately.
    """

    wait_seconds: int
    kind: str
    news: int


def micros(at: datetime) -> int:
    """Return a time as the table has it."""
    return int(at.timestamp() * SECOND)


def key_of(*parts: str) -> str:
    """Return a digest with a key, from which a name or an address cannot be guessed."""
    whole = "\n".join(f"{len(part)}:{part}" for part in parts)
    return salted_hmac("pktmask sign-in", whole, algorithm="sha256").hexdigest()


def network_of(address: str | None) -> str:
    """Return what counts as one address: of IPv6 the network of one customer."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), IPV6_PREFIX), strict=False))
    return str(found)


def same_name(name: str) -> str:
    """Return what counts as one name."""
    return unicodedata.normalize("NFKC", name).casefold()


def limits_for(name: str, address: str | None, now: datetime) -> tuple[Limit, ...]:
    """Return the limits of a try, in the order in which they are asked."""
    limits = sign_in_settings()
    there = network_of(address)
    known = key_of("known", same_name(name), there)
    is_known = SignInTry.objects.filter(pk=known, known_until__gt=micros(now)).exists()
    account = known if is_known else key_of("account", same_name(name))
    return (_of_address(limits, there), _of_account(limits, account))


def limits_for_codes(person: int, address: str | None) -> tuple[Limit, ...]:
    """Return the limits of a try of a second factor."""
    limits = sign_in_settings()
    account = key_of("second factor", str(person))
    return (_of_address(limits, network_of(address)), _of_account(limits, account))


def _of_address(limits: SignInSettings, there: str) -> Limit:
    return Limit(
        "address", key_of("address", there), limits.address_attempts, limits.address_seconds
    )


def _of_account(limits: SignInSettings, key: str) -> Limit:
    return Limit("account", key, limits.account_attempts, limits.account_seconds)


def take(limits: tuple[Limit, ...], now: datetime) -> Refused | None:
    """Take a try of each limit; None when there was one of each."""
    SignInTry.objects.bulk_create(
        [SignInTry(key=limit.key) for limit in limits], ignore_conflicts=True
    )
    at = micros(now)
    for limit in limits:
        step = limit.seconds * SECOND
        latest = at + (limit.tries - 1) * step
        free = SignInTry.objects.filter(pk=limit.key, full_at__lte=latest)
        if free.update(full_at=Greatest(F("full_at"), Value(at)) + step) == 0:
            return _refused(limit, latest, now)
    return None


def _refused(limit: Limit, latest: int, now: datetime) -> Refused:
    rows = SignInTry.objects.filter(pk=limit.key)
    rows.update(untold=F("untold") + 1)
    full_at, untold = rows.values_list("full_at", "untold").first() or (latest, 0)
    # whoever tells them takes them off, and not those that came meanwhile
    due = rows.filter(told_at__lte=micros(now - TOLD_EVERY), untold__gte=untold)
    is_told = due.update(told_at=micros(now), untold=F("untold") - untold) == 1
    return Refused(
        wait_seconds=max(1, -((latest - full_at) // SECOND)),
        kind=limit.kind,
        news=untold if is_told else 0,
    )


def untold_since(since: datetime) -> int:
    """Return how many tries were refused of which the audit log says nothing yet.

    ``since`` is when the last one that counts can have been told: each waits for its next one.
    """
    waiting = SignInTry.objects.filter(told_at__gte=micros(since), untold__gt=0)
    return waiting.aggregate(Sum("untold", default=0))["untold__sum"] or 0


def give_back(limits: tuple[Limit, ...], name: str, address: str | None, now: datetime) -> None:
    """Note that a try was right: its address is known for the name, and all tries are there."""
    known = key_of("known", same_name(name), network_of(address))
    until = micros(now + KNOWN_FOR)
    SignInTry.objects.update_or_create(pk=known, defaults={"full_at": 0, "known_until": until})
    for limit in limits:
        row = SignInTry.objects.filter(pk=limit.key)
        if limit.kind == "address":
            # who has one account must not be able to try others without end
            row.update(full_at=F("full_at") - limit.seconds * SECOND)
        else:
            row.update(full_at=0)


def remove_old(now: datetime) -> int:
    """Remove what says nothing any more; return how much."""
    at = micros(now)
    return SignInTry.objects.filter(full_at__lt=at, known_until__lt=at).delete()[0]
