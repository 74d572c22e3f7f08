"""Names of captures, as people give them: what is accepted, and why another is not."""

from __future__ import annotations

import unicodedata
from typing import Final

MAX_NAME_CHARACTERS: Final = 200
# control, format (bidirectional overrides among them), surrogate, private use, unassigned
REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class NameRefusedError(ValueError):
    """A name that is not accepted; ``shown`` is safe to show."""

    def __init__(self, name: str, reason: str) -> None:
        self.shown = shown(name)
        self.reason = reason
        super().__init__(reason)


def shown(name: str) -> str:
    """Return ``name`` so that it can be shown: refused characters replaced, cut at 60."""
    plain = "".join("\ufffd" if _refused(character) else character for character in name)
    return plain if len(plain) <= 60 else f"{plain[:57]}..."


def as_file(name: str) -> str:
    """Return ``name`` so that it is one of a file, and of no path, anywhere.

    Uploads refuse what is replaced here; a row may come from elsewhere, as from a backup.
    """
    return "".join("_" if _refused(each) or each in "/\\" else each for each in name)


def checked_name(name: str) -> str:
    """Return the name in Unicode's composed form, or raise NameRefusedError with what to do."""
    from django.utils.translation import gettext as _

    if any(_refused(character) for character in name):
        raise NameRefusedError(
            name, _("The name holds a control character. Rename the file and upload it again.")
        )
    if "/" in name or "\\" in name or name.strip() in ("", ".", ".."):
        raise NameRefusedError(
            name, _("The name holds a path. Give the file a plain name and upload it again.")
        )
    composed = unicodedata.normalize("NFC", name.strip())
    if len(composed) > MAX_NAME_CHARACTERS:
        raise NameRefusedError(
            name,
            _("The name has %(count)d characters, at most %(limit)d are accepted. Shorten it.")
            % {"count": len(composed), "limit": MAX_NAME_CHARACTERS},
        )
    return composed


def _refused(character: str) -> bool:
    return unicodedata.category(character) in REFUSED_CATEGORIES
