"""The version of this software, as pyproject.toml says it."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path


@cache
def app_version() -> str:
    """Return the version."""
    path = Path(__file__).resolve().parent.parent / "pyproject.toml"
    return str(tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"])
