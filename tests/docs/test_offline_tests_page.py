"""The page about offline tests tells every key of the result and every option of the command."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.trimming.ab_test.rows import comparison, result, row
from trimming.ab_test.shown import SCHEMA, VERSION
from trimming.management.commands.ab_test import Command

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "offline-tests.md").read_text()
# these hold the settings of a profile, the classes of bytes and the names of libraries
OPEN = ("profile_options", "bytes_by_class", "libraries")


def keys(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            if key not in OPEN:
                yield from keys(inner)
    elif isinstance(value, list):
        for each in value:
            yield from keys(each)


def test_every_key_of_a_result_stands_on_the_page() -> None:
    rows = [row(1), row(2, outcome="mismatched", compared=comparison(leaked=7))]
    made = {
        **result(rows),
        "skipped": [{"file": "a", "reason": "b"}],
        "duplicates": [{"file": "a", "same_as": "b"}],
    }
    told = set(re.findall(r"`([a-z0-9_.]+)`", PAGE))
    assert set(keys(made)) - told == set()
    assert f"`{SCHEMA}`, {VERSION}. The version grows" in PAGE


def test_every_option_stands_on_the_page() -> None:
    parser = Command().create_parser("manage.py", "ab_test")
    common = {"--version", "--verbosity", "--settings", "--pythonpath", "--traceback", "--help"}
    options = {
        name
        for action in parser._actions
        for name in action.option_strings
        if name.startswith("--") and "color" not in name and name != "--skip-checks"
    }
    assert {name for name in options - common if name not in PAGE} == set()
