"""What a process does to a folder, recorded by strace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.trimming.power_loss.events import (
    Event,
    Linked,
    MadeFile,
    MadeFolder,
    Removed,
    Renamed,
    Said,
    SyncBegan,
    Synced,
    Truncated,
    Wrote,
)

ROOT: Final = Path(__file__).resolve().parents[3]
# all that may change files or folders; what is not in the model must not be done to the folder
CALLS: Final = ",".join(
    (
        "open,openat,creat,write,writev,pwrite64,pwritev,pwritev2,lseek,mmap",
        "truncate,ftruncate,fallocate,copy_file_range,sendfile,splice",
        "mkdir,mkdirat,rename,renameat,renameat2,link,linkat,unlink,unlinkat,rmdir",
        "fsync,fdatasync,syncfs",
    )
)
SYNCS: Final = ("fsync", "fdatasync")
# more than anything writes at once
MOST_BYTES: Final = 1 << 21
WHOLE: Final = re.compile(r"(\d+) +(\w+)\((.*)\) += (-?\d+)(?:<.*>(?:\(deleted\))?|x.*)?(?: .*)?$")
BEGUN: Final = re.compile(r"(\d+) +(\w+)\((.*) <unfinished \.\.\.>$")
RESUMED: Final = re.compile(r"(\d+) +<\.\.\. (\w+) resumed>(.*)$")
DESCRIPTOR: Final = re.compile(r"(-?\w+)(?:<(.*)>)?(\(deleted\))?$")


def is_possible() -> bool:
    """Tell whether processes can be recorded here."""
    found = shutil.which("strace")
    if found is None:
        return False
    tried = subprocess.run([found, "-f", "-o", os.devnull, "true"], check=False)
    return tried.returncode == 0


def record(
    folder: Path, told: Path, module: str, arguments: Sequence[str], environ: Mapping[str, str]
) -> list[Event | Said]:
    """Run a module in a process of its own; return what it did below ``folder``, in order.

    What it writes to ``told``, a line of JSON at a time, is what it said.
    """
    traced = told.with_suffix(".strace")
    options = ["-f", "--seccomp-bpf", "-y", "-xx", "-s", str(MOST_BYTES), "-o", str(traced)]
    traced_calls = ["-e", f"trace={CALLS}"]
    subprocess.run(
        ["strace", *options, *traced_calls, sys.executable, "-m", module, *arguments],
        check=True,
        cwd=ROOT,
        env={**os.environ, **environ},
    )
    with traced.open(encoding="ascii") as lines:
        return list(_Reader(folder, told).events(lines))


class _Reader:
    """Reads lines of strace.  Bytes in them are hexadecimal, so no comma belongs to a text."""

    def __init__(self, folder: Path, told: Path) -> None:
        self._folder, self._told = str(folder), str(told)
        self._begun: dict[str, str] = {}
        # where the next write goes, by descriptor and path
        self._positions: dict[tuple[str, str], int] = {}

    def events(self, lines: Iterator[str]) -> Iterator[Event | Said]:
        """Yield what happened; a sync begins and ends, all else happens when it ends."""
        for line in lines:
            if begun := BEGUN.match(line):
                who, call, arguments = begun.groups()
                self._begun[who] = arguments
                if call in SYNCS and (name := self._of_descriptor(arguments.split(", ")[0])):
                    yield SyncBegan(name, int(who))
                continue
            is_resumed = RESUMED.match(line)
            if is_resumed:
                who, call, rest = is_resumed.groups()
                line = f"{who} {call}({self._begun.pop(who)}{rest}"
            if whole := WHOLE.match(line):
                who, call, arguments, result = whole.groups()
                if int(result) >= 0:
                    yield from self._done(
                        int(who), call, arguments.split(", "), int(result), bool(is_resumed)
                    )

    def _done(
        self, who: int, call: str, given: list[str], result: int, was_begun: bool
    ) -> Iterator[Event | Said]:
        match call:
            case "open" | "openat" | "creat":
                yield from self._opened(given[call == "openat" :], result)
            case "write" | "pwrite64":
                yield from self._wrote(call, given, result)
            case "lseek":
                self._positions[_described(given[0])] = result
            case "mkdir" | "mkdirat":
                yield from self._each(MadeFolder, self._path(given, call == "mkdirat"))
            case "unlink" | "rmdir" | "unlinkat":
                yield from self._each(Removed, self._path(given, call == "unlinkat"))
            case "rename" | "link":
                yield from self._two(call, self._path(given, False), self._path(given[1:], False))
            case "renameat" | "renameat2" | "linkat":
                yield from self._two(call, self._path(given, True), self._path(given[2:], True))
            case "ftruncate":
                if name := self._of_descriptor(given[0]):
                    yield Truncated(name, int(given[1]))
            case "fsync" | "fdatasync":
                if name := self._of_descriptor(given[0]):
                    if not was_begun:
                        yield SyncBegan(name, who)
                    yield Synced(who)
            case "mmap":
                # indexes of SQLite's log are made anew from the log
                is_shared = "MAP_SHARED" in given[3] and "PROT_WRITE" in given[2]
                name = self._of_descriptor(given[4]) if is_shared else None
                assert name is None or name.endswith("-shm"), name
            case _:
                named = [self._of_descriptor(each) for each in given[:3]]
                assert not any(named), f"{call} of {named} is not in the model"

    def _opened(self, given: list[str], result: int) -> Iterator[Event]:
        self._positions[str(result), _text(given[0])] = 0
        name = self._inside(_text(given[0]))
        if name and "O_CREAT" in given[1]:
            yield MadeFile(name)
        if name and "O_TRUNC" in given[1]:
            yield Truncated(name, 0)

    def _wrote(self, call: str, given: list[str], result: int) -> Iterator[Event | Said]:
        number, path = _described(given[0])
        data = _bytes(given[1])[:result]
        offset = int(given[3]) if call == "pwrite64" else self._positions.get((number, path), 0)
        if call == "write":
            self._positions[number, path] = offset + result
        if path == self._told:
            yield Said(json.loads(data))
        elif name := self._inside(path):
            assert len(data) == result, "strace cut off what was written"
            yield Wrote(name, offset, data)

    @staticmethod
    def _each(kind: type[MadeFolder] | type[Removed], name: str | None) -> Iterator[Event]:
        if name:
            yield kind(name)

    @staticmethod
    def _two(call: str, name: str | None, new_name: str | None) -> Iterator[Event]:
        assert bool(name) == bool(new_name), f"{name} to {new_name}: not in the model"
        if name and new_name:
            yield (Linked if call.startswith("link") else Renamed)(name, new_name)

    def _path(self, given: list[str], is_at: bool) -> str | None:
        if not is_at:
            return self._inside(_text(given[0]))
        return self._inside(os.path.join(_described(given[0])[1], _text(given[1])))

    def _of_descriptor(self, text: str) -> str | None:
        return self._inside(_described(text)[1]) if DESCRIPTOR.match(text) else None

    def _inside(self, path: str) -> str | None:
        """Return the name below the folder; None of what is elsewhere, or has no name any more."""
        if path == self._folder:
            return "."
        if not path.startswith(f"{self._folder}/"):
            return None
        return path[len(self._folder) + 1 :]


def _described(text: str) -> tuple[str, str]:
    """Return the number of a descriptor and the path that it has now, "" when it has none."""
    found = DESCRIPTOR.match(text)
    assert found, text
    return found[1], "" if found[3] else _text(found[2] or "")


def _text(quoted: str) -> str:
    return os.fsdecode(_bytes(quoted))


def _bytes(quoted: str) -> bytes:
    # what is cut off ends in dots
    return bytes.fromhex(quoted.strip('".').replace("\\x", ""))
