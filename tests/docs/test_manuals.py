"""The manuals: each shell block that needs no service does what it should, in its order."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.shell_blocks import MARKS, Block, all_blocks, blocks, commands_of, environment, run
from tests.services.prepared import prepared_data

PEOPLE = """
from django.contrib.auth.models import Group, User
for name, role in (("anna", "approver"), ("otto", "operator")):
    User.objects.create_user(name).groups.add(Group.objects.get(name=role))
"""


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An installation with two people, on which all blocks of this module run."""
    folder = tmp_path_factory.mktemp("installation")
    shutil.copytree(prepared_data(), folder / "data")
    key = (folder / "data" / "secret_key").read_text()
    found = environment(folder, folder / "data", PKTMASK_SECRET_KEY=key)
    with commands_of(found):
        run(f"pktmask-manage shell -v 0 -c '{PEOPLE}'", found, folder)
        yield found


def test_every_mark_is_one_and_says_why_its_block_is_not_run() -> None:
    found = list(all_blocks())
    assert len(found) > 40
    assert [each for each in found if each.mark and not MARKS.fullmatch(each.mark)] == []


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks(""), ids=str)
def test_a_block_does_what_it_should(block: Block, environ: dict[str, str]) -> None:
    run(block.script, environ, Path(environ["HOME"]))


@pytest.mark.slow
def test_an_empty_machine_is_restored_by_the_letter(environ: dict[str, str]) -> None:
    folder = Path(environ["HOME"])
    backup = next(
        each for each in blocks("") if "backup" in each.script and "by-hand" in each.script
    )
    if not (Path(environ["BACKUPS"]) / "by-hand").exists():  # run by itself
        run(backup.script, environ, folder)
    there = {**environ, "PKTMASK_DATA_DIR": str(folder / "another machine")}
    with commands_of(there):
        said = [run(block.script, there, folder) for block in blocks("run: empty")]
    check, restored, replaced = said
    assert "Whole: " in check
    assert "Everything goes to legacy" in restored
    assert "nothing was touched" in restored
    assert "What was here before is kept in" in replaced
