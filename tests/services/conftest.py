"""Real processes for tests."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.datasets import write_web
from tests.cluster.servers import Postgres
from tests.services.console import QUICK, Console
from tests.services.prepared import DATABASE, make_tables, prepared_data

# the legacy strategy takes some seconds for so many
BIG_BYTES = 5_000_000
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


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a PostgreSQL server: of the one that runs here, or of a new one."""
    psycopg = pytest.importorskip("psycopg")
    try:
        psycopg.connect(f"{SERVER}/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        made = Postgres(tmp_path_factory.mktemp("postgresql"))
        made.start()
        yield made.url.removesuffix("/postgres")
        made.kill()
    else:
        yield SERVER


@contextmanager
def new_database(server: str, statement: str = "CREATE DATABASE {}") -> Iterator[str]:
    """Give the address of a new database of a PostgreSQL server, which is dropped afterwards."""
    import psycopg

    name = f"services_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(statement.format(name).encode())
        yield f"{server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="session")
def template(postgresql: str) -> Iterator[str]:
    """Give the name of a database with all tables, which others are copied from."""
    with new_database(postgresql) as url:
        make_tables(url)
        yield url.rpartition("/")[2]


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give the address of a new database with all tables: of PostgreSQL, or none for SQLite.

    That of SQLite stands in the test's folder, which is the data folder of its processes.
    """
    if request.param == "sqlite":
        shutil.copy(prepared_data() / DATABASE, tmp_path)
        yield ""
        return
    server, template = map(request.getfixturevalue, ("postgresql", "template"))
    with new_database(server, f"CREATE DATABASE {{}} TEMPLATE {template}") as url:
        yield url
