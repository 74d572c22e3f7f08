"""Documents: their heads, their languages, and the command that warns of reviews."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command

from config import documents

HEAD = "---\nversion: 1.2\nowner: operator\nreview: 2027-05-31\n---\n\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Documents of the test: one that is translated, and one that is not."""
    monkeypatch.setattr(documents, "FOLDER", tmp_path)
    for name, title in (("a", "A"), ("deep/b", "B"), ("zh-hans/a", "甲")):
        path = tmp_path / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{HEAD}# {title}\n", encoding="utf-8")
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    documents.names.cache_clear()
    documents.document.cache_clear()


@pytest.mark.usefixtures("folder")
def test_a_translation_is_no_document_of_its_own() -> None:
    assert documents.names() == ("a", "deep/b")


@pytest.mark.usefixtures("folder")
def test_a_document_is_given_in_the_language_asked_for_or_in_english() -> None:
    found = [documents.document("a", "zh-hans"), documents.document("deep/b", "zh-hans")]
    assert [(each.language, each.text) for each in found if each] == [
        ("zh-hans", "# 甲\n"),
        ("en", "# B\n"),
    ]
    # a language that nobody translates to reads no other folder
    other = documents.document("a", "deep")
    assert other is not None
    assert other.language == "en"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["c", "../a", "zh-hans/a", "a.md", ""])
def test_what_is_no_document_is_none(name: str) -> None:
    assert documents.document(name) is None


def test_the_head_says_version_owner_and_the_day_of_review() -> None:
    found = documents.read("a", "en", f"{HEAD}# A\n")
    assert (found.version, found.owner, found.review) == ("1.2", "operator", date(2027, 5, 31))
    assert not found.is_overdue(date(2027, 5, 31))
    assert found.is_overdue(date(2027, 6, 1))


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        ("# A\n", "a begins with no head"),
        ("---\nversion\n---\n", "the line 'version'"),
        ("---\nversion: 1\nowner: x\n---\n", "has version, owner; expected version, owner, review"),
        ("---\nversion: 1\nowner: x\nreview: soon\n---\n", "review: soon; expected a day"),
    ],
)
def test_a_head_that_cannot_be_read_is_refused_with_what_is_expected(whole: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        documents.read("a", "en", whole)


@pytest.mark.usefixtures("folder")
def test_what_is_overdue_is_a_warning_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_documents", today=date(2027, 5, 31))
    assert capsys.readouterr().out == "3 documents, 0 to be reviewed.\n"
    call_command("check_documents", today=date(2027, 6, 1))
    assert capsys.readouterr().out.splitlines() == [
        "Warning: docs/a.md was to be reviewed by 2027-05-31, by the operator",
        "Warning: docs/deep/b.md was to be reviewed by 2027-05-31, by the operator",
        "Warning: docs/zh-hans/a.md was to be reviewed by 2027-05-31, by the operator",
        "3 documents, 3 to be reviewed.",
    ]


def test_a_head_that_cannot_be_read_fails_the_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "c.md").write_text("# C\n")
    _forget()
    with pytest.raises(SystemExit) as ended:
        call_command("check_documents")
    assert ended.value.code == 1
    assert "c begins with no head" in capsys.readouterr().err
