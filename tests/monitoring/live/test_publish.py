"""From outbox rows to the groups of the channel layer."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from channels.layers import InMemoryChannelLayer

from monitoring.live.publish import Update, coalesce, fan_out
from monitoring.live.topics import EVERYBODYS_CAPTURES, capture_topic

ONE, TWO = uuid4(), uuid4()


def update(pk: int, capture: UUID, percent: int = 0) -> Update:
    body = {"capture": str(capture), "percent": percent, "owner": 7}
    return Update(pk, capture_topic(capture), body)


def test_only_the_newest_update_of_a_capture_is_kept_of_a_batch() -> None:
    batch = [update(1, ONE, 1), update(2, TWO), update(3, ONE, 2)]
    assert coalesce(batch) == [update(2, TWO), update(3, ONE, 2)]


@pytest.mark.asyncio
async def test_a_group_gets_one_message_for_a_batch(layer: InMemoryChannelLayer) -> None:
    await layer.group_add(EVERYBODYS_CAPTURES, "page")
    await fan_out([update(1, ONE, 1), update(2, TWO), update(3, ONE, 2)])
    message = await layer.receive("page")
    assert message == {
        "type": "live.items",
        "topic": "captures",
        "items": [{"capture": str(TWO), "percent": 0}, {"capture": str(ONE), "percent": 2}],
    }
    assert not layer.channels


@pytest.mark.asyncio
async def test_who_owns_a_capture_is_told_to_nobody(layer: InMemoryChannelLayer) -> None:
    await layer.group_add("live.captures.7", "page")
    await fan_out([update(1, ONE)])
    assert "owner" not in (await layer.receive("page"))["items"][0]
