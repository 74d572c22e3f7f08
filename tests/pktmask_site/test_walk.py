"""The walk through every page knows every page."""

from __future__ import annotations

from tests.attacks.access_table import NONE, ROWS
from tests.browser.walk.table import NO_PAGES, PAGES


def test_each_address_that_answers_get_is_walked_to_or_said_to_be_no_page() -> None:
    answering = {name for name, row in ROWS.items() if row.get[-1] != NONE}
    walked = {each.address for each in PAGES if not each.address.startswith("admin:")}
    assert walked | set(NO_PAGES) == answering
    assert not walked & set(NO_PAGES)


def test_each_picture_has_a_name_of_its_own() -> None:
    names = [each.name for each in PAGES]
    assert len(set(names)) == len(names)
