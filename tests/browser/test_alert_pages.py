"""Alerts and channels in a browser: what fires and tests that arrive, live; how it all looks."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import PASSWORD
from tests.browser.test_monitoring_pages import tell
from tests.browser.test_screens import LOOKS, look_at
from tests.monitoring.channels.receivers import Receiver, answers, http_receiver
from tests.services.alerts.apps import write
from tests.services.console import QUICK, Console, wait_until

OpenPage = Callable[..., Page]
PAGE = "/alerts/channels/"
FIRING = "SELECT count(*) FROM monitoring_alert WHERE state = 'firing' AND rule = 'written'"
# a silence, an acknowledgement, an own rule, and an alert that is over
ACTS = """
from datetime import timedelta
from django.utils import timezone
from monitoring.alerts.acts import acknowledge, silence
from monitoring.alerts.models import Alert, AlertRule, Notification
from monitoring.alerts.links import token_of
now = timezone.now()
hour = timedelta(hours=1)
silence("rule=written, number=3", "admin", "The machine is moved.", now, now + hour, now)
silence("rule=disk", "admin", "A window at night.", now + hour, now + 3 * hour, now)
acknowledge([Alert.objects.get(title="Number 1 is wrong").pk], "admin", now, "It is known.")
AlertRule.objects.create(
    name="Busy machine", metric="cpu_percent", comparison="above", threshold=64, severity="medium",
    action="Look at it.", mode="dry", back_test_count=3, back_test_days=7, changed_at=now,
)
print(token_of(Notification.objects.filter(channel="log", severity="critical")[0].pk))
"""
# so old that no rule tells of them any more
LETTERS = """
from datetime import timedelta
from django.utils import timezone
from monitoring.alerts.models import Notification
at = timezone.now() - timedelta(days=3)
for number in range(7):
    Notification.objects.create(
        key=f"letter-{number}", channel="apprise", kind="firing", severity="critical", at=at,
        body={"title": f"The disk of edge-fra{number}-0255.example.org is nearly full"},
        state="dead", why="put_aside" if number == 1 else "", attempts=4, next_at=at, ended_at=at,
        answer="Apprise could not deliver it to: Telegram (HTTP 401).",
        error="Apprise could not deliver it to: Telegram (HTTP 401).", error_at=at,
    )
"""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with http_receiver() as running:
        yield running


@pytest.fixture(scope="module")
def told(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a console whose webhook leads to the receiver, and whose Slack lacks its secret."""
    environ = {
        **QUICK,
        "PKTMASK_ADMIN_PASSWORD": PASSWORD,
        "DJANGO_SETTINGS_MODULE": "tests.services.alerts.settings",
        "PKTMASK_PLANTED": "planted-secret-5f1c",
        "PKTMASK_WEBHOOK__ENABLED": "true",
        "PKTMASK_WEBHOOK__ADDRESS": f"{receiver.url}/hook",
        "PKTMASK_WEBHOOK__SIGNING_SECRET": "env:PKTMASK_PLANTED",
        "PKTMASK_WEBHOOK__ALLOW_PRIVATE": "true",
        "PKTMASK_WEBHOOK__ALLOW_HTTP": "true",
        "PKTMASK_SLACK__ENABLED": "true",
        "PKTMASK_SLACK__TOKEN": "env:PKTMASK_NOT_THERE",
        "PKTMASK_SLACK__CHANNEL": "C0123",
        "PKTMASK_CONSOLE__PUBLIC_URL": "https://pktmask.example.org",
    }
    console = Console(tmp_path_factory.mktemp("told"), environ)
    try:
        console.start()
        tell(console, LETTERS)
        yield console
    finally:
        console.kill_everything()


@pytest.fixture
def on_page(open_page: OpenPage, told: Console) -> OpenPage:
    """Give a function that opens a page as the administrator, that of channels without a name."""

    def on_page(address: str = PAGE, **looks: object) -> Page:
        page = open_page(**looks)
        page.goto(f"{told.url}/sign-in/?next={address}")
        page.get_by_label("Name").fill(told.username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page).to_have_url(f"{told.url}{address}")
        return page

    return on_page


def test_what_comes_of_a_test_appears_by_itself(on_page: OpenPage, receiver: Receiver) -> None:
    page = on_page()
    webhook = page.get_by_role("region", name="Webhook")
    before = len(receiver.got)
    for act, outcome in ((answers(404), "Failed"), (answers(200), "Sent")):
        receiver.acts[:] = [act]
        page.get_by_role("button", name="Send a test: Webhook").click()
        expect(webhook.get_by_role("status")).to_contain_text(outcome, timeout=30_000)
    expect(webhook.get_by_role("status")).to_contain_text("The receiver took it (HTTP 200 OK).")
    assert [each.json()["kind"] for each in receiver.got[before:]] == ["test", "test"]
    expect(webhook).to_contain_text("The receiver answered HTTP 404 Not Found.")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_fit_their_window_and_are_accessible(
    on_page: OpenPage, receiver: Receiver, told: Console, width: int, theme: str
) -> None:
    receiver.acts[:] = [answers(503)]
    page = on_page(width=width, theme=theme)
    page.get_by_role("button", name="Send a test: Webhook").click()
    status = page.get_by_role("region", name="Webhook").get_by_role("status")
    expect(status).to_contain_text("Failed", timeout=30_000)
    expect(page.get_by_role("region", name="Slack")).to_contain_text("Needs a setting")
    expect(page.get_by_role("region", name="Apprise")).to_contain_text("2 more are only counted")
    look_at(page, "channels", width, theme)
    for title, name in (("E-mail", "email"), ("Slack", "slack"), ("Webhook", "webhook")):
        page.get_by_role("link", name=f"Preview: {title}").click()
        page.get_by_role("heading", name=f"Preview: {title}").wait_for()
        if name == "email":
            mail = page.frame_locator("iframe")
            expect(mail.get_by_role("heading", level=1)).to_have_text(re.compile("^Sample:"))
            expect(mail.get_by_role("img")).to_be_visible()
        look_at(page, f"channel-preview-{name}", width, theme)
        page.goto(f"{told.url}{PAGE}")


@pytest.fixture(scope="module")
def token(told: Console) -> str:
    """Have alerts fire, and return the token of a message about some; people have acted."""
    write(told.data_dir, count=12, began=time.time() - 60, seconds=60)
    wait_until(lambda: told.rows(FIRING) == [(12,)], 60, "alerts to fire")
    sent = "SELECT 1 FROM monitoring_notification WHERE channel = 'log' AND severity = 'critical'"
    wait_until(lambda: told.rows(sent), 60, "a message about them")
    return tell(told, ACTS).split()[-1]


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_pages_of_alerts_fit_their_window_and_are_accessible(
    on_page: OpenPage,
    told: Console,
    token: str,
    complaints: list[str],
    width: int,
    theme: str,
) -> None:
    page = on_page("/alerts/", width=width, theme=theme)
    expect(page.get_by_role("link", name="Number 0 is wrong", exact=True)).to_be_visible()
    look_at(page, "alerts", width, theme)
    page.get_by_role("link", name="Number 0 is wrong", exact=True).click()
    page.get_by_role("heading", name="Number 0 is wrong", level=1).wait_for()
    look_at(page, "alert", width, theme)
    for name, address in (
        ("alerts-resolved", "/alerts/?state=resolved"),
        ("alert-rules", "/alerts/rules/"),
        ("silences", "/alerts/silences/?matchers=rule%3Dwritten"),
        ("runbook", "/alerts/runbook/"),
        ("acknowledge", f"/alerts/acknowledge/{token}/"),
        ("acknowledge-nothing", "/alerts/acknowledge/wrong/"),
    ):
        page.goto(f"{told.url}{address}")
        look_at(page, name, width, theme)
    # of the link that is wrong, which is gone
    complaints[:] = [each for each in complaints if "410" not in each]
    page.goto(told.url)
    expect(page.get_by_role("region", name="Firing alerts")).to_contain_text("is wrong")
    look_at(page, "overview-alerts", width, theme)


def test_what_fires_appears_on_an_open_overview_and_is_acknowledged_there(
    on_page: OpenPage, told: Console, token: str
) -> None:
    page = on_page("/")
    firing = page.get_by_role("region", name="Firing alerts")
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate("window.isTheSame = true")
    write(told.data_dir, count=13, began=time.time() - 60, seconds=60)
    number = firing.get_by_role("link", name="Number 12 is wrong", exact=True)
    expect(number).to_be_visible()
    assert page.evaluate("window.isTheSame")
    firing.get_by_role("button", name="Acknowledge Number 12 is wrong").click()
    expect(page).to_have_url(f"{told.url}/")
    expect(page.get_by_text("1 alert acknowledged.")).to_be_visible()
    expect(number).to_have_count(0)
