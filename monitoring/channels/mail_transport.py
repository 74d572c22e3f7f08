"""Handing a mail to the server that the section ``email`` names, and what its answers mean."""

from __future__ import annotations

import base64
import contextlib
import smtplib
from collections.abc import Iterator, Sequence
from email.mime.image import MIMEImage
from typing import Any, Final

import structlog
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.utils.translation import gettext_noop as _

from config.secret_references import secret
from monitoring.channels import words
from monitoring.channels.base import ChannelError
from monitoring.channels.conf import EmailSettings
from monitoring.channels.failures import as_channel_errors
from monitoring.channels.guarded_names import guarded

log = structlog.get_logger("pktmask.channels")

MAX_QUOTED_CHARACTERS: Final = 200
# RFC 5321, 4.2.1: the first digit says whether trying again can help
PERMANENT: Final = range(500, 600)


def hand_over(
    made: EmailMultiAlternatives, settings: EmailSettings, receivers: Sequence[str]
) -> str:
    """Hand a mail to the server and return what it said; raises ChannelError.

    Where the server takes it for some receivers only, the answer says for how many; when it asks to
    try again for one of them, all get it again, so the mail must have a Message-ID of its own.
    """
    written: Any = made.message()  # Django's, which writes line ends as SMTP has them
    content = written.as_bytes(linesep="\r\n")
    with as_channel_errors(_("The mail server")), guarded(allow_private=True):
        password = _password(settings)
        with _told_by_server(password), _signed_in(settings, password) as server:
            refused = server.sendmail(settings.sender, receivers, content)
    if any(code not in PERMANENT for code, _said in refused.values()):
        raise ChannelError(
            _("The mail server takes it later for %(refused)d of %(all)d receivers.")
            % {"refused": len(refused), "all": len(receivers)}
        )
    taken = len(receivers) - len(refused)
    if refused:
        log.warning("mail_receivers_refused", refused=len(refused), taken=taken)
        said = _("The mail server took it for %(taken)d and refused %(refused)s.")
        return said % {"taken": taken, "refused": ", ".join(refused)}
    return _("The mail server took it for %(taken)d.") % {"taken": taken}


def attach_inside(made: EmailMultiAlternatives, png: bytes, name: str, content_id: str) -> None:
    """Attach a picture that the HTML of the mail shows as ``cid:`` and its content id."""
    image = MIMEImage(png, "png")
    image.add_header("Content-ID", f"<{content_id}>")
    image.add_header("Content-Disposition", "inline", filename=f"{name}.png")
    made.mixed_subtype = "related"  # type: ignore[attr-defined]  # the stubs lack it
    made.attach(image)


def _password(settings: EmailSettings) -> str:
    """Return the password, empty for none; raises ChannelError and SecretMissingError."""
    if bool(settings.user) != bool(settings.password):
        raise ChannelError(_("email.user and email.password belong together; set both or none."))
    if settings.password and settings.security == "none":
        raise ChannelError(
            _("A password is not sent without TLS; set email.security to starttls or tls.")
        )
    return secret(settings.password) if settings.password else ""


@contextlib.contextmanager
def _signed_in(settings: EmailSettings, password: str) -> Iterator[smtplib.SMTP]:
    """Yield a connection to the server; how it ends is not held against what was sent."""
    backend = EmailBackend(
        host=settings.host,
        port=settings.port,
        username=settings.user,
        password=password,
        use_tls=settings.security == "starttls",
        use_ssl=settings.security == "tls",
        timeout=settings.timeout_seconds,
    )
    try:
        backend.open()
        assert backend.connection is not None  # or it would have raised
        yield backend.connection
    finally:
        with contextlib.suppress(OSError):
            backend.close()


@contextlib.contextmanager
def _told_by_server(password: str) -> Iterator[None]:
    """Raise ChannelError with what the server said for whatever it refuses."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _said in error.recipients.values()}
        _code, said = next(iter(error.recipients.values()))
        raise ChannelError(
            _("The mail server refused all receivers.") + _quoted(said, password),
            permanent=all(code in PERMANENT for code in codes),
        ) from None
    except smtplib.SMTPAuthenticationError as error:
        raise ChannelError(
            _("The mail server does not accept name and password (%(code)d).")
            % {"code": error.smtp_code},
            permanent=error.smtp_code in PERMANENT,
        ) from None
    except smtplib.SMTPResponseException as error:
        raise ChannelError(
            _("The mail server refused it.") + _quoted(error.smtp_error, password),
            permanent=error.smtp_code in PERMANENT,
        ) from None
    except smtplib.SMTPNotSupportedError:
        raise ChannelError(
            _("The mail server does not offer what is needed: STARTTLS, or signing in.")
        ) from None
    except smtplib.SMTPServerDisconnected:
        raise ChannelError(
            _("The mail server broke the connection off, or did not answer in time.")
        ) from None


def _quoted(said: bytes | str, password: str) -> str:
    """Return the words of the server as a sentence to follow another, without the password."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    text = words.one_line(text)
    for form in filter(None, (password, base64.b64encode(password.encode()).decode())):
        text = text.replace(form, "[redacted]")
    if not text:
        return ""
    quoted = _("The server said: “%(typed_answer)s”.")
    return " " + quoted % {"typed_answer": words.cut(text, MAX_QUOTED_CHARACTERS)}
