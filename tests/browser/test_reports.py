"""Reports in a browser: one of the time so far, downloads, and how they look."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.files import conversation
from tests.browser.test_monitoring_pages import drawn, tell
from tests.browser.test_screens import LOOKS, look_at
from tests.captures import pcap
from tests.services.console import Console, wait_until

Login = Callable[..., Page]
# long past, so that nothing else shows it
JUNE = """
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo
from django.db import transaction
from monitoring.models import HealthReport, MetricRollup
from monitoring.reports.choices import ReportKind
from monitoring.reports.making import make
from monitoring.reports.periods import starting
from tests.monitoring.reports.month import make_checks, make_measures
begin, day = datetime(2025, 6, 1, tzinfo=UTC), timedelta(days=1)
# at once: a service that seems to be so old makes reports of all the days since
with transaction.atomic():
    make_measures(begin, begin + 10 * day, (begin + 4 * day, begin + 5 * day))
    make_checks(begin, begin + 10 * day, timedelta(hours=1), begin + 2 * day)
    for kind, first in ((ReportKind.MONTH, date(2025, 6, 1)), (ReportKind.DAY, date(2025, 6, 20))):
        make(starting(kind, first, ZoneInfo("UTC")), begin + 40 * day)
    for model in (MetricRollup, HealthReport):
        model.objects.filter(at__lt=begin + 40 * day).delete()
"""
CHARTS = ("score", "resources")


@pytest.fixture(scope="module")
def reported(console: Console) -> Console:
    """Give the console with two reports of long ago, one of them without data, and a capture."""
    capture = console.upload("edge-fra7-0255.pcap", pcap(conversation(700)))
    wait_until(lambda: console.job_of(capture)[0] == "done", 60)
    tell(console, JUNE)
    return console


def test_a_report_of_the_time_so_far_is_made_shown_and_downloaded(
    sign_in: Login, reported: Console, tmp_path: Path
) -> None:
    page = sign_in()
    page.get_by_role("link", name="Reports").click()
    page.get_by_label("Time of the report").select_option("This week so far")
    page.get_by_role("button", name="Make now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^Weekly report: week "))
    expect(page.locator("main .head")).to_contain_text("Not finished")
    drawn(page, "traffic")
    slowest = page.locator("#part-captures table").get_by_role("link").first
    expect(slowest).to_be_visible()
    longest = slowest.inner_text()
    for name, ending in (("Download HTML", "html"), ("Download JSON", "json")):
        with page.expect_download() as download:
            page.get_by_role("link", name=name).click()
        assert download.value.suggested_filename.endswith(f"-unfinished.{ending}")
        download.value.save_as(tmp_path / f"report.{ending}")
    assert json.loads((tmp_path / "report.json").read_text())["kind"] == "week"
    page.goto((tmp_path / "report.html").as_uri())
    expect(page.get_by_role("img", name="Chart: Throughput over time")).to_be_visible()
    assert longest not in page.content()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_pages_fit_their_window_and_are_accessible(
    sign_in: Login, reported: Console, tmp_path: Path, width: int, theme: str
) -> None:
    page = sign_in(width=width, theme=theme)
    page.goto("/reports/")
    look_at(page, "reports", width, theme)
    page.get_by_role("link", name="Friday, 20 June 2025").click()
    expect(page.get_by_text("nothing is known of it").first).to_be_visible()
    look_at(page, "report-without-data", width, theme)
    page.goto("/reports/?kind=month")
    page.get_by_role("link", name="June 2025").click()
    for chart in CHARTS:
        drawn(page, chart)
    look_at(page, "report", width, theme)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download HTML").click()
    download.value.save_as(tmp_path / "report.html")
    page.goto((tmp_path / "report.html").as_uri())
    look_at(page, "report-file", width, theme)
