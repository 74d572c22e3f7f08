"""The command refuses what cannot be, before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.services.console import free_port

pytestmark = pytest.mark.django_db
NOBODY = f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 0}, "above 0"),
        ({"rate": 1e6, "seconds": 1e6}, "at most"),
        ({"connections": 0}, "from 1 to"),
        ({"mix": "huge=1"}, "no size 'huge'"),
        ({}, "PKTMASK_LOAD_PASSWORD"),
        ({"password_file": Path("/nowhere/at/all")}, "No such file"),
    ],
)
def test_what_cannot_be_is_refused(
    options: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PKTMASK_LOAD_PASSWORD", raising=False)
    with pytest.raises(CommandError, match=said):
        call_command("generate_load", **options)


def test_a_service_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_LOAD_PASSWORD", "x")
    with pytest.raises(CommandError, match="is the service running there"):
        call_command("generate_load", url=NOBODY)
