"""The audit of dependencies: what it found, and what it could not find out, is never silent."""

from __future__ import annotations

import importlib.util
import stat
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / ".ci" / "dependencies.py"
CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "c", "version": "3", "skip_reason": "Dependency not found"}


@pytest.fixture
def script() -> Any:
    spec = importlib.util.spec_from_file_location("dependencies", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("packages", "code", "line"),
    [
        ([CLEAN], 0, "1 packages, no known vulnerability"),
        ([CLEAN, HOLED], 1, "b 2: CVE-1, fixed in 2.1"),
        ([HOLED, UNKNOWN], 1, "b 2: CVE-1, fixed in 2.1"),
        ([CLEAN, UNKNOWN], 2, "NOT AUDITED: 1 of 2 packages are not known to the service: c"),
        ([], 2, "NOT AUDITED: there is no package."),
    ],
)
def test_what_is_found_and_what_is_not_known_is_said(
    script: Any, packages: list[Any], code: int, line: str
) -> None:
    found = script.judged({"dependencies": packages})
    assert found[0] == code
    assert line in found[1]


def test_no_answer_is_no_clean_answer(script: Any) -> None:
    assert script.judged(None)[0] == 2


@pytest.mark.parametrize(
    ("answer", "required", "code"),
    [("{}x", "", 0), ("{}x", "1", 2), ('{"dependencies": []}', "1", 2)],
)
def test_a_machine_without_a_network_goes_on_unless_the_audit_is_required(
    script: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    required: str,
    code: int,
) -> None:
    tool = tmp_path / "pip-audit"
    tool.write_text(f"#!/bin/sh\necho '{answer}'\n")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("REQUIRE_AUDIT", required)
    assert script.main([str(tool), "requirements/base.txt"]) == code
    assert "NOT AUDITED" in capsys.readouterr().out
