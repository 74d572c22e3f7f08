"""All settings as text, made from the registry: the tables of docs/settings.md, and a YAML file."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Final

from config.environment import PREFIX
from config.sections import Registry, accepted, number

WIDTH: Final = 100
# text that YAML reads as it stands
WORD: Final = re.compile("[A-Za-z][A-Za-z_]*")


def as_markdown(registry: Registry) -> str:
    """Return a chapter with a table for each section."""
    return "\n".join(_chapter(registry, name) for name in registry.sections)


def _chapter(registry: Registry, name: str) -> str:
    kind = registry.sections[name]
    lines = [
        f"## {kind.title}",
        "",
        kind.help,
        f"Section `{name}`; variables are called `{PREFIX}{name.upper()}__` and the name in "
        "capital letters.",
        "",
        "| name | default | accepts | what it does |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{key}` | {number(field.default)} | {accepted(field)} | {field.description} |"
        for key, field in kind.model_fields.items()
    ]
    rules = [rule for rule in registry.rules if rule.lower.partition(".")[0] == name]
    if rules:
        lines += ["", "What must hold:", ""]
    for rule in rules:
        word = "at most" if rule.or_equal else "below"
        lines.append(f"- `{rule.lower}` is {word} `{rule.upper}`: {rule.reason}.")
    return "\n".join(lines) + "\n"


def as_yaml(registry: Registry) -> str:
    """Return a file in which every setting stands with its default, explained."""
    return "\n".join(_section(registry, name) for name in registry.sections)


def _section(registry: Registry, name: str) -> str:
    kind = registry.sections[name]
    lines = [*_comment(f"{kind.title}: {kind.help}", 0), f"{name}:"]
    for key, field in kind.model_fields.items():
        lines += _comment(f"{field.description}; {accepted(field)}", 2)
        lines.append(f"  {key}: {yaml_value(field.default)}")
    return "\n".join(lines) + "\n"


def _comment(text: str, indent: int) -> list[str]:
    start = f"{' ' * indent}# "
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=start)


def yaml_value(value: object) -> str:
    """Return a value as YAML reads it; text of more than a word is in quotes."""
    if isinstance(value, str):
        return value if WORD.fullmatch(value) else json.dumps(value)
    return number(value).replace(",", "")
