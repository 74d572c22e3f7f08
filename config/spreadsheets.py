"""Text for spreadsheets.  Pure."""

from __future__ import annotations

from typing import Final

# a spreadsheet takes text that begins so for a formula
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def safe(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
