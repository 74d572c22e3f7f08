"""What the environment says about an installation."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from pktmask_site.environment import read_installation

MANAGE = Path(__file__).parents[2] / "manage.py"


def test_without_variables_it_is_local_with_its_data_in_var(tmp_path: Path) -> None:
    found = read_installation(tmp_path, {})
    assert (found.name, found.data_dir, found.is_local) == ("local", tmp_path / "var", True)
    assert found.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert found.workers >= 2


def test_production_is_not_local(tmp_path: Path) -> None:
    assert not read_installation(tmp_path, {"PKTMASK_ENVIRONMENT": "production"}).is_local


def test_a_key_is_made_once_and_is_for_this_user_only(tmp_path: Path) -> None:
    first = read_installation(tmp_path, {}).secret_key
    assert len(first) >= 64
    assert read_installation(tmp_path, {}).secret_key == first
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600


def _key(folder: Path) -> str:
    return read_installation(folder, {}).secret_key


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_key, [tmp_path] * 8))) == 1
    assert [path.name for path in (tmp_path / "var").glob("secret_key*")] == ["secret_key"]


def test_a_key_can_be_given_or_read_from_a_file(tmp_path: Path) -> None:
    assert read_installation(tmp_path, {"PKTMASK_SECRET_KEY": "given"}).secret_key == "given"
    (tmp_path / "key").write_text("from a file\n")
    environ = {"PKTMASK_SECRET_KEY_FILE": str(tmp_path / "key")}
    assert read_installation(tmp_path, environ).secret_key == "from a file"


def test_a_key_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    environ = {"PKTMASK_SECRET_KEY_FILE": str(tmp_path / "missing")}
    assert read_installation(tmp_path, environ).secret_key == ""
    assert not (tmp_path / "missing").exists()


def test_a_data_folder_that_cannot_be_made_does_not_stop_commands_that_need_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    found = read_installation(tmp_path, {"PKTMASK_DATA_DIR": str(tmp_path / "file" / "var")})
    assert found.secret_key == ""


def test_a_wrong_value_ends_a_command_with_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(MANAGE), "up"],
        env={**os.environ, "PKTMASK_DATA_DIR": str(tmp_path), "PKTMASK_WORKERS": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "PKTMASK_WORKERS is 'many'; expected a number from 1 to 256\n"


@pytest.mark.parametrize("text", ["none", "0", "257", "-1", "2.5"])
def test_a_wrong_number_of_workers_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"PKTMASK_WORKERS is '{text}'; expected"):
        read_installation(tmp_path, {"PKTMASK_WORKERS": text})
