"""The command that takes scanning away, as a person meets it when much else is broken."""

from __future__ import annotations

import json
import os
import pwd
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection

from config.models import AuditEvent
from tests.trimming.management.conftest import in_own_process
from trimming.management.commands import emergency_rollback as command
from trimming.models import RoutingPolicy
from trimming.policy import Wish, newest_policy, publish
from trimming.routing_choices import Mode, Origin

ME = pwd.getpwuid(os.getuid()).pw_name
Said = tuple[int, str, str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that runs the command and returns exit code, output and errors."""
    monkeypatch.delenv("SUDO_USER", raising=False)

    def run(*arguments: str) -> Said:
        code = 0
        try:
            call_command("emergency_rollback", *arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.django_db
class TestRollingBack:
    def test_it_says_what_was_and_what_is_in_force_and_how_long_it_took(self, run: Any) -> None:
        publish(Wish(Mode.SCANNING), origin=Origin.OPERATOR, reason="try")

        code, said, errors = run("--reason", "bodies were seen")

        assert (code, errors) == (0, "")
        assert "Before: policy 2 (all to scanning), epoch 1\n" in said
        assert "Now:    policy 3 (all to legacy), epoch 2\n" in said
        assert " ms." in said
        assert newest_policy().stands_back

    def test_it_tells_machines_the_same(self, run: Any) -> None:
        _, said, _ = run("--reason", "leak", "--json")

        found = json.loads(said)
        assert found.pop("took_ms") >= 0
        assert found == {
            "before": {"policy": 1, "mode": "legacy", "epoch": 1},
            "after": {"policy": 2, "mode": "legacy", "epoch": 2},
            "reason": f"leak ({ME}, by command)",
        }

    def test_the_system_did_it_and_the_reason_says_for_whom(
        self, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SUDO_USER", "olga")
        run("--reason", "leak")
        event = AuditEvent.objects.get(action="emergency_rollback")
        assert (event.actor_name, event.actor) == ("system", None)
        assert event.details["reason"] == f"leak ({ME} for olga, by command)"
        assert newest_policy().actor_name == "system"

    def test_twice_does_no_harm(self, run: Any) -> None:
        assert run("--reason", "leak")[0] == run("--reason", "leak")[0] == 0
        assert newest_policy().fence_epoch == 3

    def test_a_policy_of_another_version_of_the_program_is_rolled_back_too(self, run: Any) -> None:
        newest_policy()
        RoutingPolicy(
            version=2,
            fence_epoch=1,
            mode="dice",
            salt="s",
            origin="first",
            actor_name="x",
            at=newest_policy().at,
        ).save()
        code, said, _ = run("--reason", "leak")
        assert code == 0
        assert "Before: policy 2 (dice), epoch 1" in said

    def test_settings_that_are_wrong_do_not_keep_it_from_its_work(
        self, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PKTMASK_ROUTING__FIRST_MODE", "dice")
        monkeypatch.setenv("PKTMASK_NO_SUCH__SETTING", "1")
        assert run("--reason", "leak")[0] == 0
        assert newest_policy().mode == Mode.LEGACY

    def test_a_reason_that_is_too_long_to_be_kept_is_cut_and_its_author_is_not(
        self, run: Any
    ) -> None:
        run("--reason", "r" * 2_000)
        kept = newest_policy().reason
        assert len(kept) == command.MAX_REASON_CHARACTERS
        assert kept.endswith(f"r… ({ME}, by command)")

    @pytest.mark.parametrize("arguments", [(), ("--reason", ""), ("--reason", "  "), ("--json",)])
    def test_without_a_reason_nothing_is_changed_and_one_sentence_says_so(
        self, run: Any, arguments: tuple[str, ...]
    ) -> None:
        code, said, errors = run(*arguments)
        assert (code, said) == (2, "")
        assert errors.strip() == 'Nothing was changed: say why, with --reason "...".'
        assert not RoutingPolicy.objects.exists()

    def test_what_the_database_answers_is_told_with_its_name_and_without_a_password(
        self, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: Any) -> None:
            raise OperationalError("the server is away.\nLINE 1: SELECT")

        monkeypatch.setattr(command, "emergency_rollback", fail)
        monkeypatch.setitem(connection.settings_dict, "HOST", "db-1")
        monkeypatch.setitem(connection.settings_dict, "PASSWORD", "hidden")
        code, said, errors = run("--reason", "leak")
        assert (code, said) == (2, "")
        assert " on db-1 could not do it (the server is away). Try again" in errors
        assert "hidden" not in errors
        assert "SELECT" not in errors

    def test_who_cannot_be_named_by_the_system_is_a_number(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(uid: int) -> None:
            raise KeyError(uid)

        monkeypatch.setattr(pwd, "getpwuid", unknown)
        monkeypatch.delenv("SUDO_USER", raising=False)
        assert command.who() == f"user {os.getuid()}"


@pytest.mark.slow
def test_it_needs_the_database_and_nothing_else(tmp_path: Path) -> None:
    """Real processes: no service runs, the files of settings are broken, a variable is wrong."""
    config = tmp_path / "config" / "local"
    config.mkdir(parents=True)
    (config / "dual_strategy_deployment.yaml").write_text("routing: [what is this\n")
    data = tmp_path / "data"
    environ = {"PKTMASK_DATA_DIR": str(data)}
    broken = {
        "PKTMASK_CONFIG_DIR": str(tmp_path / "config"),
        "PKTMASK_ROUTING__FIRST_MODE": "dice",
    }

    without = in_own_process("emergency_rollback", "--reason", "leak", **environ, **broken)
    assert without.returncode == 2
    assert without.stderr.startswith("Not rolled back: there is no database ")
    assert not (data / "pktmask.sqlite3").exists()

    assert in_own_process("migrate", "-v", "0", **environ).returncode == 0
    done = in_own_process("emergency_rollback", "--reason", "leak", "--json", **environ, **broken)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["after"] == {"policy": 2, "mode": "legacy", "epoch": 2}
    with sqlite3.connect(data / "pktmask.sqlite3") as database:
        found = database.execute("SELECT mode, stands_back FROM trimming_routingpolicy").fetchall()
    assert found == [("legacy", 0), ("legacy", 1)]
