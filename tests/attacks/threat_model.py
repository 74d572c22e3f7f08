"""The tables of docs/security.md, and what they must be complete about."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from django import forms
from django.contrib import admin
from django.core.management import get_commands

from config.sections import registry
from monitoring.routing import websocket_urlpatterns
from tests.attacks.addresses import all_addresses
from tests.attacks.forms import APPS, project_forms
from trimming.uploads import UPLOAD_FIELD

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
CODE: Final = re.compile(r"`([^`]+)`")
# settings that hold addresses, names of places, or secrets
SETTING: Final = re.compile(
    r"(address|addresses|url|host|receivers|networks|webhook|sender|folder|token|password|secret)$"
)
VARIABLE: Final = re.compile(
    r"PKTMASK_[A-Z0-9_]*(?:URL|ENDPOINT|HOSTS|PROXY|KEYS?|FILE|DIR|LOG_TO)\b"
)


def table(title: str) -> list[list[str]]:
    """Return the rows of the table below a title, as cells."""
    part = PAGE.split(f"\n### {title}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def codes(cell: str) -> list[str]:
    """Return what stands as code in a cell."""
    return CODE.findall(cell)


@cache
def names_in(file: str) -> frozenset[str]:
    """Return the names of the tests of a file; none where there is no such file."""
    path = ROOT / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


def entry_points() -> Iterator[str]:
    """Yield whatever takes something in from outside, as the table names it."""
    models = {each._meta.label_lower for each in admin.site._registry}
    standard = re.compile(
        "admin:({})_(changelist|add|history|delete|change)".format(
            "|".join(label.replace(".", "_") for label in models)
        )
    )
    for address in all_addresses():
        # the admin leads from a row to its page
        is_lead = address.name.startswith("admin/") and address.name.endswith("<path:object_id>/")
        if not is_lead and not standard.fullmatch(address.name):
            yield address.name
    yield from models
    yield from (str(each.pattern) for each in websocket_urlpatterns)
    yield from (f"manage.py {name}" for name, app in get_commands().items() if app in APPS)
    with (ROOT / "pyproject.toml").open("rb") as file:
        yield from tomllib.load(file)["project"]["scripts"]
    yield UPLOAD_FIELD
    for form in project_forms():
        fields = form.base_fields.items()
        yield from (name for name, field in fields if isinstance(field, forms.FileField))
    for section in registry.sections.values():
        names = filter(SETTING.search, section.model_fields)
        yield from (f"{section.section}.{name}" for name in names)
    yield from VARIABLE.findall((ROOT / "pktmask_site" / "environment.py").read_text("utf-8"))
