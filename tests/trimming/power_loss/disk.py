"""A model of a disk on which only what was synced is sure to be there after power is lost.

Of a file that is what was in it when its sync began.  Of a folder those are its entries when it was
synced: the sync of a file does not keep the file's name.  Of what was not synced anything may be
there: any of the changes of names, in any order, and of each sector of a file the old bytes, the
new ones, or zeros where it grew.  A change of a name is one change, also from folder to folder, as
in any file system with a journal: it has happened or it has not.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.trimming.power_loss.events import (
    Event,
    Linked,
    MadeFile,
    MadeFolder,
    Removed,
    Renamed,
    SyncBegan,
    Synced,
    Truncated,
    Wrote,
)

SECTOR_BYTES = 512


@dataclass(eq=False)
class Inode:
    """A file or a folder: what processes see of it, and what is sure to be on the disk."""

    is_folder: bool
    data: bytearray = field(default_factory=bytearray)
    synced_data: bytes = b""
    entries: dict[str, Inode] = field(default_factory=dict)
    synced_entries: dict[str, Inode] = field(default_factory=dict)


# what an entry of a folder becomes; None removes it
Entry = tuple[Inode, str, Inode | None]
Tree = dict[str, Inode]
# what may be in a file that was not synced as it is
Bytes = Callable[[Inode, random.Random], bytes]


@dataclass(frozen=True)
class Left:
    """What is on the disk when power comes back: the bytes of each file, and the folders.

    ``lost`` says in words which of all that might be there this is.
    """

    lost: str
    files: dict[str, bytes]
    folders: frozenset[str]

    @property
    def digest(self) -> bytes:
        """The same for what is the same."""
        found = hashlib.sha256(repr(sorted(self.folders)).encode())
        for name, data in sorted(self.files.items()):
            found.update(f"{name}\n{len(data)}\n".encode())
            found.update(data)
        return found.digest()

    def make(self, root: Path) -> None:
        """Make it a real folder, ``root``."""
        root.mkdir()
        for name in sorted(self.folders):
            (root / name).mkdir(mode=0o700)
        for name, data in self.files.items():
            (root / name).write_bytes(data)


class Disk:
    """A folder with all below it, changed by one event after the other."""

    def __init__(self) -> None:
        self.root = Inode(is_folder=True)
        # changes of names that no sync of one of their folders has kept, oldest first
        self._pending: list[list[Entry]] = []
        # by who began them
        self._syncs: dict[int, tuple[Inode, bytes, list[list[Entry]]]] = {}

    @classmethod
    def of(cls, folder: Path) -> Disk:
        """Return a disk with all that is in a real folder, all of it synced."""
        disk = cls()
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_dir():
                disk.apply(MadeFolder(name))
            else:
                disk.apply(MadeFile(name))
                disk.apply(Wrote(name, 0, path.read_bytes()))
        for inode in [disk.root, *disk._tree(of_synced=False).values()]:
            inode.synced_data, inode.synced_entries = bytes(inode.data), dict(inode.entries)
        disk._pending.clear()
        return disk

    def seen(self) -> dict[str, bytes]:
        """Return what processes see: the bytes of each file by its name."""
        tree = self._tree(of_synced=False)
        return {name: bytes(each.data) for name, each in tree.items() if not each.is_folder}

    def apply(self, event: Event) -> None:
        """Do to the disk what a process did."""
        match event:
            case MadeFile(name) | MadeFolder(name):
                folder, last = self._place(name)
                if last not in folder.entries:
                    self._change([(folder, last, Inode(isinstance(event, MadeFolder)))])
            case Wrote(name, offset, data):
                inode = self._at(name)
                inode.data.extend(bytes(max(0, offset - len(inode.data))))
                inode.data[offset : offset + len(data)] = data
            case Truncated(name, size):
                inode = self._at(name)
                inode.data.extend(bytes(max(0, size - len(inode.data))))
                del inode.data[size:]
            case Linked(name, new_name):
                self._change([(*self._place(new_name), self._at(name))])
            case Renamed(name, new_name):
                self._change([(*self._place(new_name), self._at(name)), (*self._place(name), None)])
            case Removed(name):
                self._change([(*self._place(name), None)])
            case SyncBegan(name, by):
                inode = self._at(name)
                self._syncs[by] = (inode, bytes(inode.data), list(self._pending))
            case Synced(by):
                self._sync(*self._syncs.pop(by))

    def _sync(self, inode: Inode, data: bytes, before: list[list[Entry]]) -> None:
        inode.synced_data = data
        for change in before:
            if any(folder is inode for folder, _, _ in change) and change in self._pending:
                for folder, name, entry in change:
                    _set(folder.synced_entries, name, entry)
                self._pending.remove(change)

    def _change(self, change: list[Entry]) -> None:
        for folder, name, inode in change:
            _set(folder.entries, name, inode)
        self._pending.append(change)

    def _place(self, name: str) -> tuple[Inode, str]:
        *parents, last = PurePosixPath(name).parts
        inode = self.root
        for parent in parents:
            inode = inode.entries[parent]
        return inode, last

    def _at(self, name: str) -> Inode:
        if name == ".":
            return self.root
        folder, last = self._place(name)
        return folder.entries[last]

    def _tree(self, *, of_synced: bool) -> Tree:
        found: Tree = {}
        _walk(self.root, "", found, {}, of_synced=of_synced)
        return found

    # --- what may be left -------------------------------------------------------------------------

    def left(self, draw: random.Random, more: int) -> Iterator[Left]:
        """Yield what may be there when power is lost now: the worst first, then ``more`` drawn.

        The worst: nothing that was not synced; all names, and of files only what was synced; the
        same with zeros where they grew.
        """
        pending = self._pending
        yield self._state("all that was not synced", [], _nothing, draw)
        yield self._state("bytes that were not synced", pending, _nothing, draw)
        yield self._state("bytes that were not synced, with zeros instead", pending, _zeros, draw)
        for number in range(more):
            chosen = [change for change in pending if draw.random() < 0.5]
            lost = f"drawn changes of names and sectors, {number}"
            yield self._state(lost, chosen, _drawn, draw)

    def _state(
        self, lost: str, kept: Sequence[list[Entry]], bytes_of: Bytes, draw: random.Random
    ) -> Left:
        changed: dict[int, dict[str, Inode]] = {}
        for change in kept:
            for folder, name, inode in change:
                entries = changed.setdefault(id(folder), dict(folder.synced_entries))
                _set(entries, name, inode)
        tree: Tree = {}
        _walk(self.root, "", tree, changed, of_synced=True)
        data: dict[int, bytes] = {}
        for inode in tree.values():
            if id(inode) not in data and not inode.is_folder:
                is_synced = inode.data == inode.synced_data
                data[id(inode)] = inode.synced_data if is_synced else bytes_of(inode, draw)
        return Left(
            lost,
            {name: data[id(each)] for name, each in tree.items() if not each.is_folder},
            frozenset(name for name, each in tree.items() if each.is_folder),
        )


def _set(entries: dict[str, Inode], name: str, inode: Inode | None) -> None:
    if inode is None:
        entries.pop(name, None)
    else:
        entries[name] = inode


def _walk(
    folder: Inode,
    above: str,
    found: Tree,
    changed: dict[int, dict[str, Inode]],
    *,
    of_synced: bool,
) -> None:
    entries = folder.synced_entries if of_synced else folder.entries
    for name, inode in changed.get(id(folder), entries).items():
        found[f"{above}{name}"] = inode
        if inode.is_folder:
            _walk(inode, f"{above}{name}/", found, changed, of_synced=of_synced)


# --- bytes of a file that was not synced ----------------------------------------------------------


def _nothing(inode: Inode, draw: random.Random) -> bytes:
    return inode.synced_data


def _zeros(inode: Inode, draw: random.Random) -> bytes:
    return inode.synced_data.ljust(len(inode.data), b"\0")


def _drawn(inode: Inode, draw: random.Random) -> bytes:
    """Each sector old or new; how far the file grew is drawn as well."""
    old, new = _zeros(inode, draw), bytes(inode.data).ljust(len(inode.synced_data), b"\0")
    pieces = [
        draw.choice((old, new))[start : start + SECTOR_BYTES]
        for start in range(0, len(new), SECTOR_BYTES)
    ]
    ends = (len(inode.synced_data), len(inode.data), len(new))
    return b"".join(pieces)[: draw.choice(ends)]
