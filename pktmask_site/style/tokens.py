"""The design tokens as the style sheet has them, so that their page can lack none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

from django.conf import settings

SHEET: Final = Path("static/css/tokens.css")
LINE: Final = re.compile(r"^ {2}(--[a-z0-9-]+):\s*([^;]+);", re.MULTILINE)
TYPE: Final = re.compile(r"--t-\w+")
SPACE: Final = re.compile(r"--(s\d|gutter|tap)")


class Token(NamedTuple):
    """One token, with its value as it is written."""

    name: str
    value: str


class Tokens(NamedTuple):
    """All tokens, by what they are for."""

    colours: list[Token]
    sizes: list[Token]
    spaces: list[Token]
    others: list[Token]


def tokens() -> Tokens:
    """Read them."""
    return in_groups((settings.BASE_DIR / SHEET).read_text())


def in_groups(sheet: str) -> Tokens:
    """Return the tokens of a style sheet: colours, sizes of type, spaces, and the rest."""
    found = Tokens([], [], [], [])
    for name, value in LINE.findall(sheet):
        token = Token(name, " ".join(value.split()))
        _group(found, token).append(token)
    return found


def _group(found: Tokens, token: Token) -> list[Token]:
    if TYPE.fullmatch(token.name):
        return found.sizes
    if SPACE.fullmatch(token.name):
        return found.spaces
    is_colour = token.value.startswith(("light-dark(#", "#"))
    return found.colours if is_colour else found.others
