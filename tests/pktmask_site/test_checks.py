"""What must be true before anything is started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config.files import MAIN
from pktmask_site import checks
from pktmask_site.checks import check_files, check_installation, check_shared_files
from tests.buckets import bucket_at

MANAGE = Path(__file__).parents[2] / "manage.py"


def test_an_installation_that_can_be_used_has_no_faults() -> None:
    assert check_installation(None) == []


def test_a_data_folder_that_cannot_be_written_is_found(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "missing"
    (found,) = check_installation(None)
    assert (found.id, "PKTMASK_DATA_DIR" in (found.hint or "")) == ("pktmask.E001", True)


def test_a_missing_key_is_found(settings: Any) -> None:
    settings.INSTALLATION = replace(settings.INSTALLATION, secret_key="")
    (found,) = check_installation(None)
    assert (found.id, "PKTMASK_SECRET_KEY" in (found.hint or "")) == ("pktmask.E002", True)


def test_machines_that_share_a_database_need_one_key(settings: Any) -> None:
    alone = settings.INSTALLATION
    settings.INSTALLATION = replace(alone, database_url="postgresql://db/x", has_given_key=False)
    (found,) = check_installation(None)
    assert (found.id, "PKTMASK_SECRET_KEY" in (found.hint or "")) == ("pktmask.E005", True)
    settings.INSTALLATION = replace(settings.INSTALLATION, has_given_key=True)
    assert check_installation(None) == []


def test_captures_in_a_folder_beside_a_shared_database_are_a_warning_before_deploying(
    settings: Any,
) -> None:
    assert check_shared_files(None) == []
    settings.INSTALLATION = replace(settings.INSTALLATION, database_url="postgresql://db/x")
    (found,) = check_shared_files(None)
    assert (found.id, found.is_serious()) == ("pktmask.W001", False)
    assert "PKTMASK_S3_BUCKET" in (found.hint or "")
    settings.INSTALLATION = replace(settings.INSTALLATION, bucket=bucket_at("https://s3.example"))
    assert check_shared_files(None) == []


@pytest.mark.parametrize(
    ("platform", "missing", "said"),
    [
        ("linux", (), ""),
        ("linux", ("Landlock",), "pktmask.I001"),
        ("linux", ("seccomp (libseccomp)", "Landlock"), "pktmask.W002"),
        ("darwin", ("seccomp (libseccomp)", "Landlock"), "pktmask.I001"),
    ],
)
def test_readers_without_isolation_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, platform: str, missing: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(checks, "lacking", lambda: missing)
    monkeypatch.setattr("pktmask_site.checks.sys.platform", platform)
    found = checks.check_readers(None)
    assert [each.id for each in found] == [said] * bool(said)
    assert all(name in each.msg for each in found for name in missing)


@pytest.fixture
def write(settings: Any, tmp_path: Path) -> Callable[[str], None]:
    """Write the main file of the settings."""
    settings.CONFIG_DIR = tmp_path
    folder = tmp_path / settings.INSTALLATION.name
    folder.mkdir()
    return lambda text: (folder / MAIN).write_text(text) and None


def test_each_variable_that_is_wrong_is_found(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], None]
) -> None:
    write("trimming:\n  max_attempts: many\n")
    monkeypatch.setenv("PKTMASK_ROUTING__FIRST_MODE", "scaning")
    found = check_installation(None)
    assert [(each.id, each.msg) for each in found] == [
        (
            "pktmask.E003",
            "PKTMASK_ROUTING__FIRST_MODE: routing.first_mode is 'scaning'; "
            "expected one of: auto, legacy, scanning.",
        )
    ]
    assert check_files(None) == []


def test_files_that_are_wrong_keep_no_command_from_its_work_and_are_found_before_deploying(
    write: Callable[[str], None],
) -> None:
    write("trimming:\n  max_attempts: many\n")
    assert check_installation(None) == []
    assert [(each.id, each.msg) for each in check_files(None)] == [
        (
            "pktmask.E003",
            "dual_strategy_deployment.yaml, line 2: trimming.max_attempts is 'many'; "
            "expected a whole number from 1 to 100.",
        )
    ]


def test_an_environment_that_contradicts_defaults_and_not_the_files_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, write: Callable[[str], None]
) -> None:
    monkeypatch.setenv("PKTMASK_TRIMMING__LEASE_SECONDS", "200")
    write("trimming:\n  least_deadline_seconds: 300\n")
    assert check_installation(None) == []
    write("{}")
    (found,) = check_installation(None)
    assert found.id == "pktmask.E003"


def test_an_environment_with_a_name_needs_a_file(settings: Any, tmp_path: Path) -> None:
    settings.CONFIG_DIR = tmp_path
    settings.INSTALLATION = replace(settings.INSTALLATION, name="production")
    assert check_installation(None) == []
    (found,) = check_files(None)
    assert (found.id, MAIN in (found.hint or "")) == ("pktmask.E004", True)


@pytest.mark.slow
def test_deploy_checks_find_nothing_in_production(tmp_path: Path) -> None:
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PKTMASK", "DJANGO"))},
        "PKTMASK_ENVIRONMENT": "production",
        "PKTMASK_DATA_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [
            *(sys.executable, str(MANAGE), "check", "--deploy", "--fail-level", "WARNING"),
            *("--settings", "tests.lint_settings"),
        ],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout + done.stderr
