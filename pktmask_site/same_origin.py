"""Lets only pages of this console open the live feed.

Browsers send cookies with a WebSocket whatever page opens it, and other services on the same host
have another port and the same cookies: so host and port must be those that were asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host

USUAL_PORTS: Final = {"http": "80", "https": "443"}
App = Callable[[Any, Any, Any], Awaitable[None]]


def is_same_origin(origin: str, host: str, scheme: str, allowed_hosts: list[str]) -> bool:
    """Tell whether a page of ``origin`` may open what is asked for at ``host``.

    ``scheme`` is that of the connection.  Proxies leave out the usual port.
    """
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    usual = USUAL_PORTS.get(page.scheme)
    if usual is None or (scheme == "wss" and page.scheme != "https"):
        return False
    page_host, page_port = split_domain_port(page.netloc)
    asked_host, asked_port = split_domain_port(host)
    if not page_host or page_host != asked_host or not validate_host(asked_host, allowed_hosts):
        return False
    return (page_port or usual) == (asked_port or usual)


class SameOrigin:
    """An ASGI application that refuses what another page opens, before anything is accepted."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass on or refuse one connection."""
        headers = dict(scope["headers"])
        origin, host = (headers.get(name, b"").decode("latin-1") for name in (b"origin", b"host"))
        scheme = scope.get("scheme", "ws")
        if is_same_origin(origin.lower(), host.lower(), scheme, settings.ALLOWED_HOSTS):
            await self._app(scope, receive, send)
        else:
            await WebsocketDenier()(scope, receive, send)
