"""References to secrets: where a secret stands.  The secret itself is never a setting.

Settings are kept in versions, shown on pages and sent in bundles, so they hold `env:NAME` or
`file:/path` only.  The form is checked where a setting is checked, the presence where the secret
is used.  A reference reads no more than variables of this service and files in the folder for
secrets, so that whoever may change settings cannot have other files sent somewhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from django.utils.translation import gettext_noop as _
from pydantic import AfterValidator

from config.sections import Accepts

FOLDER_VARIABLE: Final = "PKTMASK_SECRETS_DIR"
USUAL_FOLDER: Final = "/run/secrets"
MAX_SECRET_BYTES: Final = 1 << 16
WORDS: Final = _(
    "a reference to a secret as in env:PKTMASK_NAME or file:/run/secrets/name, or nothing; "
    "never the secret itself"
)
_ENV: Final = re.compile("env:(PKTMASK_[A-Z0-9_]+)")
_FILE: Final = re.compile(r"file:(/[A-Za-z0-9._/-]+)")
# what the service itself stands on goes nowhere
_CLOSED: Final = frozenset(
    f"PKTMASK_{name}"
    for name in (
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "S3_ACCESS_KEY",
        "S3_SECRET_KEY",
        "ADMIN_PASSWORD",
    )
)


_EMPTY: Final = {
    "env": _(
        "The variable %(place)s holds no secret; give it one and start the service again, "
        "or change the reference in the settings."
    ),
    "file": _(
        "The file %(place)s holds no secret; give it one and start the service again, "
        "or change the reference in the settings."
    ),
}


class SecretMissingError(Exception):
    """A reference leads to no secret; the text says what to do and holds no secret."""


def is_reference(text: str) -> bool:
    """Tell whether a text has the form of a reference."""
    named, path = _ENV.fullmatch(text), _FILE.fullmatch(text)
    if named:
        return named[1] not in _CLOSED
    return path is not None and ".." not in path[1].split("/")


def _checked(text: str) -> str:
    if text and not is_reference(text):
        raise ValueError(WORDS)
    return text


SecretReference = Annotated[str, AfterValidator(_checked), Accepts(WORDS, conceals=True)]


def secret(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the secret that a reference leads to, without white space around it.

    Raises SecretMissingError.
    """
    source = os.environ if environ is None else environ
    if not is_reference(reference):
        raise SecretMissingError(
            _("This is no reference to a secret; expected %(accepted)s.") % {"accepted": WORDS}
        )
    kind, place = reference.split(":", 1)
    found = source.get(place, "") if kind == "env" else _of_file(place, source)
    if not found.strip():
        raise SecretMissingError(_EMPTY[kind] % {"place": place})
    return found.strip()


def _closed_in(environ: Mapping[str, str]) -> list[str]:
    return [name for name in sorted(_CLOSED) if environ.get(f"{name}_FILE")]


def _of_file(place: str, environ: Mapping[str, str]) -> str:
    """Return what stands in a file of the folder for secrets; raises SecretMissingError."""
    folder = Path(environ.get(FOLDER_VARIABLE) or USUAL_FOLDER).resolve()
    path = Path(place).resolve()
    if any(path == Path(environ[f"{name}_FILE"]).resolve() for name in _closed_in(environ)):
        raise SecretMissingError(
            _("The file %(place)s is for the service itself; take another.") % {"place": place}
        )
    if not path.is_relative_to(folder):
        raise SecretMissingError(
            _(
                "The file %(place)s is not in %(folder)s, the folder for secrets; "
                "put it there, or name its folder in %(variable)s."
            )
            % {"place": place, "folder": folder, "variable": FOLDER_VARIABLE}
        )
    try:
        if path.stat().st_size > MAX_SECRET_BYTES:
            raise SecretMissingError(
                _("The file %(place)s is too large to be a secret.") % {"place": place}
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise SecretMissingError(
            _("The file %(place)s cannot be read: %(why)s.")
            % {"place": place, "why": error.strerror}
        ) from None
    except UnicodeDecodeError:
        raise SecretMissingError(_("The file %(place)s is no text.") % {"place": place}) from None
