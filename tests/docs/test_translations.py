"""Documents in other languages have the sections, commands and links of the English ones."""

from __future__ import annotations

import re
from typing import Final

import pytest

from config import documents
from pktmask_site.help.views import in_html

CODE: Final = re.compile(r"^```.*?^```", re.M | re.S)
COMMENT: Final = re.compile(r"<!--.*?-->", re.S)
# a paragraph, a row of a table, a step of a list
PART: Final = re.compile(r"^\n[^\n]|^\||^- |^\d+\. ", re.M)
# people look these up while something is on fire, or learn by them
NEEDED: Final = (
    "README",
    "deployment/HTTP_SCANNING_DEPLOYMENT_GUIDE",
    "operations/HTTP_SCANNING_OPERATIONS_MANUAL",
    "runbook",
    "settings",
    "training/README",
    "training/1-read-the-overview",
    "training/2-approve",
    "training/3-roll-back",
    "training/4-restore",
)


def translated() -> list[tuple[str, str]]:
    """Return every document with a language that it is translated into."""
    found = []
    for language in documents.TRANSLATED:
        for path in (documents.FOLDER / language).rglob("*.md"):
            name = str(path.relative_to(documents.FOLDER / language).with_suffix(""))
            found.append((name, language))
    return sorted(found)


@pytest.mark.parametrize("language", documents.TRANSLATED)
def test_what_people_operate_by_is_translated(language: str) -> None:
    assert {name for name, which in translated() if which == language} >= set(NEEDED)


@pytest.mark.parametrize(("name", "language"), translated())
def test_a_translation_is_of_the_document_as_it_is_now(name: str, language: str) -> None:
    english, other = documents.document(name), documents.document(name, language)
    assert english is not None
    assert other is not None
    assert other.language == language
    assert (other.version, other.review) == (english.version, english.review)
    here, there = in_html(name, language), in_html(name, english.language)
    assert set(here.anchors) == set(there.anchors)
    assert [each.anchor for each in here.headings] == [each.anchor for each in there.headings]
    assert set(here.targets) == set(there.targets)
    assert CODE.findall(other.text) == CODE.findall(english.text)
    assert COMMENT.findall(other.text) == COMMENT.findall(english.text)
    # nothing that was added to the one is missing in the other
    assert len(PART.findall(other.text)) == len(PART.findall(english.text))
