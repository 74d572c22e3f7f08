"""The page about profiles tells every setting, and tells it right."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from trimming.engine.options import PROFILES, Limits, TrimOptions

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "profiles.md").read_text()


def table(text: str) -> dict[str, list[str]]:
    found = {}
    for row in re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.M):
        found[row[0]] = [cell.strip() for cell in row[1].split("|")]
    return found


def shown(value: object) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return ", ".join(f"`{name}`" for name in value) or "none"
    return f"`{value}`"


def test_every_setting_of_a_profile_stands_on_the_page_with_its_two_values() -> None:
    rows = table(PAGE.split("## Limits")[0])
    settings = {f.name for f in fields(TrimOptions)}
    assert set(rows) == settings | {"base"}
    for name in settings - {"name", "limits"}:
        assert rows[name][1:3] == [
            shown(getattr(PROFILES["standard"], name)),
            shown(getattr(PROFILES["share_safe"], name)),
        ]


def test_every_limit_stands_on_the_page_with_its_default() -> None:
    rows = table(PAGE.split("## Limits")[1])
    assert {name: int(cells[0]) for name, cells in rows.items()} == {
        f.name: getattr(Limits(), f.name) for f in fields(Limits)
    }
