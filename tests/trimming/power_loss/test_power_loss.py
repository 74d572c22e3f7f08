"""Power is lost at any moment: what was answered for is there, and nothing half counts as whole.

A process takes captures in, trims them, deletes an original, takes it in again and makes a backup;
all that it does to its data folder is recorded, with the writes of the database.  After each of
these steps power is lost in a model of a disk (disk.py), what may be left is made a real folder,
and the installation in it is started.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import pytest

from pktmask_site.recovery.switching import finish
from tests.trimming.power_loss.disk import Disk, Left
from tests.trimming.power_loss.events import Event, Said, Wrote
from tests.trimming.power_loss.recording import ROOT, is_possible, record

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not is_possible(), reason="strace cannot be used here"),
]
ENVIRON: Final = {
    "DJANGO_SETTINGS_MODULE": "pktmask_site.settings",
    "OPENBLAS_NUM_THREADS": "1",
    "PKTMASK_LOG_FORMAT": "lines",
}
DATABASE: Final = "pktmask.sqlite3"
ACTING: Final = "tests.trimming.power_loss.acting"
STARTING: Final = "tests.trimming.power_loss.starting"
SHORT_STATES: Final = 120
EVERY_WORK: Final = 10


@dataclass(frozen=True)
class Recorded:
    """What was there at first, what was done to it, and what was there at the end."""

    first: Path
    last: Path
    events: list[Event | Said]
    # what was said before
    said: tuple[dict[str, Any], ...] = ()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """What the service did."""
    folder = tmp_path_factory.mktemp("recorded")
    environ = {**ENVIRON, "PKTMASK_DATA_DIR": str(folder / "data")}
    prepare = [sys.executable, "-m", ACTING, "prepare"]
    subprocess.run(prepare, check=True, cwd=ROOT, env={**os.environ, **environ})
    return _recorded(folder, "act")


@pytest.fixture(scope="module")
def restored(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """What a restore did to what the service left."""
    folder = tmp_path_factory.mktemp("restored")
    shutil.copytree(recorded.last, folder / "data")
    said = tuple(event.what for event in recorded.events if isinstance(event, Said))
    return replace(_recorded(folder, "restore"), said=said)


def _recorded(folder: Path, what: str) -> Recorded:
    data, first, told = folder / "data", folder / "first", folder / "told"
    environ = {**ENVIRON, "PKTMASK_DATA_DIR": str(data)}
    shutil.copytree(data, first)
    return Recorded(first, data, record(data, told, ACTING, [what, str(told)], environ))


class Starter:
    """Starts installations, one after the other, in one process."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder = process, folder

    def wrong(self, left: Left, said: list[dict[str, Any]], *, trimmed: bool) -> list[str]:
        """Return what is wrong when power comes back."""
        folder = self._folder / "left"
        left.make(folder)
        assert self._process.stdin
        assert self._process.stdout
        asked = {"folder": str(folder), "said": said, "trimmed": trimmed}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        shutil.rmtree(folder)
        found: list[str] = json.loads(answer)
        return found


@contextmanager
def starter(folder: Path) -> Iterator[Starter]:
    """Give what starts installations, in a process of its own."""
    environ = {**os.environ, **ENVIRON, "PKTMASK_DATA_DIR": str(folder / "own")}
    with subprocess.Popen(
        [sys.executable, "-m", STARTING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=environ,
    ) as process:
        yield Starter(process, folder)
        assert process.stdin
        process.stdin.close()


@dataclass(frozen=True)
class Moment:
    """A step after which power is lost: what may be left, and what was said before."""

    number: int
    after: Event | Said
    said: list[dict[str, Any]]
    left: Left


def moments(recorded: Recorded, more: int, steps: set[int] | None = None) -> Iterator[Moment]:
    """Yield all that may be left, each once; after the ``steps`` that are named, or all."""
    disk, said, known = Disk.of(recorded.first), list(recorded.said), set[bytes]()
    for number, event in enumerate(recorded.events):
        if isinstance(event, Said):
            said.append(event.what)
        else:
            disk.apply(event)
        if steps is not None and number not in steps:
            continue
        for left in disk.left(random.Random(number), more):
            digest = left.digest + len(said).to_bytes(4, "big")
            if digest not in known:
                known.add(digest)
                yield Moment(number, event, list(said), left)


def faults(found: Iterable[Moment], starter: Starter, every_work: int) -> Iterator[str]:
    """Yield what is wrong at each of the moments."""
    for count, moment in enumerate(found):
        trimmed = count % every_work == 0
        for wrong in starter.wrong(moment.left, moment.said, trimmed=trimmed):
            after = repr(moment.after)[:100]
            yield f"step {moment.number}, {after}, lost {moment.left.lost}: {wrong}"


def named(event: Event | Said) -> str:
    """Return the file that an event is about."""
    return getattr(event, "name", "")


def assert_complete(recorded: Recorded) -> None:
    """Hold what the model says against what is there."""
    disk = Disk.of(recorded.first)
    for event in recorded.events:
        if not isinstance(event, Said):
            disk.apply(event)
    there = {
        path.relative_to(recorded.last).as_posix(): path.read_bytes()
        for path in recorded.last.rglob("*")
        if path.is_file()
    }
    seen = disk.seen()
    # the index of the log is memory that processes share
    names = {name for name in seen.keys() | there.keys() if not name.endswith("-shm")}
    assert [name for name in sorted(names) if seen.get(name) != there.get(name)] == []


def test_the_record_is_all_that_was_done(recorded: Recorded) -> None:
    assert_complete(recorded)


def test_a_secret_key_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    began = _recorded(tmp_path, "begin")
    assert_complete(began)
    key = (tmp_path / "data/secret_key").read_bytes()
    for moment in moments(began, 3):
        allowed = {key} if moment.said else {key, None}
        assert moment.left.files.get("secret_key") in allowed, moment


def test_a_restore_that_is_cut_off_is_finished_or_has_not_begun(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "files").mkdir(parents=True)
    for name in ("files/file", DATABASE):
        (data / name).write_text("old")
    switched = _recorded(tmp_path, "switch")
    assert_complete(switched)
    for number, moment in enumerate(moments(switched, 10)):
        left = tmp_path / f"left-{number}"
        moment.left.make(left)
        was_begun = finish(left)
        found = {(left / name).read_text() for name in ("files/file", DATABASE)}
        is_sure = was_begun or bool(moment.said)
        assert found == {"new"} if is_sure else found in ({"old"}, {"new"}), moment


def test_what_was_answered_for_survives_a_loss_of_power(recorded: Recorded, tmp_path: Path) -> None:
    events = list(enumerate(recorded.events))
    of_files = {number for number, event in events if not named(event).startswith(DATABASE)}
    of_database = sorted(set(range(len(events))) - of_files)
    draw = random.Random(5)
    steps = of_files | set(draw.sample(of_database, len(of_database) // 20))
    found = list(moments(recorded, 1, steps))
    answers = [each for each in found if isinstance(each.after, Said)]
    others = [each for each in found if not isinstance(each.after, Said)]
    chosen = [*answers, *draw.sample(others, min(len(others), SHORT_STATES - len(answers)))]
    with starter(tmp_path) as start:
        assert list(faults(chosen, start, EVERY_WORK)) == []


@pytest.mark.long
def test_what_was_answered_for_survives_a_loss_of_power_after_any_step(
    recorded: Recorded, tmp_path: Path
) -> None:
    with starter(tmp_path) as start:
        assert list(faults(moments(recorded, 2), start, EVERY_WORK)) == []


@pytest.mark.long
def test_a_restore_leaves_one_of_two_whole_installations_whenever_power_is_lost(
    restored: Recorded, tmp_path: Path
) -> None:
    assert_complete(restored)
    events = list(enumerate(restored.events))
    steps = {number for number, event in events if not isinstance(event, Wrote)}
    with starter(tmp_path) as start:
        assert list(faults(moments(restored, 1, steps), start, EVERY_WORK)) == []
