"""A way to an HTTP server that can be closed, slowed down, or made to refuse what is stored."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Final

from tests.cluster.ports import lasting_port

CHUNK_BYTES: Final = 1 << 16
STORING: Final = (b"PUT ", b"POST")


class Gate:
    """Passes connections on to a port of this machine."""

    def __init__(self, to_port: int) -> None:
        self.port = lasting_port()
        self._to_port = to_port
        self._mode = "open"
        self._answer = b""
        self._delay_seconds = 0.0
        self._connections: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=100)
        threading.Thread(target=self._accept, daemon=True).start()

    def open(self) -> None:
        """Let everything pass."""
        self._mode = "open"

    def close(self) -> None:
        """End every connection, also those that come."""
        self._mode = "closed"
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def slow_down(self, seconds: float) -> None:
        """Let each piece of an answer come so much later."""
        self._delay_seconds, self._mode = seconds, "slow"

    def refuse_to_store(self, status: str) -> None:
        """Answer with a status to whoever stores; connections that are open are ended."""
        self.close()
        head = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self._answer, self._mode = head.encode(), "refusing"

    def end(self) -> None:
        """Stop listening."""
        self.close()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            if self._mode == "closed":
                return
            first = b""
            if self._mode == "refusing":
                with suppress(OSError):
                    first = client.recv(CHUNK_BYTES)
                if first[:4] in STORING:
                    with suppress(OSError):
                        client.sendall(self._answer)
                    return
            with (
                suppress(OSError),
                socket.create_connection(("127.0.0.1", self._to_port)) as server,
            ):
                self._connections |= {client, server}
                try:
                    server.sendall(first)
                    back = threading.Thread(target=self._pass, args=(server, client, True))
                    back.start()
                    self._pass(client, server, False)
                    back.join()
                finally:
                    self._connections -= {client, server}

    def _to_server(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._to_port))

    def _pass(self, source: socket.socket, target: socket.socket, is_answer: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(CHUNK_BYTES):
                if is_answer and self._mode == "slow":
                    time.sleep(self._delay_seconds)
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
