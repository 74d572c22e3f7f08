"""The command: what it refuses, what it says, and that the fault it gave ends with it."""

from __future__ import annotations

import io
import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from config.choices import VersionKind
from config.current import forget
from config.layers import Given, Layer
from config.models import AuditEvent
from config.versions import publish
from tests.factories import make_user
from tests.services.console import free_port
from tests.trimming.load.stub import PASSWORD, Stub, refused, serving
from trimming.conf import DrillSettings
from trimming.drills import rows
from trimming.load.sending import Tally
from trimming.management.commands import generate_load
from trimming.models import Drill

pytestmark = pytest.mark.django_db
NOBODY = f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 0}, "above 0"),
        ({"rate": 1e6, "seconds": 1e6}, "at most"),
        ({"count": 0}, "--count from 1"),
        ({"count": 5, "rate": 0}, "above 0"),
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


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    monkeypatch.setenv("PKTMASK_LOAD_PASSWORD", PASSWORD)
    with serving() as stub:
        yield stub


@pytest.fixture
def permitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "drill_settings", lambda: DrillSettings(permitted=True))


def generate(stub: Stub, **options: Any) -> str:
    output = io.StringIO()
    given = {"rate": 100.0, "count": 3, "mix": "broken=1", **options}
    call_command("generate_load", url=stub.url, stdout=output, **given)
    return output.getvalue()


def test_so_many_as_were_asked_for_are_sent_and_summed_up(stub: Stub) -> None:
    found = json.loads(generate(stub, json=True))
    assert (found["sent"], found["accepted"], found["refused"]) == (3, 3, {})
    assert len({body for _, body in stub.uploads}) == 3


def test_refusals_are_counted_by_reason(stub: Stub) -> None:
    stub.answer = (200, refused("This is not a capture."))
    said = generate(stub)
    assert "3 sent" in said
    assert "0 accepted" in said
    assert "3 refused: This is not a capture." in said


def test_the_password_may_come_from_a_file(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PKTMASK_LOAD_PASSWORD")
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")
    assert "3 sent" in generate(stub, password_file=file)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_told_how_far_it_is(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate_load, "PROGRESS_SECONDS", 0.001)
    terminal = Terminal()
    generate(stub, rate=10.0, stderr=terminal, json=True)
    assert re.search(r"\r\d of 3 sent, \d accepted, 0 late, 0.0 MB", terminal.getvalue())
    silent = io.StringIO()
    generate(stub, stderr=silent)
    assert not silent.getvalue()


def test_a_fault_is_refused_where_drills_are_not_permitted_and_nothing_is_sent(stub: Stub) -> None:
    with pytest.raises(CommandError, match=r"drills\.permitted"):
        generate(stub, fault="failing")
    assert not stub.uploads
    assert not Drill.objects.exists()


def test_drills_are_permitted_by_the_settings_in_force(stub: Stub) -> None:
    permitted: Layer = {"drills": {"permitted": Given(True, "a test")}}
    publish(None, kind=VersionKind.CONSOLE, reason="a test", console=permitted)
    forget()  # in another process than the command's
    generate(stub, fault="failing")
    assert Drill.objects.exists()


@pytest.mark.usefixtures("permitted")
def test_a_fault_ends_with_the_command_and_the_audit_log_says_whose_it_was(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, begun_at = make_user(), timezone.now()
    # on a busy machine its time would be over before the command is
    monkeypatch.setattr(rows, "timezone", SimpleNamespace(now=lambda: begun_at))
    generate(stub, user=user.username, fault="failing", fault_share=0.2, reason="a rehearsal")
    drill = Drill.objects.get()
    assert (drill.actor, drill.share) == (user, 0.2)
    assert drill.until <= timezone.now()
    begun = AuditEvent.objects.get(action="drill_started")
    assert (begun.actor_name, begun.details["reason"]) == (user.username, "a rehearsal")
    assert AuditEvent.objects.filter(action="drill_stopped").count() == 1


@pytest.mark.usefixtures("permitted")
def test_a_fault_may_last_beyond_the_sending(stub: Stub) -> None:
    generate(stub, fault="failing", fault_seconds=600.0)
    assert Drill.objects.get().until > timezone.now()


@pytest.mark.usefixtures("permitted")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_interrupts_it_ends_the_fault_too_and_gets_the_summary(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def send_all(*given: Any, tally: Tally, **more: Any) -> Tally:
        signal.raise_signal(number)
        return tally

    monkeypatch.setattr(generate_load, "send_all", send_all)
    assert "0 sent" in generate(stub, fault="failing", fault_seconds=600.0)
    assert Drill.objects.get().until <= timezone.now()


@pytest.mark.usefixtures("permitted")
def test_an_error_ends_the_fault(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    def send_all(*given: Any, **more: Any) -> Tally:
        raise LookupError

    monkeypatch.setattr(generate_load, "send_all", send_all)
    with pytest.raises(LookupError):
        generate(stub, fault="failing", fault_seconds=600.0)
    assert Drill.objects.get().until <= timezone.now()
