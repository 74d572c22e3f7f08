"""Where the service listens, how it is reached from this machine, and whether it answers."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Final

from django.conf import settings

# addresses that mean all of this machine, and how it is reached from itself
EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def host_and_port(environ: Mapping[str, str]) -> tuple[str, int]:
    """Return where to listen; raises ValueError that says what is wrong with PORT."""
    text = environ.get("PORT") or "8000"
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise ValueError(f"PORT is {text!r}; expected a number from 1 to 65535.")
    return environ.get("PKTMASK_HOST") or "127.0.0.1", int(text)


def address_of(host: str, port: int) -> str:
    """Return the address of the start page."""
    reached = _reached_at(host)
    return f"http://[{reached}]:{port}/" if ":" in reached else f"http://{reached}:{port}/"


def answers(host: str, port: int) -> bool:
    """Return whether something that speaks HTTP answers, whatever it says."""
    connection = http.client.HTTPConnection(_reached_at(host), port, timeout=5)
    allowed = settings.ALLOWED_HOSTS[0].lstrip(".*") if settings.ALLOWED_HOSTS else ""
    try:
        connection.request("GET", "/sign-in/", headers={"Host": allowed or "localhost"})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _reached_at(host: str) -> str:
    return EVERYWHERE.get(host, host)
