"""What a process begins with: an environment that fits only some, and signs of those before it."""

from __future__ import annotations

import socket

import pytest
from django.utils import timezone

from config.choices import VersionKind
from config.current import (
    adopt_newest,
    begin_with,
    current,
    forget,
    forget_processes_here,
    processes,
)
from config.layers import ConfigurationError, Given, Layer
from config.models import Adoption
from config.versions import publish
from trimming.conf import trimming_settings

MORE_TIME: Layer = {"trimming": {"least_deadline_seconds": Given(300, "a file")}}


@pytest.fixture
def _long_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    forget()
    monkeypatch.setenv("PKTMASK_TRIMMING__LEASE_SECONDS", "200")
    with pytest.raises(ConfigurationError):
        current()


@pytest.mark.usefixtures("_long_leases")
def test_a_process_begins_with_files_that_set_it_right() -> None:
    begin_with(MORE_TIME)
    assert (current().version, trimming_settings().lease_seconds) == (0, 200)
    assert trimming_settings().least_deadline_seconds == 300


@pytest.mark.usefixtures("_long_leases")
def test_files_that_do_not_set_it_right_put_nothing_in_place() -> None:
    with pytest.raises(ConfigurationError):
        begin_with({})
    with pytest.raises(ConfigurationError):
        current()


@pytest.mark.django_db
@pytest.mark.usefixtures("_long_leases")
def test_a_process_adopts_a_version_that_sets_it_right() -> None:
    publish(None, kind=VersionKind.FILES, reason="the files", files=MORE_TIME)
    assert adopt_newest().version == 1
    assert trimming_settings().lease_seconds == 200


@pytest.mark.django_db
def test_signs_of_this_machine_are_forgotten_and_those_of_others_are_not() -> None:
    for process in (f"{socket.gethostname()}/7", "elsewhere/7"):
        Adoption.objects.create(process=process, kind="web", version=1, at=timezone.now())
    forget_processes_here()
    assert [each.process for each in processes()] == ["elsewhere/7"]
