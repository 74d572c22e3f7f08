"""The runbook: the sections of docs/alerts.md about rules, as the page shows them.

Only what those sections use is understood: a heading of the third rank with the rule in backticks,
and paragraphs; names of pages that stand out there do not here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

DOCUMENT: Final = Path(__file__).resolve().parents[2] / "docs" / "alerts.md"
HEADING: Final = re.compile(r"^### `([a-z0-9_-]+)`\n", re.M)


@dataclass(frozen=True, slots=True)
class Section:
    """What one rule means and what to do; ``anchor`` is the name of the rule."""

    anchor: str
    paragraphs: Sequence[str]


@cache
def sections() -> tuple[Section, ...]:
    """Return the sections of the document."""
    return tuple(sections_in(DOCUMENT.read_text(encoding="utf-8")))


def sections_in(text: str) -> list[Section]:
    """Return the sections of a text, in its order."""
    parts = HEADING.split(text)
    return [
        Section(anchor, _paragraphs(body))
        for anchor, body in zip(parts[1::2], parts[2::2], strict=True)
    ]


def _paragraphs(body: str) -> list[str]:
    # a section ends where one of a higher rank begins
    body = re.split(r"^## ", body, maxsplit=1, flags=re.M)[0]
    return [" ".join(each.split()) for each in body.replace("**", "").split("\n\n") if each.strip()]
