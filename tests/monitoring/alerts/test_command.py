"""``manage.py alerts``: the page without a browser."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from monitoring.alerts.models import Alert, Silence
from tests.monitoring.alerts.effects import FakeChannel, look_at, only_channels
from tests.monitoring.alerts.world import condition

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _channels() -> Iterator[None]:
    with only_channels(log=FakeChannel()):
        yield


@pytest.fixture
def fired() -> Alert:
    look_at(timezone.now(), condition("disk"))
    return Alert.objects.get()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("alerts", *arguments, stdout=out)
    return out.getvalue()


def found(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_it_lists_what_is_open(fired: Alert) -> None:
    assert f"{fired.key}  high      firing        disk is wrong: 91 %" in run("list")
    (row,) = found("list")["alerts"]
    assert (row["key"], row["standing"], row["severity"]) == (fired.key, "firing", "high")


def test_it_says_that_nothing_is_open() -> None:
    assert run("list") == "No alert is open.\n"


def test_it_acknowledges_one_and_says_how_many(fired: Alert) -> None:
    assert found("acknowledge", fired.key, "--reason", "on it")["acknowledged"] == [fired.key]
    fired.refresh_from_db()
    assert fired.note == "on it"
    assert "0 of 1 acknowledged" in run("acknowledge", fired.key)
    assert "acknowledged" in run("list")


def test_it_acknowledges_all(fired: Alert) -> None:
    assert "1 of 1 acknowledged" in run("acknowledge", "--all")


def test_it_makes_a_silence(fired: Alert) -> None:
    asked = ("silence", "--match", "rule=disk", "--hours", "2", "--reason", "batch")
    assert "Silence" in run(*asked)
    row = Silence.objects.get()
    assert row.ends - row.begins == timedelta(hours=2)
    look_at(timezone.now(), condition("disk"))
    assert "muted" in run("list")


def test_it_prints_a_silence_as_an_object() -> None:
    asked = ("silence", "--match", "rule=disk", "--reason", "batch")
    assert found(*asked)["silence"]["matchers"] == {"rule": "disk"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["acknowledge"], "name alerts by their keys, or give --all"),
        (["acknowledge", "a", "--all"], "name alerts by their keys, or give --all"),
        (["silence", "--match", "x", "--reason", "y"], "expected matchers"),
        (["silence", "--match", "rule=x"], "A silence needs a reason"),
        (["silence", "--match", "rule=x", "--reason", "y", "--hours", "0"], "above 0"),
    ],
)
def test_what_is_wrong_changes_nothing(fired: Alert, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError, match=f"Nothing was changed: .*{words}"):
        run(*arguments)
    fired.refresh_from_db()
    assert fired.acknowledged_at is None
    assert not Silence.objects.exists()
