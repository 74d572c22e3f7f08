"""The page about settings tells every setting with its default, and no other."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from monitoring.conf import MonitoringSettings
from trimming.conf import TrimmingSettings

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text()
SECTIONS: dict[str, TrimmingSettings | MonitoringSettings] = {
    "Trimming": TrimmingSettings(),
    "Monitoring": MonitoringSettings(),
}


def rows(section: str) -> dict[str, str]:
    """Return name and default as the page shows them."""
    text = re.split(r"^## ", PAGE.split(f"\n## {section}\n")[1], flags=re.M)[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.M))


def shown(value: object) -> str:
    if isinstance(value, str):
        return f"`{value}`"
    text = f"{value:,}"
    return text.removesuffix(".0")


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_stands_on_the_page_with_its_default(section: str) -> None:
    settings = SECTIONS[section]
    assert rows(section) == {
        field.name: shown(getattr(settings, field.name)) for field in fields(settings)
    }
