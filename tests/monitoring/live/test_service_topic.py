"""News of the service reach everybody who is signed in, from the process that measured."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from config.roles import VIEWER
from monitoring import lease
from monitoring.metrics.histograms import of_values
from monitoring.metrics.sampler import take_sample
from monitoring.models import HealthReport, Heartbeat, MetricSample
from monitoring.signals import health_checked, sample_taken
from tests.factories import make_user
from tests.monitoring.live.pages import application, deliver, page_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def viewer() -> User:
    return make_user(VIEWER)


def make_sample(number: int) -> MetricSample:
    at = NOON + timedelta(seconds=5 * number)
    sample = MetricSample.objects.create(
        at=at,
        covers_seconds=5,
        late_ms=1,
        values={"cpu_percent": float(number)},
        histograms={"message_ms:control": of_values([10.0]).as_json()},
    )
    sample_taken.send(MetricSample, at=at)
    return sample


def make_report(verdict: str, at: datetime = NOON) -> HealthReport:
    report = HealthReport.objects.create(
        at=at, verdict=verdict, score=0.9, sentence="CPU is at 74 %."
    )
    health_checked.send(HealthReport, report_id=report.pk)
    return report


async def test_the_snapshot_is_the_newest_sample_and_the_newest_report(viewer: User) -> None:
    for number in (1, 2):
        await sync_to_async(make_sample)(number)
    await sync_to_async(make_report)("ok")
    async with page_of(viewer) as page:
        message = await page.subscribe("service")
    sample, health, strip = message["items"]
    assert (sample["key"], sample["figures"]["cpu_percent"]) == ("sample", 2.0)
    assert sample["figures"]["message_ms:control:p95"] == pytest.approx(10, rel=0.01)
    assert (health["key"], health["figures"]["verdict"]) == ("health", "ok")
    assert strip["key"] == "strip"


async def test_of_a_fresh_service_only_the_strip_says_something(viewer: User) -> None:
    async with page_of(viewer) as page:
        (item,) = (await page.subscribe("service"))["items"]
    assert (item["key"], item["figures"]["word"]) == ("strip", "Not known")


def workers_answer(is_recent: bool) -> None:
    at = timezone.now() - timedelta(seconds=0 if is_recent else 300)
    for name in ("workers", "monitor"):
        Heartbeat.objects.update_or_create(name=name, defaults={"at": at})


async def test_the_strip_hears_of_another_verdict_as_it_is_found(viewer: User) -> None:
    await sync_to_async(workers_answer)(True)
    async with page_of(viewer) as page:
        await page.subscribe("service")
        await sync_to_async(make_report)("warn", timezone.now())
        await deliver()
        *_, strip = (await page.hear())["items"]
    assert strip["figures"] == {
        "tone": "warn",
        "shape": "warn",
        "word": "Warn",
        "sentence": "CPU is at 74 %.",
        "running": 0,
        "waiting": 0,
    }


async def test_the_strip_hears_of_a_monitor_that_is_gone_although_nobody_tells(
    viewer: User,
) -> None:
    await sync_to_async(workers_answer)(True)
    await sync_to_async(make_report)("ok", timezone.now())
    async with page_of(viewer, application(quiet_seconds=0.05)) as page:
        *_, before = (await page.subscribe("service"))["items"]
        await sync_to_async(workers_answer)(False)
        (after,) = (await page.hear())["items"]
    assert [each["figures"]["word"] for each in (before, after)] == ["Ok", "Not known"]


async def test_a_strip_that_stays_the_same_is_not_told_again(viewer: User) -> None:
    await sync_to_async(workers_answer)(True)
    async with page_of(viewer) as page:
        await page.subscribe("service")
        for number in (1, 2):
            await sync_to_async(make_sample)(number)
            await deliver()
            assert [item["key"] for item in (await page.hear())["items"]] == ["sample"]


async def test_a_sample_is_told_as_it_is_taken(viewer: User) -> None:
    def take() -> MetricSample | None:
        assert lease.take_or_renew("me")
        return take_sample(NOON + timedelta(seconds=5), 5, "me")

    async with page_of(viewer) as page:
        await page.subscribe("service")
        taken = await sync_to_async(take)()
        assert taken is not None
        await deliver()
        (item,) = (await page.hear())["items"]
    assert datetime.fromisoformat(item["at"]) == taken.at
    assert item["figures"]["runs_succeeded:control"] == 0


async def test_a_sample_and_a_report_at_once_do_not_replace_each_other(viewer: User) -> None:
    async with page_of(viewer) as page:
        await page.subscribe("service")
        await sync_to_async(make_report)("warn")
        await sync_to_async(make_sample)(1)
        await deliver()
        heard: set[str] = set()
        while not heard >= {"sample", "health"}:
            heard |= {item["key"] for item in (await page.hear())["items"]}


async def test_many_samples_at_once_arrive_as_the_newest(viewer: User) -> None:
    async with page_of(viewer) as page:
        await page.subscribe("service")
        for number in range(1, 50):
            await sync_to_async(make_sample)(number)
        await deliver()
        (item,) = (await page.hear())["items"]
    assert item["figures"]["cpu_percent"] == 49


async def test_fifty_pages_hear_of_one_sample(viewer: User) -> None:
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(page_of(viewer)) for _ in range(50)]
        for page in pages:
            await page.subscribe("service")
        await sync_to_async(make_sample)(1)
        await deliver()
        heard = [(await page.hear())["items"][0]["key"] for page in pages]
    assert heard == ["sample"] * 50
