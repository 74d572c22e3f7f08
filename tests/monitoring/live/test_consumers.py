"""One connection of the live feed: who hears what, and that all come to know the truth."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.contrib.auth.models import User
from django.db import DatabaseError
from django.utils import timezone

from config.roles import ADMINISTRATOR
from monitoring.live.items import read_items
from monitoring.live.topics import EVERYBODYS_CAPTURES
from monitoring.models import LiveUpdate
from tests.factories import make_job, make_user
from tests.monitoring.live.pages import (
    Page,
    application,
    cookie_of,
    deliver,
    lose,
    page_of,
    sign_in,
    until,
)
from trimming.choices import JobStage, JobState
from trimming.jobs import claim, renew
from trimming.models import Capture, TrimJob
from trimming.signals import capture_changed, job_changed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]
READ = "monitoring.live.consumers.read_items"
# re-checks happen in almost no time
OFTEN = {"busy_seconds": 0.01, "quiet_seconds": 0.01}


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def job(owner: User) -> TrimJob:
    """A waiting job; what led to it is no news any more."""
    made = make_job(owner)
    LiveUpdate.objects.all().delete()
    return made


@sync_to_async
def set_state(job: TrimJob, state: JobState, **values: Any) -> None:
    TrimJob.objects.filter(pk=job.pk).update(state=state, **values)
    job_changed.send(TrimJob, job_id=job.pk)


@sync_to_async
def delete(capture_id: UUID, owner_id: int) -> None:
    Capture.objects.filter(pk=capture_id).update(deleted_at=timezone.now())
    capture_changed.send(Capture, capture_id=capture_id, owner_id=owner_id)


def states(message: dict[str, Any]) -> dict[str, str]:
    """Return the state of each capture of a message."""
    return {item["capture"]: item["state"] for item in message["items"]}


async def test_who_is_not_signed_in_is_told_so_by_the_closing_code() -> None:
    page = Page(application(), "")
    await page.open()
    assert await page.closing_code() == 4401
    await page.close()


async def test_a_session_that_is_made_up_is_not_signed_in(owner: User) -> None:
    page = Page(application(), "sessionid=0123456789abcdef0123456789abcdef")
    await page.open()
    await page.say({"subscribe": "captures"})
    assert await page.closing_code() == 4401
    await page.close()


@pytest.mark.parametrize("language", ["en", "xx", "", "\xff;q=x,,;;*"])
async def test_a_language_that_is_not_spoken_is_answered_in_english(
    owner: User, job: TrimJob, language: str
) -> None:
    cookie = cookie_of(await sync_to_async(sign_in)(owner))
    page = Page(application(), cookie, language)
    await page.open()
    assert [each["label"] for each in (await page.subscribe("captures"))["items"]] == ["Waiting"]
    await page.close()


async def test_a_client_that_is_gone_ends_its_connection_quietly(
    owner: User, job: TrimJob, layer: InMemoryChannelLayer, caplog: pytest.LogCaptureFixture
) -> None:
    failed = asyncio.Event()

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        async def breaking(message: Any) -> None:
            if message["type"] == "websocket.send":
                failed.set()
                raise RuntimeError("sent after the end")
            await send(message)

        await application()(scope, receive, breaking)

    async with page_of(owner, broken) as page:
        await page.say({"subscribe": "captures"})
        await failed.wait()
    assert not layer.groups
    assert "live_connection_failed" not in caplog.text


async def test_a_snapshot_holds_what_is_shown_and_what_is_open(owner: User, job: TrimJob) -> None:
    ended = await sync_to_async(make_job)(owner)
    await set_state(ended, JobState.DONE)
    unshown = await sync_to_async(make_job)(owner)
    await set_state(unshown, JobState.FAILED)
    async with page_of(owner) as page:
        message = await page.subscribe("captures", ended.capture_id)
    assert (message["topic"], message["kind"]) == ("captures", "snapshot")
    assert states(message) == {str(job.capture_id): "waiting", str(ended.capture_id): "done"}


async def test_progress_from_a_worker_arrives_with_its_words(owner: User, job: TrimJob) -> None:
    async with page_of(owner) as page:
        await page.subscribe(f"capture:{job.capture_id}")
        run = await sync_to_async(claim)(job.pk, "cluster/1")
        assert run is not None
        await sync_to_async(renew)(run, JobStage.READ, 50, 100)
        await deliver()
        assert await page.hear() == {
            "topic": f"capture:{job.capture_id}",
            "kind": "update",
            "items": [
                {
                    "capture": str(job.capture_id),
                    "job": str(job.pk),
                    "state": "running",
                    "label": "Running",
                    "percent": 29,
                    "stage": "read",
                    "stage_label": "reading",
                    "held": False,
                    "deleted": False,
                }
            ],
        }


async def test_another_users_capture_is_refused_by_its_id(job: TrimJob) -> None:
    stranger = await sync_to_async(make_user)()
    async with page_of(stranger) as page:
        topic = f"capture:{job.capture_id}"
        refusal = {"topic": topic, "kind": "refused"}
        assert await page.subscribe(topic) == refusal
        # as one that does not exist
        unknown = f"capture:{uuid4()}"
        assert await page.subscribe(unknown) == {"topic": unknown, "kind": "refused"}
        # and nothing comes of it afterwards
        await set_state(job, JobState.FAILED)
        await deliver()
        assert await page.subscribe(topic) == refusal


async def test_another_users_updates_do_not_arrive(owner: User, job: TrimJob) -> None:
    stranger = await sync_to_async(make_user)()
    own = await sync_to_async(make_job)(stranger)
    async with page_of(stranger) as page:
        snapshot = await page.subscribe("captures", job.capture_id)
        assert states(snapshot)[str(own.capture_id)] == "waiting"
        # what may not be seen is as what does not exist
        (hidden,) = [each for each in snapshot["items"] if each["capture"] == str(job.capture_id)]
        assert (hidden["deleted"], hidden["job"]) == (True, None)
        await deliver()
        await set_state(job, JobState.FAILED)
        await deliver()
        await set_state(own, JobState.CANCELLED)
        await deliver()
        assert states(await page.hear()) == {str(own.capture_id): "cancelled"}


async def test_an_administrator_hears_of_everybodys_captures(job: TrimJob) -> None:
    administrator = await sync_to_async(make_user)(ADMINISTRATOR)
    async with page_of(administrator) as page:
        assert states(await page.subscribe("captures")) == {str(job.capture_id): "waiting"}
        assert (await page.subscribe(f"capture:{job.capture_id}"))["kind"] == "snapshot"
        await set_state(job, JobState.FAILED)
        await deliver()
        heard = [await page.hear(), await page.hear()]
        assert {each["topic"] for each in heard} == {"captures", f"capture:{job.capture_id}"}
        assert all(states(each) == {str(job.capture_id): "failed"} for each in heard)


async def test_a_page_that_connects_again_gets_what_it_missed(owner: User, job: TrimJob) -> None:
    gone = await sync_to_async(make_job)(owner)
    async with page_of(owner) as page:
        await page.subscribe("captures", job.capture_id, gone.capture_id)
    await set_state(job, JobState.DONE)
    await delete(gone.capture_id, owner.pk)
    await lose()
    async with page_of(owner) as page:
        snapshot = await page.subscribe("captures", job.capture_id, gone.capture_id)
    deleted = {item["capture"]: item["deleted"] for item in snapshot["items"]}
    assert states(snapshot)[str(job.capture_id)] == "done"
    assert deleted == {str(job.capture_id): False, str(gone.capture_id): True}


async def test_a_change_during_the_subscription_is_not_lost(
    owner: User, job: TrimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_then_change(*args: Any) -> Any:
        items = read_items(*args)
        monkeypatch.setattr(READ, read_items)
        TrimJob.objects.filter(pk=job.pk).update(state=JobState.FAILED)
        job_changed.send(TrimJob, job_id=job.pk)
        return items

    monkeypatch.setattr(READ, read_then_change)
    async with page_of(owner) as page:
        assert states(await page.subscribe("captures")) == {str(job.capture_id): "waiting"}
        await deliver()
        assert states(await page.hear()) == {str(job.capture_id): "failed"}


async def test_many_changes_at_once_arrive_as_the_newest(owner: User, job: TrimJob) -> None:
    async with page_of(owner) as page:
        await page.subscribe("captures")
        for done in range(1, 40):
            await set_state(
                job, JobState.RUNNING, stage=JobStage.READ, done_bytes=done, total_bytes=100
            )
        await set_state(job, JobState.DONE)
        await deliver()
        message = await page.hear()
        assert states(message) == {str(job.capture_id): "done"}
        assert len(message["items"]) == 1


async def test_an_update_that_was_lost_is_told_by_the_next_reading(
    owner: User, job: TrimJob
) -> None:
    async with page_of(owner, application(**OFTEN)) as page:
        await page.subscribe("captures")
        await set_state(job, JobState.DONE)
        await lose()
        assert await page.hear() | {"items": []} == {
            "topic": "captures",
            "kind": "update",
            "items": [],
        }


async def test_a_slow_client_gets_the_newest_and_keeps_nobody_waiting(
    owner: User, job: TrimJob, layer: InMemoryChannelLayer
) -> None:
    gate, blocked = asyncio.Event(), asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        async def gated(message: Any) -> None:
            if message["type"] == "websocket.send":
                blocked.set()
                await gate.wait()
            await send(message)

        await application()(scope, receive, gated)

    async with page_of(owner, slow) as behind, page_of(owner) as other:
        await other.subscribe("captures")
        await behind.say({"subscribe": "captures"})
        await blocked.wait()
        for done in range(1, 301):
            item = {
                "capture": str(job.capture_id),
                "job": str(job.pk),
                "state": "running",
                "percent": done,
                "stage": "read",
                "held": False,
                "deleted": False,
            }
            message = {"type": "live.items", "topic": "captures", "items": [item]}
            await layer.group_send(f"live.captures.{owner.pk}", message)
            if done % 50 == 0:  # more than the layer keeps in all, less at once
                await until(lambda: not any(queue.qsize() for queue in layer.channels.values()))
        while (await other.hear())["items"][0]["percent"] != 300:
            pass
        gate.set()
        assert (await behind.hear())["kind"] == "snapshot"
        assert (await behind.hear())["items"][0]["percent"] == 300


async def test_who_signs_out_is_cut_off(owner: User) -> None:
    client = await sync_to_async(sign_in)(owner)
    page = Page(application(**OFTEN), cookie_of(client))
    await page.open()
    await page.subscribe("captures")
    await sync_to_async(client.logout)()
    assert await page.closing_code() == 4401
    await page.close()


async def test_who_is_deactivated_is_cut_off(owner: User) -> None:
    async with page_of(owner, application(**OFTEN)) as page:
        await page.subscribe("captures")
        await sync_to_async(User.objects.filter(pk=owner.pk).update)(is_active=False)
        assert await page.closing_code() == 4401


async def test_who_is_no_longer_an_administrator_sees_only_what_is_own(
    job: TrimJob, layer: InMemoryChannelLayer
) -> None:
    administrator = await sync_to_async(make_user)(ADMINISTRATOR)
    async with page_of(administrator, application(**OFTEN)) as page:
        await page.subscribe("captures")
        assert EVERYBODYS_CAPTURES in layer.groups
        await sync_to_async(administrator.groups.clear)()
        message = await page.hear()
        assert [(each["capture"], each["deleted"]) for each in message["items"]] == [
            (str(job.capture_id), True)
        ]
        assert EVERYBODYS_CAPTURES not in layer.groups


async def test_a_deleted_capture_is_told_and_ends_its_subscription(
    owner: User, job: TrimJob, layer: InMemoryChannelLayer
) -> None:
    async with page_of(owner) as page:
        await page.subscribe(f"capture:{job.capture_id}")
        await delete(job.capture_id, owner.pk)
        await deliver()
        (item,) = (await page.hear())["items"]
        assert (item["capture"], item["deleted"]) == (str(job.capture_id), True)
        await until(lambda: not layer.groups)


async def test_a_deletion_that_was_lost_is_told_by_the_next_reading(
    owner: User, job: TrimJob, layer: InMemoryChannelLayer
) -> None:
    async with page_of(owner, application(**OFTEN)) as page:
        await page.subscribe(f"capture:{job.capture_id}")
        await delete(job.capture_id, owner.pk)
        await lose()
        assert (await page.hear())["items"][0]["deleted"]
        await until(lambda: not layer.groups)


@pytest.mark.parametrize(
    "frame",
    [
        {"text": "no json"},
        {"text": "[1, 2]"},
        {"text": "{}"},
        {"text": ""},
        {"text": None, "bytes": b"\x00\xff"},
        {"text": "[" * 5000},
        {"text": '"' + "x" * 9000 + '"'},
    ],
)
async def test_what_is_not_understood_is_refused_and_the_connection_lives(
    owner: User, job: TrimJob, frame: dict[str, Any]
) -> None:
    async with page_of(owner) as page:
        await page.say_raw(frame)
        assert await page.hear() == {"topic": "", "kind": "refused"}
        assert states(await page.subscribe("captures")) == {str(job.capture_id): "waiting"}


async def test_an_unknown_topic_is_refused(owner: User) -> None:
    async with page_of(owner) as page:
        assert await page.subscribe("weather") == {"topic": "weather", "kind": "refused"}


async def test_there_are_at_most_fifty_subscriptions(owner: User) -> None:
    jobs = [await sync_to_async(make_job)(owner) for _ in range(51)]
    async with page_of(owner) as page:
        for job in jobs[:50]:
            assert (await page.subscribe(f"capture:{job.capture_id}"))["kind"] == "snapshot"
        last = f"capture:{jobs[50].capture_id}"
        assert (await page.subscribe(last))["kind"] == "refused"
        # one that is held already can be asked for anew
        assert (await page.subscribe(f"capture:{jobs[0].capture_id}"))["kind"] == "snapshot"
        await page.say({"unsubscribe": f"capture:{jobs[0].capture_id}"})
        assert (await page.subscribe(last))["kind"] == "snapshot"


async def test_unsubscribing_ends_the_news(owner: User, job: TrimJob) -> None:
    other = await sync_to_async(make_job)(owner)
    await lose()
    async with page_of(owner) as page:
        await page.subscribe(f"capture:{job.capture_id}")
        await page.subscribe(f"capture:{other.capture_id}")
        await page.say({"unsubscribe": f"capture:{job.capture_id}"})
        await page.say({"unsubscribe": "what was never subscribed"})
        assert (await page.subscribe("nothing"))["kind"] == "refused"  # the above is done
        await set_state(job, JobState.FAILED)
        await deliver()
        await set_state(other, JobState.FAILED)
        await deliver()
        assert (await page.hear())["topic"] == f"capture:{other.capture_id}"


async def test_a_closed_page_leaves_all_groups(
    owner: User, job: TrimJob, layer: InMemoryChannelLayer
) -> None:
    async with page_of(owner) as page:
        await page.subscribe("captures")
        await page.subscribe(f"capture:{job.capture_id}")
        assert len(layer.groups) == 2
    assert not layer.groups


async def test_a_database_that_fails_delays_the_news_only(
    owner: User, job: TrimJob, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_once(*_: Any) -> Any:
        monkeypatch.setattr(READ, read_items)
        raise DatabaseError("secret detail")

    monkeypatch.setattr(READ, fail_once)
    async with page_of(owner, application(retry_seconds=0.0)) as page:
        assert states(await page.subscribe("captures")) == {str(job.capture_id): "waiting"}
    assert "DatabaseError" in caplog.text
    assert "secret" not in caplog.text
