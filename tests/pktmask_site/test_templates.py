"""Every template can be read: what it uses is there."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

(FOLDER,) = map(Path, settings.TEMPLATES[0]["DIRS"])
NAMES = sorted(
    str(path.relative_to(FOLDER))
    for path in FOLDER.rglob("*")
    if path.suffix in {".html", ".svg", ".txt"}
)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_uses_only_what_it_loads(name: str) -> None:
    get_template(name)
