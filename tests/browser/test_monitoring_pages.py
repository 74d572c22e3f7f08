"""Overview, health and trends in a browser: charts, their tables, themes, and news that arrive."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.files import conversation
from tests.browser.test_screens import LOOKS, look_at
from tests.captures import pcap
from tests.services.console import ROOT, Console, wait_until

Login = Callable[..., Page]
PAGES = (("overview", "/"), ("health", "/health/"), ("trends", "/trends/?period=24h"))
MEASURE = """
from datetime import timedelta
from django.utils import timezone
from monitoring.choices import Verdict
from monitoring.models import MetricRollup
from tests.monitoring.measured import make_report, make_rollups, make_samples
now = timezone.now()
make_samples(now - timedelta(seconds=2), 720)
minute = now.replace(second=0, microsecond=0) - timedelta(minutes=3)
MetricRollup.objects.all().delete()
make_rollups(minute, 2 * 1440 - 5, 60)
make_rollups(minute.replace(minute=minute.minute - minute.minute % 5), 2 * 288, 300)
make_rollups(minute.replace(minute=0) - timedelta(hours=1), 60 * 24, 3600)
make_rollups(minute.replace(hour=minute.hour - minute.hour % 4, minute=0), 60 * 6, 4 * 3600)
make_rollups(minute.replace(hour=0, minute=0), 30, 86400)
for number in range(240):
    bad = 100 < number < 120
    verdict = Verdict.FAIL if 108 < number < 112 else Verdict.WARN if bad else Verdict.OK
    make_report(now - timedelta(minutes=6 * number + 1), verdict, 0.7 if bad else 0.97)
make_report(now, Verdict.WARN, 0.79)
"""
# long past, so that nothing rolls it up again
NEW_VALUE = """
from monitoring.models import MetricRollup
rollup = MetricRollup.objects.filter(resolution_seconds=300).order_by("-at")[12]
rollup.values["cpu_percent"] = [60, 60 * 98.7, 98.7, 98.7]
rollup.save()
"""
# of a time to come, so that no check overtakes it
FAILURE = """
from datetime import timedelta
from django.utils import timezone
from monitoring.choices import Verdict
from monitoring.models import HealthReport
from monitoring.signals import health_checked
from tests.monitoring.measured import make_report
report = make_report(timezone.now() + timedelta(hours=1), Verdict.FAIL, 0.2)
health_checked.send(HealthReport, report_id=report.pk)
"""
TAKE_BACK = """
from django.utils import timezone
from monitoring.models import HealthReport
HealthReport.objects.filter(at__gt=timezone.now()).delete()
"""
RANGE = "name => document.querySelector(`[data-chart='${name}']`).layout.xaxis.range"


def tell(console: Console, program: str) -> str:
    """Run a program with the console's own settings; return what it printed."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "-v", "0", "-c", program],
        env=console.environ,
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def measured(console: Console) -> Console:
    """Give the console with two months of values, a day of reports, and some captures."""
    ids = [
        console.upload(f"edge-fra{number}-0255.pcap", pcap(conversation(300 + number)))
        for number in range(3)
    ]
    wait_until(lambda: all(console.job_of(each)[0] == "done" for each in ids), 60)
    tell(console, MEASURE)
    return console


def drawn(page: Page, name: str) -> None:
    """Wait until the chart of that name has lines."""
    expect(page.locator(f'[data-chart="{name}"] .scatterlayer .trace').first).to_be_attached()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_fit_their_window_and_are_accessible(
    sign_in: Login, measured: Console, width: int, theme: str
) -> None:
    page = sign_in(width=width, theme=theme)
    for name, address in PAGES:
        page.goto(address)
        for chart in page.locator("[data-chart]").all():
            drawn(page, str(chart.get_attribute("data-chart")))
        look_at(page, name, width, theme)


def test_a_chart_has_a_table_with_the_same_values(sign_in: Login, measured: Console) -> None:
    page = sign_in()
    page.goto("/trends/?period=7d")
    drawn(page, "cpu")
    frame = page.locator("[data-chart-frame]").filter(
        has=page.get_by_role("heading", name="CPU", exact=True)
    )
    frame.get_by_text("Values as a table").click()
    expect(frame.locator("tbody tr")).to_have_count(168)
    expect(frame.get_by_role("columnheader", name="now, %")).to_be_visible()
    figure = json.loads(page.locator("#figure-cpu").text_content() or "")
    newest = [line["values"] for line in figure["lines"]][1][-3]
    cell = frame.locator("tbody tr").nth(2).locator("td").nth(1)
    expect(cell).to_have_text("" if newest is None else re.compile(r"^\d+(\.\d+)?$"))


def test_charts_follow_the_theme(sign_in: Login, measured: Console) -> None:
    page = sign_in()
    page.goto("/")
    drawn(page, "throughput")
    first = page.locator('[data-chart="throughput"] .scatterlayer path.js-line').first
    expect(first).to_have_css("stroke", "rgb(156, 82, 38)")
    page.locator("label").filter(has_text=re.compile(r"^Dark$")).click()
    expect(first).to_have_css("stroke", "rgb(224, 160, 120)")


def test_an_open_overview_hears_of_a_new_sample(sign_in: Login, measured: Console) -> None:
    page = sign_in()
    page.goto("/")
    drawn(page, "throughput")
    with page.expect_response("**/overview/data/", timeout=40_000) as answer:
        pass
    assert answer.value.ok
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_an_open_page_of_trends_shows_a_new_value_and_keeps_zoom_and_focus(
    sign_in: Login, measured: Console
) -> None:
    page = sign_in()
    page.clock.install()
    page.goto("/trends/?period=24h")
    drawn(page, "cpu")
    page.evaluate("window.isTheSame = true")
    zoomed = zoom(page, "cpu")
    frame = page.locator("[data-chart-frame]").filter(has=page.locator('[data-chart="cpu"]'))
    frame.get_by_text("Values as a table").click()
    values = frame.get_by_role("region", name="Values: CPU")
    values.focus()
    expect(values.get_by_role("cell", name="98.7", exact=True)).to_have_count(0)

    tell(measured, NEW_VALUE)
    page.clock.fast_forward(31_000)  # it asks twice a minute at most

    expect(values.get_by_role("cell", name="98.7", exact=True)).to_have_count(1, timeout=30_000)
    assert page.evaluate(RANGE, "cpu") == zoomed
    expect(values).to_be_focused()
    assert page.evaluate("window.isTheSame")


def zoom(page: Page, name: str) -> object:
    """Draw a box over a part of a chart, and return what it shows then."""
    before = page.evaluate(RANGE, name)
    place = page.locator(f'[data-chart="{name}"] .nsewdrag')
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_function(f"before => ({RANGE})('{name}').join() !== before.join()", arg=before)
    return page.evaluate(RANGE, name)


@pytest.fixture
def failure(measured: Console) -> Iterator[Callable[[], object]]:
    """Give a function that makes the newest verdict a failure, whatever is found meanwhile."""
    yield lambda: tell(measured, FAILURE)
    tell(measured, TAKE_BACK)


def test_the_strip_of_any_page_hears_of_another_verdict(
    sign_in: Login, failure: Callable[[], object]
) -> None:
    page = sign_in()
    page.goto("/routing/")
    expect(page.locator("[data-live]")).to_have_text("Live")
    page.evaluate("window.isTheSame = true")
    failure()
    strip = page.get_by_role("group", name="The service now")
    expect(strip.get_by_role("status")).to_have_text("Fail", timeout=30_000)
    expect(strip.locator("use")).to_have_attribute("href", "#i-fail")
    assert page.evaluate("window.isTheSame")
    strip.get_by_role("link", name="Fail").click()
    expect(page.get_by_role("heading", name="Health", level=1)).to_be_visible()


def test_without_a_connection_the_strip_says_that_nothing_is_known(
    sign_in: Login, failure: Callable[[], object], complaints: list[str]
) -> None:
    failure()
    page = sign_in()
    sockets: list[WebSocketRoute] = []
    is_down = False

    def route(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        if is_down:
            socket.close()
        else:
            socket.connect_to_server()

    page.route_web_socket("**/live/", route)
    page.goto("/routing/")
    verdict = page.get_by_role("group", name="The service now").get_by_role("status")
    expect(page.locator("[data-live]")).to_have_text("Live")
    expect(verdict).to_have_text("Fail", timeout=30_000)
    is_down = True
    sockets[-1].close()  # an earlier one may have been lost
    expect(verdict).to_have_text("Not known")
    is_down = False
    expect(verdict).to_have_text("Fail", timeout=30_000)


def test_the_keyboard_reaches_the_period_and_the_export(sign_in: Login, measured: Console) -> None:
    page = sign_in()
    page.goto("/trends/")
    page.get_by_role("link", name="7 days").click()
    expect(page).to_have_url(re.compile(r"period=7d"))
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.startswith("pktmask-7d-")
