"""What must be true before anything is started."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pktmask_site import checks
from pktmask_site.checks import check_installation
from trimming.conf import TrimmingSettings

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


@pytest.mark.parametrize(
    ("strategy", "ids"),
    [("scaning", ["pktmask.E003"]), ("scanning", []), ("legacy", []), ("house", [])],
)
def test_a_strategy_that_is_none_is_found_and_those_that_there_are_are_named(
    monkeypatch: pytest.MonkeyPatch, settings: Any, strategy: str, ids: list[str]
) -> None:
    settings.TRIMMING_STRATEGIES = {"house": "somewhere:House"}
    chosen = TrimmingSettings(strategy=strategy)
    monkeypatch.setattr(checks, "trimming_settings", lambda: chosen)
    found = check_installation(None)
    assert [each.id for each in found] == ids
    for each in found:
        assert repr(strategy) in each.msg
        assert each.hint == "Set PKTMASK_TRIMMING__STRATEGY to one of: house, legacy, scanning."


@pytest.mark.slow
def test_deploy_checks_find_nothing_in_production(tmp_path: Path) -> None:
    environ = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("PKTMASK", "DJANGO"))},
        "PKTMASK_ENVIRONMENT": "production",
        "PKTMASK_DATA_DIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, str(MANAGE), "check", "--deploy", "--fail-level", "WARNING"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout + done.stderr
