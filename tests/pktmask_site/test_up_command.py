"""What ``manage.py up`` refuses before it changes anything."""

from __future__ import annotations

import socket
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from config.current import forget
from pktmask_site.processes import InUseError, check_address, lock_folder


def refused(settings: Any) -> str:
    errors = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("up", stderr=errors)
    assert ended.value.code == 2
    assert not (settings.DATA_DIR / "pktmask.sqlite3").exists()
    return errors.getvalue()


@pytest.mark.parametrize("port", ["eighty", "0", "65536", "-1", "80.5", "٨٠"])
def test_a_port_that_is_none_is_named(
    monkeypatch: pytest.MonkeyPatch, settings: Any, port: str
) -> None:
    monkeypatch.setenv("PORT", port)
    assert refused(settings) == f"PORT is {port!r}; expected a number from 1 to 65535.\n"


def test_a_setting_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    forget()
    monkeypatch.setenv("PKTMASK_MONITORING__BEAT_SECONDS", "often")
    assert refused(settings) == (
        "PKTMASK_MONITORING__BEAT_SECONDS: monitoring.beat_seconds is 'often'; "
        "expected a number from 0.1 to 60.\n"
    )


def test_data_that_somebody_works_on_are_refused(settings: Any) -> None:
    with lock_folder(settings.DATA_DIR):
        assert "already runs on the data in" in refused(settings)
    lock_folder(settings.DATA_DIR).close()


def test_an_address_that_is_not_ours_is_refused(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("PKTMASK_HOST", "192.0.2.1")
    assert "Cannot listen on 192.0.2.1, port 8000" in refused(settings)


def test_a_port_on_which_somebody_listens_is_in_use() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(InUseError):
            check_address("127.0.0.1", port, patience_seconds=0)
    check_address("127.0.0.1", port)
