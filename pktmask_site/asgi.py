"""The ASGI application: pages, the live feed, and the web process's own background task."""

from __future__ import annotations

import os
import warnings

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pktmask_site.settings")
django.setup(set_prefix=False)
# WhiteNoise gives files of the interface that way, the largest of 5 MB; captures have a way of
# their own
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")

# what follows uses models, so the apps must be there first
from channels.auth import AuthMiddlewareStack  # noqa: E402 - see above
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - see above

from monitoring.alerts.dead_man import watching  # noqa: E402 - see above
from monitoring.live.tail import lifespan  # noqa: E402 - see above
from monitoring.routing import websocket_urlpatterns  # noqa: E402 - see above
from pktmask_site.same_origin import SameOrigin  # noqa: E402 - see above
from pktmask_site.spooling import SpoolingHandler  # noqa: E402 - see above
from pktmask_site.upload_guard import UploadGuard  # noqa: E402 - see above

application = ProtocolTypeRouter(
    {
        "http": UploadGuard(SpoolingHandler()),
        "websocket": SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
        "lifespan": watching(lifespan),
    }
)
