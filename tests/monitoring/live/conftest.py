"""A channel layer of its own for each test: queues belong to an event loop."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from channels.layers import InMemoryChannelLayer, channel_layers


@pytest.fixture(autouse=True)
def layer() -> Iterator[InMemoryChannelLayer]:
    """Return the layer of this test."""
    fresh = InMemoryChannelLayer()
    before = channel_layers.set("default", fresh)
    yield fresh
    channel_layers.set("default", before or InMemoryChannelLayer())
