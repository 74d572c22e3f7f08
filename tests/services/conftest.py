"""Real processes for tests."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.datasets import write_web
from tests.services.console import QUICK, Console

# the legacy strategy takes some seconds for so many
BIG_BYTES = 8_000_000
SERVER = os.environ.get("PKTMASK_TEST_POSTGRES", "postgresql://root@127.0.0.1:5432")


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(QUICK, id="quick"),
        # what an installation has
        pytest.param({}, id="default", marks=pytest.mark.long),
    ],
)
def console(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Console]:
    """Give a console that the tests of a module start, stop and kill; its data stays."""
    console = Console(tmp_path_factory.mktemp("console"), request.param)
    try:
        yield console
    finally:
        console.kill_everything()


@pytest.fixture(scope="session")
def big_capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a capture that takes long enough for a worker to be killed in the middle."""
    folder = tmp_path_factory.mktemp("big")
    write_web(folder / "big.pcap", folder / "expected.pcap", BIG_BYTES, seed=3)
    return folder / "big.pcap"


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a new database: of PostgreSQL, or none for SQLite."""
    if request.param == "sqlite":
        yield ""
        return
    psycopg = pytest.importorskip("psycopg")
    try:
        server = psycopg.connect(f"{SERVER}/postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        if os.environ.get("REQUIRE_SERVICES"):
            raise
        pytest.skip("PostgreSQL is not running")
    name = f"services_{uuid.uuid4().hex[:12]}"
    with server:
        server.execute(f"CREATE DATABASE {name}")
        yield f"{SERVER}/{name}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
