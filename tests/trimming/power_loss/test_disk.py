"""The model of a disk keeps what was synced, and of all else anything."""

from __future__ import annotations

import random
from pathlib import Path

from tests.trimming.power_loss.disk import SECTOR_BYTES, Disk
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

Files = dict[str, bytes]


def disk_after(*events: Event) -> Disk:
    disk = Disk()
    for event in events:
        disk.apply(event)
    return disk


def synced(name: str, by: int = 1) -> tuple[Event, Event]:
    return SyncBegan(name, by), Synced(by)


def worst(disk: Disk) -> Files:
    """Return what is sure to be there."""
    return next(disk.left(random.Random(1), 0)).files


def possible(disk: Disk, draws: int = 200) -> list[Files]:
    return [left.files for left in disk.left(random.Random(1), draws)]


def test_of_what_was_not_synced_nothing_is_sure_and_anything_may_be_there() -> None:
    disk = disk_after(MadeFile("a"), Wrote("a", 0, b"xyz"))
    assert worst(disk) == {}
    found = possible(disk)
    assert {} in found
    assert [{"a": data} in found for data in (b"", b"\0\0\0", b"xyz")] == [True] * 3


def test_a_sync_of_a_file_keeps_its_bytes_and_not_its_name() -> None:
    disk = disk_after(MadeFile("a"), Wrote("a", 0, b"xyz"), *synced("a"))
    assert worst(disk) == {}
    assert {tuple(each.values()) for each in possible(disk)} == {(), (b"xyz",)}
    for event in synced("."):
        disk.apply(event)
    assert worst(disk) == {"a": b"xyz"}


def test_a_file_in_a_new_folder_is_lost_with_the_name_of_the_folder() -> None:
    disk = disk_after(
        MadeFolder("f"), MadeFile("f/a"), Wrote("f/a", 0, b"x"), *synced("f/a"), *synced("f")
    )
    assert worst(disk) == {}
    for event in synced("."):
        disk.apply(event)
    assert worst(disk) == {"f/a": b"x"}


def test_what_is_written_while_a_sync_goes_on_is_not_kept_by_it() -> None:
    disk = disk_after(MadeFile("a"), *synced("."), Wrote("a", 0, b"1"), SyncBegan("a", 7))
    for event in (Wrote("a", 1, b"2"), MadeFile("b"), Synced(7)):
        disk.apply(event)
    assert worst(disk) == {"a": b"1"}


def test_a_rename_has_happened_or_it_has_not() -> None:
    before = [MadeFolder("f"), MadeFile("a"), Wrote("a", 0, b"x"), *synced("a"), *synced(".")]
    disk = disk_after(*before, Renamed("a", "f/b"))
    assert {tuple(each) for each in possible(disk)} == {("a",), ("f/b",)}
    for event in synced("f"):
        disk.apply(event)
    assert {tuple(each) for each in possible(disk)} == {("f/b",)}


def test_a_file_that_takes_the_name_of_another_leaves_one_of_both() -> None:
    disk = disk_after(MadeFile("a"), Wrote("a", 0, b"old"), *synced("a"), *synced("."))
    for event in (MadeFile("b"), Wrote("b", 0, b"new"), *synced("b"), Renamed("b", "a")):
        disk.apply(event)
    assert {each["a"] for each in possible(disk)} == {b"old", b"new"}


def test_what_was_removed_may_be_there_still() -> None:
    disk = disk_after(MadeFile("a"), *synced("."), Removed("a"))
    assert worst(disk) == {"a": b""}
    assert {} in possible(disk)


def test_a_second_name_has_the_bytes_of_the_first() -> None:
    disk = disk_after(MadeFile("a"), Linked("a", "b"), Wrote("a", 0, b"x"), *synced("b"))
    for event in synced("."):
        disk.apply(event)
    assert worst(disk) == {"a": b"x", "b": b"x"}


def test_each_sector_that_was_written_over_is_old_or_new() -> None:
    size = 3 * SECTOR_BYTES
    disk = disk_after(MadeFile("a"), Wrote("a", 0, b"o" * size), *synced("a"), *synced("."))
    disk.apply(Wrote("a", 0, b"n" * size))
    found = {each["a"][::SECTOR_BYTES] for each in possible(disk)}
    assert {b"ooo", b"nnn", b"ono", b"non"} <= found


def test_a_file_that_was_cut_off_has_either_size() -> None:
    disk = disk_after(MadeFile("a"), Wrote("a", 0, b"xyz"), *synced("a"), *synced("."))
    disk.apply(Truncated("a", 1))
    assert {len(each["a"]) for each in possible(disk)} == {1, 3}


def test_what_is_left_is_made_as_a_folder(tmp_path: Path) -> None:
    disk = disk_after(MadeFolder("f"), MadeFile("f/a"), Wrote("f/a", 2, b"x"), *synced("f/a"))
    for event in (*synced("f"), *synced(".")):
        disk.apply(event)
    (left,) = {each.digest: each for each in disk.left(random.Random(1), 3)}.values()
    left.make(tmp_path / "made")
    assert (tmp_path / "made/f/a").read_bytes() == b"\0\0x"
    again = Disk.of(tmp_path / "made")
    assert worst(again) == again.seen() == {"f/a": b"\0\0x"}
