"""Stored English in the language that is active now."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.utils import translation
from django.utils.translation import get_language, pgettext, to_locale

from config.languages.catalogue import entries
from config.languages.sentences import Sentences

# pages show the same sentences again and again
MAX_REMEMBERED: Final = 4096


def told(text: object) -> str:
    """Return a stored text in the language that is active now; what is not known stays as it is."""
    # a copy is never marked as safe for HTML, whatever the text was
    return _told(str(text)[:], get_language() or settings.LANGUAGE_CODE)


def in_record() -> translation.override:
    """Write within it what is stored: English, whoever caused it."""
    return translation.override(settings.LANGUAGE_CODE)


def listed(parts: Iterable[object]) -> str:
    """Return the parts of a list as the language that is active now puts them side by side."""
    return pgettext("between the parts of a list", ", ").join(map(str, parts))


@lru_cache(MAX_REMEMBERED)
def _told(text: str, language: str) -> str:
    sentences = _sentences(language)
    return text if sentences is None else sentences.translated(text)


@cache
def _sentences(language: str) -> Sentences | None:
    for folder in settings.LOCALE_PATHS:
        path = Path(folder) / to_locale(language) / "LC_MESSAGES" / "django.mo"
        if path.is_file():
            return Sentences(entries(path.read_bytes()))
    return None
