"""The server's side of a connection: what is no body has an end.

The parser of the server takes heads and trailers of any length into memory, from anybody.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# a head is some kilobytes; what came in one piece with its end is let through
MAX_HEAD_BYTES: Final = 64 << 10
REFUSAL: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 40\r\nconnection: close\r\n\r\n"
    b"The head of the request is over 64 KiB.\n"
)


class BoundedHeads(HttpToolsProtocol):
    """Ends a connection on which too much came without a head, a body or a message to its end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._without_progress_bytes = 0
        self._got_on = False

    def data_received(self, data: bytes) -> None:
        """Read on, unless that was too much."""
        self._got_on = False
        super().data_received(data)
        if self._got_on:
            self._without_progress_bytes = 0
            return
        self._without_progress_bytes += len(data)
        if self._without_progress_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(REFUSAL)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """Note that a head is whole."""
        self._got_on = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that a body goes on."""
        self._got_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a message is whole."""
        self._got_on = True
        super().on_message_complete()
