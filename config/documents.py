"""The documents of ``docs/``: where each lies, in which languages, and when it is due for review.

A document is called by its path without the ending, as in ``operations/...``.  English lies in
``docs/`` itself; a translation lies in the folder of its language, as in ``docs/zh-hans/``, under
the same path.  What is not translated is given in English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs"
START: Final = "README"
# the languages that have a folder of their own there, or may have one
TRANSLATED: Final = ("zh-hans",)
HEAD: Final = re.compile(r"---\n(.*?)\n---\n\s*", re.S)
FIELD: Final = re.compile(r"([a-z]+): +(\S.*)")
FIELDS: Final = ("version", "owner", "review")
_NOT_IN_SLUGS: Final = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Document:
    """A document in one language.  ``owner`` is the role that keeps it true."""

    name: str
    language: str
    version: str
    owner: str
    review: date
    text: str

    def is_overdue(self, today: date) -> bool:
        """Tell whether somebody should have read it anew."""
        return today > self.review


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it for the first of its name."""
    return _NOT_IN_SLUGS.sub("", heading.lower()).replace(" ", "-")


@cache
def names() -> tuple[str, ...]:
    """Return all documents, by name."""
    paths = (path.relative_to(FOLDER) for path in FOLDER.rglob("*.md"))
    return tuple(
        sorted(str(path.with_suffix("")) for path in paths if path.parts[0] not in TRANSLATED)
    )


@cache
def document(name: str, language: str = settings.LANGUAGE_CODE) -> Document | None:
    """Return a document, in English where it is not translated; None where there is none."""
    if name not in names():
        return None
    path = FOLDER / language / f"{name}.md"
    if language not in TRANSLATED or not path.is_file():
        language, path = settings.LANGUAGE_CODE, FOLDER / f"{name}.md"
    return read(name, language, path.read_text(encoding="utf-8"))


def read(name: str, language: str, whole: str) -> Document:
    """Read a document with its head; raises ValueError that says what is wrong with that."""
    found = HEAD.match(whole)
    if found is None:
        raise ValueError(f"{name} begins with no head: lines between two lines ---")
    head = dict(_field(name, line) for line in found[1].splitlines())
    if tuple(head) != FIELDS:
        raise ValueError(f"the head of {name} has {', '.join(head)}; expected {', '.join(FIELDS)}")
    text = whole[found.end() :]
    return Document(name, language, head["version"], head["owner"], _review(name, head), text)


def _field(name: str, line: str) -> tuple[str, str]:
    found = FIELD.fullmatch(line)
    if found is None:
        raise ValueError(f"the head of {name} has the line {line!r}; expected NAME: VALUE")
    return found[1], found[2]


def _review(name: str, head: Mapping[str, str]) -> date:
    try:
        return date.fromisoformat(head["review"])
    except ValueError:
        raise ValueError(
            f"the head of {name} has review: {head['review']}; expected a day as in 2027-05-31"
        ) from None


def all_documents() -> list[Document]:
    """Return every document in every language that it has."""
    found = [document(name, language) for language in _languages() for name in names()]
    return list(dict.fromkeys(each for each in found if each is not None))


def _languages() -> tuple[str, ...]:
    return (settings.LANGUAGE_CODE, *TRANSLATED)
