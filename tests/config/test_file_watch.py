"""Files that are edited become versions once they rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config import file_watch as engine
from config.choices import VersionKind
from config.file_watch import REST_SECONDS, FileWatch, take_files, take_files_at_start
from config.files import MAIN
from config.layers import ConfigurationError, Given
from config.models import FilesLook
from config.versions import effective, newest_version, publish
from trimming.conf import TrimmingSettings

pytestmark = pytest.mark.django_db


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.CONFIG_DIR = tmp_path
    folder = tmp_path / str(settings.INSTALLATION.name)
    (folder / "conf.d").mkdir(parents=True)
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watch(clock: Clock) -> FileWatch:
    return FileWatch(clock)


def attempts() -> int:
    return effective(newest_version(), {}).of(TrimmingSettings).max_attempts


def problem() -> str:
    return FilesLook.objects.get().problem


def rest(watch: FileWatch, clock: Clock) -> None:
    """Look, and look again when nothing has changed for long enough."""
    watch.look()
    clock.now += REST_SECONDS
    watch.look()


def test_an_edit_is_taken_once_nothing_changed_for_a_while(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    watch.look()
    clock.now += REST_SECONDS - 0.1
    watch.look()
    assert newest_version() is None
    clock.now += 0.1
    watch.look()
    version = newest_version()
    assert version is not None
    assert (version.kind, version.author_name) == (VersionKind.FILES, "system")
    assert attempts() == 7


def test_of_an_edit_in_two_writes_the_first_is_never_a_version(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    whole = "trimming:\n  max_attempts: 10\n  lease_seconds: 50\n"
    (folder / MAIN).write_text(whole[:29])  # attempts would be 1
    watch.look()
    clock.now += REST_SECONDS / 2
    (folder / MAIN).write_text(whole)
    rest(watch, clock)
    version = newest_version()
    assert version is not None
    assert version.number == 1
    assert {change["after"] for change in version.changes} == {10, 50}


def test_files_that_say_the_same_in_other_places_make_no_version(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    (folder / MAIN).write_text("# why\n\ntrimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    assert newest_version().number == 1  # type: ignore[union-attr]  # there is one


def test_what_is_not_valid_changes_nothing_and_is_told_until_it_is_mended(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    path = folder / MAIN
    path.write_text("trimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    path.write_text("trimming:\n  max_attempts: 7\n  max_atempts: 8\n")
    rest(watch, clock)
    assert attempts() == 7
    assert problem() == (
        "dual_strategy_deployment.yaml, line 3: trimming has no setting 'max_atempts'. "
        "Did you mean max_attempts?"
    )
    path.write_text("trimming:\n  max_attempts: 8\n")
    rest(watch, clock)
    assert (attempts(), problem()) == (8, "")


def test_a_file_that_is_not_valid_is_read_once_and_not_every_second(
    folder: Path, watch: FileWatch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / MAIN).write_text("nonsense")
    rest(watch, clock)
    monkeypatch.setattr(engine, "take_files", lambda: pytest.fail("read again"))
    rest(watch, clock)


def test_a_main_file_that_is_gone_is_a_mistake_and_not_the_wish_for_defaults(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    (folder / MAIN).unlink()
    rest(watch, clock)
    assert attempts() == 7
    assert "the file is missing; put it back" in problem()
    (folder / MAIN).write_text("{}\n")
    rest(watch, clock)
    assert (attempts(), problem()) == (TrimmingSettings().max_attempts, "")


def test_a_file_of_conf_d_may_go(folder: Path, watch: FileWatch, clock: Clock) -> None:
    more = folder / "conf.d" / "more.yaml"
    more.write_text("trimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    more.unlink()
    rest(watch, clock)
    assert attempts() == TrimmingSettings().max_attempts


def test_a_file_that_is_replaced_by_renaming_is_taken(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    (folder / "new").write_text("trimming:\n  max_attempts: 8\n")
    (folder / "new").replace(folder / MAIN)
    rest(watch, clock)
    assert attempts() == 8


def test_what_the_console_gave_stays_on_top_of_the_files(
    folder: Path, watch: FileWatch, clock: Clock
) -> None:
    publish(
        None,
        kind=VersionKind.CONSOLE,
        reason="",
        console={"trimming": {"max_attempts": Given(5, "console")}},
    )
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    rest(watch, clock)
    assert attempts() == 5
    assert newest_version().number == 2  # type: ignore[union-attr]  # there is one


def test_somebody_who_publishes_at_the_same_moment_goes_first(
    folder: Path, watch: FileWatch, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    with monkeypatch.context() as patch:
        # as seen by who read the newest version just before another one came
        patch.setattr(engine, "newest_version", lambda: None)
        publish(None, kind=VersionKind.CONSOLE, reason="", console={})
        rest(watch, clock)
        assert newest_version().number == 1  # type: ignore[union-attr]  # there is one
    watch.look()
    assert attempts() == 7


def test_of_machines_that_start_at_the_same_moment_one_publishes_and_the_others_go_by_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / MAIN).write_text("trimming:\n  max_attempts: 7\n")
    seen = [None]  # as read by a machine just before another one published
    monkeypatch.setattr(engine, "newest_version", lambda: seen.pop() if seen else newest_version())
    take_files()
    seen.append(None)
    assert take_files_at_start() is None
    assert newest_version().number == 1  # type: ignore[union-attr]  # there is one
    assert attempts() == 7


def test_an_environment_with_a_name_needs_its_file(folder: Path, settings: Any) -> None:
    assert take_files() is not None
    settings.INSTALLATION = replace(settings.INSTALLATION, name="production")
    with pytest.raises(ConfigurationError, match="the file is missing"):
        take_files()
