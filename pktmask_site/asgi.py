"""The ASGI application: pages, the live feed, and the web process's own background task."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
django.setup(set_prefix=False)

# what follows uses models, so the apps must be there first
from channels.auth import AuthMiddlewareStack  # noqa: E402 - see above
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - see above
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402 - see above

from monitoring.live.tail import lifespan  # noqa: E402 - see above
from monitoring.routing import websocket_urlpatterns  # noqa: E402 - see above
from pktmask_site.spooling import SpoolingHandler  # noqa: E402 - see above
from pktmask_site.upload_guard import UploadGuard  # noqa: E402 - see above

application = ProtocolTypeRouter(
    {
        "http": UploadGuard(SpoolingHandler()),
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
        ),
        "lifespan": lifespan,
    }
)
