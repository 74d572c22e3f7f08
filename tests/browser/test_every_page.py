"""Every page in every look: nothing serious for axe, nothing too wide, nothing that jumps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from benchmarks.pages import SHIFT
from tests.browser.walk.services import Walked, both
from tests.browser.walk.walking import THEMES, WIDTHS, Walker

pytestmark = pytest.mark.long
Services = tuple[Walked, ...]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with both(tmp_path_factory.mktemp("walk")) as found:
        yield found


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_accessible_fits_and_stays_where_it_is(
    browser: Browser, services: Services, width: int, theme: str
) -> None:
    walker = Walker(browser, asks_axe=True)
    wrong: list[str] = []
    for walked in services:
        for name, shown in walked.pages().items():
            visit = walker.visit(walked, name, shown, width, theme)
            wrong += [f"{name}: {said}" for said in visit.complaints]
            if visit.sideways_px > 0:
                wrong.append(f"{name} is {visit.sideways_px} px wider than the window")
            if visit.shift >= SHIFT:
                wrong.append(f"{name} moves by {visit.shift:.3f}: {visit.shifts[:3]}")
    assert wrong == []
