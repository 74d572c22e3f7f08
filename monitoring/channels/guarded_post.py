"""One POST to a receiver that somebody named in the settings: checked, bounded, not redirected.

The name is resolved once, each of its addresses is checked, and the connection goes to the checked
address: a name that means something else a moment later (DNS rebinding) changes nothing.  Proxies
of the environment are not used.  Only the head of the answer is read.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from monitoring.channels.receiver_addresses import checked

Resolve = Callable[[str, int], Sequence[str]]


class ClosedAddressError(Exception):
    """The receiver's address must not be connected to; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of an answer; names of headers are in small letters."""

    status: int
    headers: Mapping[str, str]


def addresses_of(host: str, port: int) -> Sequence[str]:
    """Return all addresses of a name; raises socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_kind, sockaddr in found]


def post(
    scheme: str,
    host: str,
    port: int,
    target: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    timeout_seconds: float,
    allow_private: bool,
    resolve: Resolve = addresses_of,
) -> Answer:
    """Send ``body`` and return the head of the answer, all within ``timeout_seconds``.

    Raises ClosedAddressError, TimeoutError, other OSError and http.client.HTTPException.
    """
    deadline = time.monotonic() + timeout_seconds
    addresses = _within(lambda: resolve(host, port), timeout_seconds)
    try:
        address = checked(addresses, allow_private=allow_private)
    except ValueError as error:
        raise ClosedAddressError(str(error)) from None
    plain = socket.create_connection((address, port), timeout=_left(deadline))
    is_secure = scheme == "https"
    connected = _secured(plain, host) if is_secure else plain
    with _closed_after(connected), _ended_at(deadline, connected):
        if isinstance(connected, ssl.SSLSocket):
            connected.do_handshake()
        kind = http.client.HTTPSConnection if is_secure else http.client.HTTPConnection
        connection = kind(host, port)
        connection.sock = connected  # so that it resolves and connects nothing itself
        connection.request("POST", target, body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found)


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return ssl.create_default_context().wrap_socket(
            plain, server_hostname=host, do_handshake_on_connect=False
        )
    except BaseException:
        plain.close()
        raise


@contextmanager
def _closed_after(connected: socket.socket) -> Iterator[None]:
    """Close the connection for good, although what reads the answer may still refer to it."""
    try:
        yield
    finally:
        descriptor = connected.detach()
        if descriptor >= 0:
            os.close(descriptor)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


@contextmanager
def _ended_at(deadline: float, connected: socket.socket) -> Iterator[None]:
    """End the connection at ``deadline``: a time limit of a socket is only for each of its reads.

    Raises TimeoutError for whatever went wrong after that.
    """
    is_over = threading.Event()

    def end() -> None:
        is_over.set()
        # that of the plain socket: TLS has state that belongs to the other thread
        with suppress(OSError):  # it ended by itself
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(_left(deadline), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception:
        if not is_over.is_set():
            raise
    finally:
        timer.cancel()
    if is_over.is_set():  # an answer that was cut off may look like a whole one
        raise TimeoutError


def _within(work: Callable[[], Sequence[str]], seconds: float) -> Sequence[str]:
    """Return what ``work`` returns; raises what it raises, and TimeoutError.

    Resolving a name has no time limit of its own; a thread that is late is left alone.
    """
    found: list[Sequence[str]] = []
    wrong: list[OSError] = []

    def run() -> None:
        try:
            found.append(work())
        except OSError as error:
            wrong.append(error)
        except UnicodeError:  # a label of the name is empty or too long
            wrong.append(socket.gaierror(socket.EAI_NONAME, "no name"))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if wrong:
        raise wrong[0]
    if not found:
        raise TimeoutError
    return found[0]
