"""People on a running console: more of them, and how they come in."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from playwright.sync_api import Page

from tests.services.console import ROOT, Console

PASSWORD: Final = "a-password-for-tests"
# by console and name: who has signed in need not do it again in each test
SESSIONS: Final[dict[tuple[str, str], str]] = {}
SESSION: Final = "sessionid"

PROGRAM = """
from django.contrib.auth.models import Group, User
user = User.objects.create_user({name!r}, password={password!r})
user.groups.add(Group.objects.get(name={role!r}))
"""


def add_person(console: Console, name: str, role: str, password: str) -> None:
    """Add somebody in a role."""
    subprocess.run(
        [
            *(sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c"),
            PROGRAM.format(name=name, role=role, password=password),
        ],
        env=console.environ,
        check=True,
        capture_output=True,
    )


def enter(page: Page, url: str, name: str, address: str = "/") -> None:
    """Open an address of a console as somebody; through the form where the session is not there."""
    if session := SESSIONS.get((url, name)):
        page.context.add_cookies([{"name": SESSION, "value": session, "url": url}])
    page.goto(f"{url}{address}")
    if "/sign-in/" not in page.url:
        return
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}{address}")
    cookies = {each["name"]: each["value"] for each in page.context.cookies(url)}
    SESSIONS[url, name] = cookies[SESSION]
