"""That axe finds nothing serious where the tests of looks do not pass by; they ask it, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page

from tests.browser.axe import serious
from tests.browser.people import PASSWORD, add_person, enter
from tests.browser.test_screens import LOOKS, in_turns, look_at
from tests.services.console import QUICK, Console

Login = Callable[..., Page]
EMPTY = (
    ("overview-empty", "/"),
    ("health-empty", "/health/"),
    ("trends-empty", "/trends/?period=7d"),
    ("alerts-empty", "/alerts/"),
    ("alert-rules", "/alerts/rules/"),
    ("silences-empty", "/alerts/silences/"),
    ("runbook", "/alerts/runbook/"),
    ("manual", "/help/operations/HTTP_SCANNING_OPERATIONS_MANUAL/"),
    ("channels-empty", "/alerts/channels/"),
    ("channel-preview", "/alerts/channels/email/preview/"),
    ("captures-empty", "/captures/"),
    ("routing-empty", "/routing/"),
    ("offline-tests-empty", "/offline-tests/"),
    ("rollout-empty", "/rollout/"),
    ("reports-empty", "/reports/"),
)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a console that was just started; the person "new" has no captures on it."""
    console = Console(
        tmp_path_factory.mktemp("empty"), {**QUICK, "PKTMASK_ADMIN_PASSWORD": PASSWORD}
    )
    try:
        console.start()
        add_person(console, "new", "operator", PASSWORD)
        yield console
    finally:
        console.kill_everything()


def test_axe_is_heard_in_spite_of_the_content_policy(sign_in: Login) -> None:
    page = sign_in()
    assert serious(page) == []
    page.evaluate("document.querySelector('main').append(document.createElement('button'))")
    (found,) = serious(page)
    assert "button-name" in found


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_of_an_empty_service_are_accessible(
    open_page: Callable[..., Page], empty: Console, width: int, theme: str
) -> None:
    page = open_page(width=width, theme=theme)
    enter(page, empty.url, "new")
    page.locator("[data-strip]").wait_for()
    for name, address in in_turns(EMPTY, width, theme):
        page.goto(f"{empty.url}{address}")
        look_at(page, name, width, theme)
