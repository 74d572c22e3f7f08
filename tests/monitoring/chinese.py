"""What of a text is English where it should be Chinese."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

from django.utils import translation

from config.languages.told import told

CHINESE: Final = "zh-hans"
# two words of English beside each other
WORDS: Final = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


def english(texts: Iterable[str], names: Collection[str] = ()) -> list[str]:
    """Return what the catalogue has in Chinese, and what seems to be English; without names."""
    found = []
    with translation.override(CHINESE):
        for text in texts:
            for name in names:
                text = text.replace(name, "")
            tidy = " ".join(text.split())
            if told(tidy) != tidy or WORDS.search(tidy):
                found.append(tidy)
    return found
