"""What the engine says is messages that catalogues hold, so that every page finds them again."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import trimming.engine

ROOT: Final = Path(trimming.engine.__file__).parent
# what has two words is a sentence, or a part of one
WORDS: Final = re.compile(r"[a-z]{2,}:? +[a-z]|[a-z]{2,}:? +$|^ +[a-z]{2,}", re.MULTILINE)


def unmarked(node: ast.AST) -> Iterator[str]:
    """Yield the texts with words that are no message."""
    match node:
        case ast.Call(func=ast.Name(id="gettext_noop" | "_")):
            return
        case ast.Expr(value=ast.Constant()):
            return  # says what a function does
        case ast.Call(func=ast.Attribute(value=ast.Name(id="log"))):
            return
        case ast.Constant(value=str(text)) if WORDS.search(text):
            yield text
    for child in ast.iter_child_nodes(node):
        yield from unmarked(child)


def test_every_sentence_of_the_engine_is_marked_as_a_message() -> None:
    found = {
        str(path.relative_to(ROOT)): texts
        for path in sorted(ROOT.rglob("*.py"))
        if (texts := list(unmarked(ast.parse(path.read_text()))))
    }
    assert found == {}
