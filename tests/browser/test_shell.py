"""What every page has around it: keys that lead somewhere, and words for a lost connection."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Page, WebSocketRoute, expect

Login = Callable[..., Page]
SIGNED_OUT = 4401


def test_keys_lead_to_pages_and_do_nothing_while_one_types_or_has_switched_them_off(
    sign_in: Login,
) -> None:
    page = sign_in()
    keys = page.get_by_role("dialog", name="Keys")
    search = page.get_by_label("Search captures")
    # the script that hears keys lists the pages that they lead to
    expect(page.locator("[data-shortcuts] dd").filter(has_text="Overview")).to_be_attached()
    page.keyboard.press("/")
    expect(search).to_be_focused()
    page.keyboard.type("g?/o")
    expect(search).to_have_value("g?/o")
    expect(keys).to_be_hidden()
    search.blur()
    page.keyboard.press("Control+g")
    page.keyboard.press("o")
    page.keyboard.press("?")
    expect(keys).to_contain_text("Overview")
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page).to_have_title(re.compile("Overview"))
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use these keys").uncheck()
    keys.get_by_role("button", name="Close").click()
    page.reload()
    expect(page.locator("[data-shortcuts] dd").filter(has_text="Overview")).to_be_attached()
    page.keyboard.press("?")
    expect(keys).to_be_hidden()
    page.get_by_role("button", name="Keys").click()
    page.get_by_label("Use these keys").check()


def test_a_lost_connection_and_a_sign_in_that_ended_are_said_above_the_page(
    sign_in: Login, complaints: list[str]
) -> None:
    page = sign_in()
    codes = [1001]
    sockets: list[WebSocketRoute] = []

    def answer(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if codes:
            socket.close(code=codes[0])
        else:
            socket.connect_to_server()

    page.route_web_socket("**/live/", answer)
    page.goto("/captures/?state=failed")
    lost = page.get_by_role("heading", name="The connection to the service is lost")
    expect(lost).to_be_visible()
    expect(page).to_have_title("Not known · Captures · PktMask")
    expect(page.locator("link[data-icon]")).to_have_attribute("href", re.compile("unknown"))
    codes.clear()
    expect(lost).to_be_hidden()
    codes.append(SIGNED_OUT)
    sockets[-1].close(code=SIGNED_OUT)
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in again")).to_have_attribute(
        "href", "/sign-in/?next=/captures/%3Fstate%3Dfailed"
    )
    complaints[:] = [said for said in complaints if "WebSocket" not in said]
