"""A mail server for the tests: a real one on this machine that does what it is told to."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from monitoring.channels.conf import EmailSettings
from tests.monitoring.channels.receivers import free_port


@dataclass
class MailServer:
    """What arrived, and what is answered to whom: an address, ``DATA`` or ``AUTH`` to a reply."""

    port: int = 0
    got: list[Envelope] = field(default_factory=list)
    logins: list[LoginPassword] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Take a receiver, or say what was told."""
        said = self.replies.get(address, "250 OK")
        if said.startswith("2"):
            envelope.rcpt_tos.append(address)
        return said

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it so
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a message, or say what was told."""
        said = self.replies.get("DATA", "250 OK")
        if said.startswith("2"):
            self.got.append(envelope)
        return said

    def authenticator(self, _server: Any, _s: Any, _e: Any, _m: str, data: Any) -> AuthResult:
        """Let everybody in, or say what was told."""
        self.logins.append(data)
        said = self.replies.get("AUTH")
        return AuthResult(success=said is None, handled=False, message=said)

    def mail(self, number: int = 0) -> EmailMessage:
        """Return a message as a program of a reader parses it."""
        content = self.got[number].content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        return found

    def settings(self, **more: Any) -> EmailSettings:
        """Return settings that lead here."""
        given: dict[str, Any] = {
            "enabled": True,
            "sender": "pktmask@example.org",
            "receivers": "one@example.org, two@example.org",
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
        }
        return EmailSettings(**{**given, **more})


@contextmanager
def mail_server(
    tls: ssl.SSLContext | None = None,
    *,
    from_start: bool = False,
    server: MailServer | None = None,
) -> Iterator[MailServer]:
    """Run a server; with ``tls`` it wants STARTTLS and a name, or speaks TLS from the start.

    ``server`` is one whose port is known before it runs.
    """
    server = server or MailServer(free_port())
    options: dict[str, Any] = {}
    if tls is not None and not from_start:
        options = {
            "tls_context": tls,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": server.authenticator,
        }
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        ssl_context=tls if from_start else None,
        **options,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@contextmanager
def raw_server(greeting: bytes | None) -> Iterator[int]:
    """Listen and say ``greeting`` to whoever comes, nothing for None; yields the port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)

        def serve() -> None:
            with suppress(OSError):
                connected, _address = listening.accept()
                with connected:
                    if greeting is None:
                        over.wait(60)
                    else:
                        connected.sendall(greeting)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()
