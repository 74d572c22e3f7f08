"""``check_config`` and ``show_config``, and thirty mistakes in the file of production."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command

from config.choices import VersionKind
from config.files import MAIN
from config.layers import Given
from config.sections import registry
from config.versions import newest_version, publish

PRODUCTION = Path(__file__).resolve().parents[2] / "config" / "production" / MAIN
TEXT = PRODUCTION.read_text()
SETTINGS = sum(len(kind.model_fields) for kind in registry.sections.values())


def check(*arguments: str) -> tuple[int, str]:
    """Return exit code and all that was said."""
    said = StringIO()
    code = 0
    try:
        call_command("check_config", *arguments, stdout=said, stderr=said)
    except SystemExit as end:
        code = int(end.code or 0)
    return code, said.getvalue()


def show(*arguments: str) -> str:
    said = StringIO()
    call_command("show_config", *arguments, stdout=said)
    return said.getvalue()


def test_the_file_of_production_is_valid() -> None:
    assert check(str(PRODUCTION)) == (0, f"{PRODUCTION}: valid, {SETTINGS} settings.\n")


def test_without_a_file_those_of_the_environment_are_checked(tmp_path: Path, settings: Any) -> None:
    settings.CONFIG_DIR = tmp_path
    folder = tmp_path / settings.INSTALLATION.name
    assert check() == (0, f"{folder}: valid, 0 settings.\n")
    (folder / "conf.d").mkdir(parents=True)
    (folder / "conf.d" / "a.yaml").write_text("trimming:\n  x: 1\n")
    assert check() == (2, "conf.d/a.yaml, line 2: trimming has no setting 'x'.\n")


def put(line: str, instead: str) -> bytes:
    """Return the file with one of its lines changed."""
    assert TEXT.count(line) == 1, line
    return TEXT.replace(line, instead).encode()


def after(line: str, more: str) -> bytes:
    return put(line, f"{line}\n{more}")


ATTEMPTS = "  max_attempts: 3"
LEASE = "  lease_seconds: 30"
MUTATIONS: dict[str, tuple[bytes, str]] = {
    "a word for a number": (
        put(ATTEMPTS, "  max_attempts: three"),
        "trimming.max_attempts is 'three'",
    ),
    "a quoted number": (put(ATTEMPTS, "  max_attempts: '3'"), "trimming.max_attempts is '3'"),
    "a truth for a number": (put(ATTEMPTS, "  max_attempts: true"), "max_attempts is true"),
    "a fraction for a whole number": (put(ATTEMPTS, "  max_attempts: 2.5"), "max_attempts is 2.5"),
    "a date for a number": (
        put(ATTEMPTS, "  max_attempts: 2026-01-01"),
        "max_attempts is 2026-01-01",
    ),
    "nothing for a number": (put(ATTEMPTS, "  max_attempts:"), "max_attempts is empty"),
    "a list for a number": (put(ATTEMPTS, "  max_attempts: [3]"), "max_attempts takes one value"),
    "a mapping for a number": (
        put(ATTEMPTS, "  max_attempts: {a: 3}"),
        "max_attempts takes one value",
    ),
    "too small": (put(ATTEMPTS, "  max_attempts: 0"), "expected a whole number from 1 to 100"),
    "too large": (put(ATTEMPTS, "  max_attempts: 101"), "expected a whole number from 1 to 100"),
    "negative": (put(LEASE, "  lease_seconds: -30"), "expected a number from 1 to 3,600"),
    "infinite": (put(LEASE, "  lease_seconds: .inf"), "lease_seconds is inf"),
    "not a number": (put(LEASE, "  lease_seconds: .nan"), "lease_seconds is nan"),
    "a mode that is none": (
        put("  first_mode: legacy", "  first_mode: scaning"),
        "routing.first_mode is 'scaning'; expected one of: auto, legacy, scanning.",
    ),
    "a number for a name": (
        put("  first_mode: legacy", "  first_mode: 7"),
        "routing.first_mode is 7",
    ),
    "a key that is misspelt": (
        after(ATTEMPTS, "  max_atempts: 4"),
        "trimming has no setting 'max_atempts'. Did you mean max_attempts?",
    ),
    "a key of another section": (
        after(ATTEMPTS, "  grace_seconds: 4"),
        "no setting 'grace_seconds'",
    ),
    "a section that is misspelt": (
        put("\nmonitoring:", "\nmonitorring:"),
        "Did you mean monitoring?",
    ),
    "a section that is none": (
        TEXT.encode() + b"coffee:\n  cups: 1\n",
        "there is no section 'coffee'",
    ),
    "a setting twice": (after(ATTEMPTS, ATTEMPTS), "max_attempts stands here for the second time"),
    "a section twice": (
        TEXT.encode() + b"trimming: {}\n",
        "trimming stands here for the second time",
    ),
    "a tab": (put(ATTEMPTS, "\tmax_attempts: 3"), "a tab stands where YAML allows none"),
    "an anchor without a name": (put(ATTEMPTS, "  max_attempts: & 3"), "this is no YAML"),
    "an alias of nothing": (put(ATTEMPTS, "  max_attempts: *three"), "aliases such as *three"),
    "an alias of something": (
        put(ATTEMPTS, "  max_attempts: &three 3").replace(
            b"lease_seconds: 30", b"lease_seconds: *three"
        ),
        "aliases such as *three",
    ),
    "a tag": (put(ATTEMPTS, "  max_attempts: !!int 3"), "tags such as"),
    "code": (
        put(ATTEMPTS, "  max_attempts: !!python/object/apply:os.system [ls]"),
        "tags such as",
    ),
    "a quote that does not end": (
        put("  first_mode: legacy", "  first_mode: 'legacy"),
        "this is no YAML",
    ),
    "a line that is out of line": (put(ATTEMPTS, " max_attempts: 3"), "this is no YAML"),
    "not UTF-8": (TEXT.encode() + b"# caf\xe9\n", "the file is not UTF-8 text"),
    "a null byte": (TEXT.encode() + b"\0", "there is a control character"),
    "two documents": (TEXT.encode() + b"---\n{}\n", "a second document begins here"),
    "empty": (b"", "the file is empty"),
    "only comments": (b"# nothing\n", "the file is empty"),
    "a list": (b"- trimming\n", "expected sections"),
    "100 MB": (b"#" * 100_000_000, "the file is larger than 262,144 bytes"),
    "billions of laughs": (
        b"a: &a {x: lol}\n"
        + b"".join(b"%c: &%c {x: *%c}\n" % (n, n, n - 1) for n in range(98, 110)),
        "aliases such as *a",
    ),
    "a value that contradicts its section": (
        put("  beat_seconds: 0.5", "  beat_seconds: 31").replace(b"\nmonitoring", b"\nmonitoring"),
        "trimming.beat_seconds is 31",
    ),
    "a value that contradicts another section": (
        put("  cpu_seconds: 21600", "  cpu_seconds: 60"),
        "trimming.least_deadline_seconds is 120",
    ),
}
WITHOUT_A_LINE = {"empty", "only comments", "100 MB"}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mistake_in_the_file_gets_one_clear_message_with_its_line(
    mutation: str, tmp_path: Path
) -> None:
    data, words = MUTATIONS[mutation]
    path = tmp_path / "a.yaml"
    path.write_bytes(data)
    code, said = check(str(path))
    assert code == 2
    assert said.count("\n") == 1, said
    assert words in said
    assert (f"{path}, line " in said) == (mutation not in WITHOUT_A_LINE)


def test_there_are_at_least_thirty_mistakes() -> None:
    assert len(MUTATIONS) >= 30


@pytest.mark.django_db
def test_what_is_shown_is_yaml_that_gives_the_same(tmp_path: Path) -> None:
    publish(
        newest_version(),
        kind=VersionKind.CONSOLE,
        reason="",
        console={"trimming": {"max_attempts": Given(5, "version 1 by ada")}},
    )
    shown = show()
    assert yaml.safe_load(shown)["trimming"]["max_attempts"] == 5
    path = tmp_path / "a.yaml"
    path.write_text(shown)
    assert check(str(path)) == (0, f"{path}: valid, {SETTINGS} settings.\n")


@pytest.mark.django_db
def test_every_value_is_shown_with_its_origin_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_TRIMMING__LEASE_SECONDS", "40")
    publish(
        None,
        kind=VersionKind.CONSOLE,
        reason="",
        console={"trimming": {"max_attempts": Given(5, "version 1 by ada")}},
        files={"workers": {"open_files": Given(512, "a.yaml, line 3")}},
    )
    lines = [" ".join(line.split()) for line in show("--origin").splitlines()]
    assert lines[0] == "# version 1"
    for line in (
        "max_attempts: 5 # console: version 1 by ada",
        "lease_seconds: 40 # environment: PKTMASK_TRIMMING__LEASE_SECONDS",
        "open_files: 512 # file: a.yaml, line 3",
        "first_mode: legacy # default",
    ):
        assert line in lines


def test_an_environment_that_is_wrong_is_told_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PKTMASK_TRIMMING__LEASE", "40")
    code, said = check(str(PRODUCTION))
    assert (code, said.count("\n")) == (2, 1)
    assert (
        "PKTMASK_TRIMMING__LEASE: there is no such setting. Did you mean PKTMASK_TRIMMING__" in said
    )
