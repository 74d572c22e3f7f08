"""From the process in which something changed to the groups of the web processes.

With SQLite ``publish`` writes a row into the outbox (LiveUpdate), the tail in the web process reads
it, and ``fan_out`` sends it on.  With a channel layer that reaches other machines ``publish`` hands
it to the sender of its own process, which fans out.  ``fan_out`` is the only place that decides who
hears of what.  On PostgreSQL without such a layer nothing is sent; pages read the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import connection

from monitoring.live.topics import audiences
from monitoring.models import LiveUpdate


class Update(NamedTuple):
    """One row of the outbox."""

    pk: int
    topic: str
    body: dict[str, Any]


def publish(topic: str, body: Mapping[str, Any]) -> None:
    """Send ``body`` (an item with its ``owner``) on its way to the subscribers of ``topic``."""
    if connection.vendor == "sqlite":
        LiveUpdate.objects.create(topic=topic, body=dict(body))
    elif settings.INSTALLATION.redis_url:
        from monitoring.live.sender import sender

        sender().put(topic, body)


def coalesce(updates: Iterable[Update]) -> list[Update]:
    """Return only the newest update of each topic, in the order in which these came."""
    newest: dict[str, Update] = {}
    for update in updates:
        newest.pop(update.topic, None)
        newest[update.topic] = update
    return list(newest.values())


async def fan_out(updates: Iterable[Update]) -> None:
    """Send updates to the groups of the channel layer: one message for each group and topic."""
    messages: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for update in coalesce(updates):
        item = {key: value for key, value in update.body.items() if key != "owner"}
        for audience in audiences(update.topic, update.body):
            messages.setdefault(audience, []).append(item)
    layer = get_channel_layer()
    for (group, topic), items in messages.items():
        await layer.group_send(group, {"type": "live.items", "topic": topic, "items": items})
