"""Comparisons in the background and policies that want them, for tests."""

from __future__ import annotations

from typing import Any

import pytest

from config.current import forget
from tests.factories import make_job, make_user
from tests.trimming.results import finish
from trimming.models import Shadow, TrimJob
from trimming.policy import Wish, publish
from trimming.routing_choices import Mode, Origin
from trimming.shadow_queue import queue_shadow


def compare_all(share: float = 1.0) -> None:
    """Publish a policy that compares a share of all captures while legacy serves."""
    publish(Wish(Mode.COMPARISON, shadow_share=share), origin=Origin.OPERATOR, reason="a test")


def make_shadow(data: bytes | None = None, **values: Any) -> Shadow:
    """Return the comparison of a job that was served; ``values`` are given to its row."""
    shadow = shadow_of(make_job(make_user(), data))
    assert shadow is not None
    Shadow.objects.filter(pk=shadow.pk).update(**values)
    return reread(shadow)


def shadow_of(job: TrimJob) -> Shadow | None:
    """Serve a job, and return the comparison that is queued behind it."""
    run = finish(job)
    # where transactions are real, publishing has queued it already
    return Shadow.objects.filter(job=job).first() or queue_shadow(run)


def reread(shadow: Shadow) -> Shadow:
    """Return the row as it is stored now."""
    return Shadow.objects.select_related("job__capture").get(pk=shadow.pk)


def set_routing(monkeypatch: pytest.MonkeyPatch, name: str, value: float) -> None:
    """Put a setting of routing in force, for one test."""
    monkeypatch.setenv(f"PKTMASK_ROUTING__{name.upper()}", str(value))
    forget()
