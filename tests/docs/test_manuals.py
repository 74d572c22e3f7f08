"""The manuals: shell blocks that need no service do what they should, from first to last."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.shell_blocks import (
    MANUALS,
    MARKS,
    all_blocks,
    blocks,
    commands_of,
    environment,
    run,
)
from tests.services.prepared import prepared_data

PEOPLE = """
from django.contrib.auth.models import Group, User
for name, role in (("anna", "approver"), ("otto", "operator")):
    User.objects.create_user(name).groups.add(Group.objects.get(name=role))
"""
DEPLOYMENT, OPERATIONS = MANUALS
# what was done on the installation before somebody opens the manual
BEFORE = {DEPLOYMENT: "true", OPERATIONS: "pktmask-manage rollout start --reason 'a test'"}


def test_every_mark_is_one_and_says_why_its_block_is_not_run() -> None:
    found = list(all_blocks())
    assert len(found) > 40
    assert [each for each in found if each.mark and not MARKS.fullmatch(each.mark)] == []


@pytest.mark.slow
@pytest.mark.parametrize("manual", MANUALS, ids=["deployment", "operations"])
def test_every_block_does_what_it_should(manual: str, tmp_path: Path) -> None:
    shutil.copytree(prepared_data(), tmp_path / "data")
    key = (tmp_path / "data" / "secret_key").read_text()
    environ = environment(tmp_path, tmp_path / "data", PKTMASK_SECRET_KEY=key)
    with commands_of(environ):
        run(f"pktmask-manage shell -v 0 -c '{PEOPLE}'\n{BEFORE[manual]}", environ, tmp_path)
        for block in blocks(""):
            if block.manual == manual:
                run(block.script, environ, tmp_path)
    there = {**environ, "PKTMASK_DATA_DIR": str(tmp_path / "another machine")}
    empty = [each for each in blocks("run: empty") if each.manual == manual]
    if empty:
        with commands_of(there):
            check, restored, replaced = (run(each.script, there, tmp_path) for each in empty)
        assert "Whole: " in check
        assert "Everything goes to legacy" in restored
        assert "nothing was touched" in restored
        assert "What was here before is kept in" in replaced
