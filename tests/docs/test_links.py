"""Links of documents lead somewhere, and from the start page one comes to each of them."""

from __future__ import annotations

import posixpath

import pytest

from config import documents
from config.roles import ROLES
from pktmask_site.help.views import in_html

ROOT = documents.FOLDER.parent
ALL = [(each.name, each.language) for each in documents.all_documents()]


@pytest.mark.parametrize(("name", "language"), ALL)
def test_every_link_leads_to_a_file_and_a_section(name: str, language: str) -> None:
    missing = []
    for target in in_html(name, language).targets:
        path, _, section = target.partition("#")
        document = path.removesuffix(".md") or name
        is_there = not path or (documents.FOLDER / path).exists()
        if section and document in documents.names():
            found = documents.document(document, language)
            assert found is not None
            is_there = section in in_html(document, found.language).anchors
        if not is_there:
            missing.append(target)
    assert missing == []


def test_from_the_start_page_one_comes_to_every_document() -> None:
    reached, ahead = set[str](), [documents.START]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in documents.names():
            continue
        reached.add(name)
        for target in in_html(name, "en").targets:
            ahead.append(posixpath.normpath(target.partition("#")[0]).removesuffix(".md"))
    assert reached == set(documents.names())


def test_every_owner_is_a_role_or_whoever_maintains_the_program() -> None:
    assert {each.owner for each in documents.all_documents()} <= {*ROLES, "maintainer"}


def test_a_translation_has_the_anchors_of_the_english_document() -> None:
    for name, language in ALL:
        if language != "en":
            english = {each.anchor for each in in_html(name, "en").headings}
            assert english <= set(in_html(name, language).anchors), f"{language}/{name}"


def test_the_index_of_decisions_is_complete() -> None:
    targets = in_html("adr/README", "en").targets
    assert {target.removesuffix(".md") for target in targets} | {"adr/README"} == {
        name for name in documents.names() if name.startswith("adr/")
    }
