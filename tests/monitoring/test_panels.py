"""Panels that other apps add to the overview."""

from __future__ import annotations

from datetime import UTC, datetime

from monitoring.panels import Panel, Panels

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def test_sources_are_asked_in_their_order_and_may_have_nothing() -> None:
    panels = Panels()
    panels.register(lambda now, user: Panel("a.html", (now, user)))
    panels.register(lambda now, user: None)
    panels.register(lambda now, user: Panel("b.html", user))
    assert panels.at(NOW, "anna") == [Panel("a.html", (NOW, "anna")), Panel("b.html", "anna")]
