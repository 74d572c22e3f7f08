"""What commands load: those for the console no apps, the others nothing that is costly."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.captures import Conversation, request, response
from tests.trimming.management.conftest import imported_by, in_own_process

pytestmark = pytest.mark.slow

COSTLY = ("scapy", "numba", "numpy")
APPS = ("django.contrib.auth", "django.db.models", "django.urls", "trimming.models", "structlog")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    conversation = Conversation()
    conversation.handshake()
    conversation.client(request())
    conversation.server(response(body=b"hidden"))
    conversation.fin()
    path = tmp_path / "in.pcap"
    path.write_bytes(conversation.pcap())
    return path


@pytest.mark.parametrize("command", ["trim", "compare"])
def test_help_and_refusals_import_neither_scapy_nor_numba(command: str) -> None:
    assert imported_by(command, "--help", looked_for=COSTLY) == []
    missing = ["/missing.pcap", *(["out.pcap"] * (command == "trim"))]
    assert imported_by(command, *missing, looked_for=("scapy", "numba")) == []


@pytest.mark.parametrize("strategy", ["legacy", "scanning"])
def test_a_small_capture_is_trimmed_without_apps_and_without_a_compiler(
    source: Path, tmp_path: Path, strategy: str
) -> None:
    out = tmp_path / "out.pcap"
    arguments = ("trim", source, out, "--strategy", strategy)
    assert imported_by(*arguments, looked_for=("numba", *APPS)) == []
    assert out.exists()


def test_two_plans_are_compared_without_apps(source: Path) -> None:
    arguments = ("compare", source, "--strategies", "legacy", "legacy")
    assert imported_by(*arguments, looked_for=APPS) == []


@pytest.mark.parametrize("command", [["help"], ["check"], ["migrate", "--plan"]])
def test_commands_that_trim_nothing_import_nothing_costly(
    command: list[str], tmp_path: Path
) -> None:
    assert imported_by(*command, looked_for=COSTLY, PKTMASK_DATA_DIR=str(tmp_path)) == []


@pytest.mark.parametrize("how", ["variable", "option"])
def test_settings_that_somebody_chose_are_used(source: Path, tmp_path: Path, how: str) -> None:
    (tmp_path / "house_settings.py").write_text(
        "TRIMMING_STRATEGIES = {'house': 'trimming.engine.strategies.legacy.strategy:"
        "LegacyStrategy'}\n"
    )
    environ = {"PYTHONPATH": str(tmp_path)}
    arguments = ["trim", source, tmp_path / "out.pcap", "--strategy", "house"]
    if how == "variable":
        environ["DJANGO_SETTINGS_MODULE"] = "house_settings"
    else:
        arguments.append("--settings=house_settings")
    run = in_own_process(*arguments, **environ)
    assert run.returncode == 0, run.stderr
