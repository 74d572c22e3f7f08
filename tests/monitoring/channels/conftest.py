"""Receivers and secrets for the tests of channels."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.monitoring.channels.receivers import Receiver, certificate, http_receiver, served_with

SECRET = "planted-secret-5f1c"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as running:
        yield running


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> str:
    """Plant a secret where the reference ``env:PKTMASK_PLANTED`` leads to."""
    monkeypatch.setenv("PKTMASK_PLANTED", SECRET)
    return SECRET


@pytest.fixture(scope="session")
def certificate_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate_file: Path) -> ssl.SSLContext:
    """Return what a server needs; clients do not trust it yet."""
    return served_with(certificate_file)


@pytest.fixture
def trusted(certificate_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have clients trust the certificate of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file))
