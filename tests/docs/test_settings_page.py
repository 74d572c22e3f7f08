"""Every setting is read by some code, explained on the page about settings, and in the file."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils import translation

from config import documents
from config.file_watch import settings_folder
from config.files import MAIN, read_file
from config.reference import as_markdown, as_yaml
from config.sections import registry

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "config" / "production" / MAIN
CODE = ("trimming", "monitoring", "migration", "pktmask_site")
SETTINGS = [(name, key) for name, kind in registry.sections.items() for key in kind.model_fields]


@pytest.mark.parametrize("language", ["en", *documents.TRANSLATED])
def test_the_page_ends_with_the_reference_that_the_registry_gives(language: str) -> None:
    # `manage.py show_config --reference markdown --language ...` prints it
    page = documents.document("settings", language)
    assert page is not None
    assert page.language == language
    with translation.override(language):
        assert page.text.endswith(as_markdown(registry))


def test_the_file_of_production_ends_with_every_setting_and_its_default() -> None:
    # `manage.py show_config --reference yaml` prints it
    assert FILE.read_text().endswith(as_yaml(registry))
    found = read_file(FILE, FILE.name)
    assert [(name, key) for name, given in found.items() for key in given] == SETTINGS
    for name, key in SETTINGS:
        assert found[name][key].value == registry.sections[name].model_fields[key].default


@pytest.fixture(scope="module")
def modules() -> list[Module]:
    """Return the code outside of ``conf`` modules."""
    paths = (path for folder in CODE for path in (ROOT / folder).rglob("*.py"))
    return [Module.read(path) for path in paths if path.name != "conf.py"]


class Module(NamedTuple):
    """The names that a module uses, and what it reads of objects or names in a table."""

    names: set[str]
    reads: set[str]

    @classmethod
    def read(cls, path: Path) -> Module:
        nodes = list(ast.walk(ast.parse(path.read_text())))
        named = {
            node.value
            for node in nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        return cls(
            {node.id for node in nodes if isinstance(node, ast.Name)},
            {node.attr for node in nodes if isinstance(node, ast.Attribute)} | named,
        )


@pytest.mark.parametrize(("section", "key"), SETTINGS)
def test_every_setting_is_read(section: str, key: str, modules: list[Module]) -> None:
    kind = registry.sections[section]
    accessor = re.sub("(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
    deals_with_it = {kind.__name__, accessor}
    assert any(key in module.reads for module in modules if module.names & deals_with_it)


def test_every_number_has_a_lower_and_an_upper_bound() -> None:
    for kind in registry.sections.values():
        for key, field in kind.model_fields.items():
            if field.annotation in (int, float):
                bounds = {type(bound).__name__[0] for bound in field.metadata}
                assert bounds == {"G", "L"}, f"{kind.section}.{key}"


def test_every_setting_says_its_unit_in_its_name_and_has_a_description() -> None:
    units = (
        "_bytes",
        "_seconds",
        "_minutes",
        "_hours",
        "_days",
        "_ms",
        "_percent",
        "_per_s",
        "_attempts",
        "_files",
        "_failures",
        "_runs",
        "_share",
        "_rate",
        "port",  # a number without a unit
        # shares and counts of rollouts, by the terms of their field
        "alpha",
        "_budget",
        "_by",
        "_pairs",
        "_reports",
        "_in_a_row",
        "_success",
        "degradation",
        "_health",
        "_floor",
        "_low",
        # counts of alerts
        "_firings",
        "_per_hour",
        # of requests
        "_per_minute",
    )
    for kind in registry.sections.values():
        for key, field in kind.model_fields.items():
            assert field.description
            if field.annotation in (int, float):
                assert key.removesuffix("_warn").removesuffix("_fail").endswith(units), (
                    f"{kind.section}.{key}"
                )


def test_the_folder_of_settings_is_that_of_the_environment() -> None:
    assert settings_folder() == ROOT / "config" / "local"
