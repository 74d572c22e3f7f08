"""Every page of the console has its sheet among the pictures of the documents."""

from __future__ import annotations

from config import documents
from tests.browser.walk.table import ON_BARE, ON_BUSY


def test_each_page_has_a_sheet_and_each_sheet_a_page() -> None:
    folder = documents.FOLDER / "images" / "pages"
    assert {each.stem for each in folder.glob("*.webp")} == {*ON_BUSY, *ON_BARE}
