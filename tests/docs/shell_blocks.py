"""The shell blocks of the manuals, and where each is run.

A comment on the line before a block says otherwise than that it runs at once on a scratch
installation: ``not run: REASON``, ``run: service``, ``run: empty``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.documents import FOLDER
from tests.services.console import wait_until

ROOT: Final = FOLDER.parent
MANUALS: Final = (
    "deployment/HTTP_SCANNING_DEPLOYMENT_GUIDE",
    "operations/HTTP_SCANNING_OPERATIONS_MANUAL",
)
BLOCK: Final = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```sh\n(.*?)^```$", re.M | re.S)
MARKS: Final = re.compile(r"not run: \S.{9,}|run: (?:service|empty)")
SECONDS: Final = 180.0
# what these are on an installed machine; "manage.py" is as long as a socket may be called
SOCKET: Final = "manage.py"
ASKED: Final = ROOT / "tests" / "docs" / "commands.py"
COMMANDS: Final[Mapping[str, str]] = {
    "pktmask-manage": f'"{sys.executable}" -IS "{ASKED}" "$PKTMASK_DATA_DIR/{SOCKET}"',
    "pktmask": f'"{sys.executable}" -m pktmask',
    "python3": f'"{sys.executable}"',
}


@dataclass(frozen=True)
class Block:
    """One block; ``mark`` is empty where it runs at once."""

    manual: str
    number: int
    mark: str
    script: str

    def __str__(self) -> str:
        return f"{Path(self.manual).name.split('_')[2].lower()}-{self.number}"


def all_blocks() -> Iterator[Block]:
    """Yield the blocks of both manuals, in their order."""
    for manual in MANUALS:
        text = (FOLDER / f"{manual}.md").read_text(encoding="utf-8")
        for number, found in enumerate(BLOCK.finditer(text), 1):
            yield Block(manual, number, found[1] or "", found[2])


def blocks(mark: str) -> list[Block]:
    """Return those with a mark."""
    return [each for each in all_blocks() if each.mark == mark]


def environment(folder: Path, data_dir: Path, **more: str) -> dict[str, str]:
    """Return an environment in which commands are found, below ``folder``."""
    commands, backups = folder / "bin", folder / "backups"
    for each in (commands, backups):
        each.mkdir(exist_ok=True)
    for name, command in COMMANDS.items():
        path = commands / name
        path.write_text(
            f'#!/bin/sh\nexec {command.format(python=sys.executable, root=ROOT)} "$@"\n'
        )
        path.chmod(0o700)
    return {
        "PATH": f"{commands}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
        "PKTMASK_DATA_DIR": str(data_dir),
        "BACKUPS": str(backups),
        **more,
    }


@contextmanager
def commands_of(environ: Mapping[str, str]) -> Iterator[None]:
    """Have `pktmask-manage` answered, on the data folder of the environment."""
    place = Path(environ["PKTMASK_DATA_DIR"], SOCKET)
    place.parent.mkdir(exist_ok=True)
    serving = subprocess.Popen(
        [sys.executable, str(ASKED), str(place), "--serve"], env=dict(environ)
    )
    try:
        wait_until(place.is_socket, SECONDS, "commands to be answered")
        yield
    finally:
        serving.kill()
        serving.wait()


def run(script: str, environ: Mapping[str, str], folder: Path) -> str:
    """Run a script as it stands, and return what it printed; each line of it must succeed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environ,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout
