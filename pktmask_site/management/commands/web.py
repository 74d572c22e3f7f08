"""``manage.py web``: the ASGI server in the foreground."""

from __future__ import annotations

import math
import signal
import sys
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.current import Watch
from monitoring.conf import monitoring_settings
from pktmask_site.databases import share_connections
from pktmask_site.orderly_stop import Lingering, OrderlyServer
from pktmask_site.supervisor import FORCE_SECONDS

# a page says 8 KiB at most (monitoring.live.topics)
WS_MAX_BYTES = 64 << 10


class Command(BaseCommand):
    """Runs until SIGTERM or Ctrl-C."""

    help = "Serve the console and the live feed."
    # `up` has checked them
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the address to listen on."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the server; exit code 1 when it could not start."""
        grace_seconds = monitoring_settings().grace_seconds
        trusts_proxy = settings.INSTALLATION.trusts_proxy
        config = uvicorn.Config(
            settings.ASGI_APPLICATION.replace(".application", ":application"),
            host=options["host"],
            port=options["port"],
            access_log=False,
            log_config=None,
            proxy_headers=trusts_proxy,
            # who may reach the port is the installation's choice; a proxy there is believed
            forwarded_allow_ips="*" if trusts_proxy else "",
            server_header=False,
            http=Lingering,
            # what an open page says is short; longer messages are not taken in
            ws_max_size=WS_MAX_BYTES,
            # what is still being answered then is cut off, before the supervisor does it by force
            timeout_graceful_shutdown=math.floor(grace_seconds - FORCE_SECONDS),
        )
        server = OrderlyServer(config)
        share_connections()
        Watch("web").start()
        # the server raises the signals that it caught again, once it has ended in order
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        server.run()
        if not server.started:
            sys.exit(1)
