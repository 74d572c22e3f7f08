"""Ports that a server may leave and come back to."""

from __future__ import annotations

import random
import socket
from typing import Final

# below those that the system gives to clients: one that asks again and again for a server that is
# away would be given the server's own port, and be connected to itself
PORTS: Final = range(20_000, 30_000)


def lasting_port() -> int:
    """Return a port on which nothing listens, and which no client is given."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
