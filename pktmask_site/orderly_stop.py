"""The web server ends so that a proxy before it has no request that nobody answers.

By itself the server closes, at the wish to stop, connections that the kernel has taken and it has
not, those whose request is still on its way, and idle ones that a request is being written to.  A
proxy must not repeat a POST that it has sent, so each of them is an error somebody sees.
"""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import Any, Final

import uvicorn

from pktmask_site.bounded_heads import BoundedHeads

# so long a request may be on its way; a proxy sees meanwhile that new connections are refused
LINGER_SECONDS: Final = 1.0


class Lingering(BoundedHeads):
    """Told to end, it answers what comes within ``LINGER_SECONDS``, and says that it was the last.

    It is given to the server as its protocol.
    """

    _is_ending = False

    def shutdown(self) -> None:
        """Begin to end; whoever is being answered is told that it was the last as well."""
        self._is_ending = True
        if self.cycle is None or self.cycle.response_complete:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                LINGER_SECONDS, self.timeout_keep_alive_handler
            )
        else:
            self.cycle.keep_alive = False

    def on_headers_complete(self) -> None:
        """Say so with the answer."""
        super().on_headers_complete()
        if self._is_ending and self.cycle is not None:
            self.cycle.keep_alive = False


class OrderlyServer(uvicorn.Server):
    """A server that answers on every connection that was made before its end."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the connections that the kernel has taken, then end."""
        # these keep the kernel's queues alive while the server closes its own
        queues = [
            socket.socket(fileno=os.dup(each.fileno()))
            for server in self.servers
            for each in server.sockets
        ]
        for server in self.servers:
            server.close()
        loop = asyncio.get_running_loop()
        for connection in [each for queue in queues for each in accepted(queue)]:
            await loop.connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol


def accepted(queue: socket.socket) -> list[socket.socket]:
    """Return the connections that wait in the kernel, and close the queue behind the last one."""
    found = []
    with queue, suppress(BlockingIOError):
        queue.setblocking(False)
        while True:
            found.append(queue.accept()[0])
    return found
