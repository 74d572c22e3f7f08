"""How commands end and show their progress."""

from __future__ import annotations

import sys

import pytest
from django.core.management.base import CommandError

from trimming.engine.errors import InputError
from trimming.management.console import progress_bar, told_in_one_line


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("in.pcap", 7, "a packet,\nwhole", "none"), 2, "in.pcap: byte 7: expected a"),
        (KeyboardInterrupt(), 130, "nothing was left behind"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(
    error: BaseException, code: int, words: str
) -> None:
    with pytest.raises(CommandError) as ended, told_in_one_line():
        raise error
    assert ended.value.returncode == code
    assert words in str(ended.value)
    assert "\n" not in str(ended.value)


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(ZeroDivisionError), told_in_one_line():
        raise ZeroDivisionError


@pytest.mark.parametrize(("person", "quiet"), [(False, False), (True, True)])
def test_progress_is_shown_to_nobody_who_does_not_look(
    monkeypatch: pytest.MonkeyPatch, person: bool, quiet: bool
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: person)
    with progress_bar({"read": "reading"}, quiet=quiet) as progress:
        assert progress is None


def test_a_person_sees_the_stage_and_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar({"read": "reading"}, quiet=False) as progress:
        assert progress is not None
        progress("read", 30, 120)
    said = capsys.readouterr()
    assert "reading" in said.err
    assert "25%" in said.err
    assert said.out == ""
