"""All settings as text, made from the registry: the tables of docs/settings.md, and a YAML file."""

from __future__ import annotations

import json
import re
import textwrap
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.documents import slug
from config.environment import PREFIX
from config.languages.told import told
from config.sections import Registry, accepted, number

WIDTH: Final = 100
_WHERE: Final = gettext_lazy(
    "Section `%(section)s`; variables are called `%(start)s` and the name in capital letters."
)
_BOUNDS: Final = {
    True: gettext_lazy("`%(lower)s` is at most `%(upper)s`: %(reason)s."),
    False: gettext_lazy("`%(lower)s` is below `%(upper)s`: %(reason)s."),
}
# text that YAML reads as it stands
WORD: Final = re.compile("[A-Za-z][A-Za-z_]*")


def as_markdown(registry: Registry) -> str:
    """Return a chapter with a table for each section, in the language that is active now."""
    return "\n".join(_chapter(registry, name) for name in registry.sections)


def _chapter(registry: Registry, name: str) -> str:
    kind = registry.sections[name]
    names = {"section": name, "start": f"{PREFIX}{name.upper()}__"}
    lines = [
        f"## {_anchor(kind.title)}{told(kind.title)}",
        "",
        told(kind.help),
        str(_WHERE) % names,
        "",
        _("| name | default | accepts | what it does |"),
        "| --- | --- | --- | --- |",
    ]
    for key, field in kind.model_fields.items():
        words = told(accepted(field)), told(field.description)
        lines.append(f"| `{key}` | {number(field.default)} | {' | '.join(words)} |")
    rules = [rule for rule in registry.rules if rule.lower.partition(".")[0] == name]
    if rules:
        lines += ["", _("What must hold:"), ""]
    for rule in rules:
        names = {"lower": rule.lower, "upper": rule.upper, "reason": told(rule.reason)}
        lines.append(f"- {str(_BOUNDS[rule.or_equal]) % names}")
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    """Return the anchor of the English heading, for one in another language; else nothing."""
    if told(title) == title:
        return ""
    return f'<a id="{slug(title)}"></a>'


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
