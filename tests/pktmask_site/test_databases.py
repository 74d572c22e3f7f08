"""The database that an installation names."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from pktmask_site.databases import database_settings
from pktmask_site.environment import read_installation

URL = "postgresql://ada:secret@db.example:5433/pktmask"


def test_without_an_address_it_is_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    found = database_settings("", tmp_path)
    assert found["ENGINE"].endswith("sqlite3")
    assert found["NAME"] == tmp_path / "pktmask.sqlite3"
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_an_address_names_a_database_of_postgresql(tmp_path: Path) -> None:
    found = database_settings(URL, tmp_path)
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", 5433, "pktmask")
    assert (found["USER"], found["PASSWORD"]) == ("ada", "secret")


@pytest.mark.parametrize("url", ["mysql://ada:secret@db/pktmask", "pktmask", "sqlite:///x"])
def test_another_kind_of_database_is_refused_without_quoting_its_address(
    url: str, tmp_path: Path
) -> None:
    with pytest.raises(ImproperlyConfigured, match="must begin with postgresql://") as found:
        database_settings(url, tmp_path)
    assert "secret" not in str(found.value)


def test_the_address_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "address").write_text(f"{URL}\n")
    environ = {"PKTMASK_DATABASE_URL_FILE": str(tmp_path / "address")}
    assert read_installation(tmp_path, environ).database_url == URL
    assert read_installation(tmp_path, {"PKTMASK_DATABASE_URL": URL}).database_url == URL


def test_a_file_with_the_address_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="PKTMASK_DATABASE_URL_FILE"):
        read_installation(tmp_path, {"PKTMASK_DATABASE_URL_FILE": str(tmp_path / "none")})


def test_what_sqlite_has_committed_survives_a_loss_of_power(tmp_path: Path) -> None:
    # tests/trimming/power_loss tries it
    command = database_settings("", tmp_path)["OPTIONS"]["init_command"]
    assert "synchronous=FULL" in command
