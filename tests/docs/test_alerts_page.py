"""The page about alerts: a section for every rule, no link into nothing, every setting named."""

from __future__ import annotations

import re

import pytest

from config.sections import registry
from monitoring.alerts.conf import AlertSettings
from monitoring.alerts.inbox import inbox
from monitoring.alerts.runbook import DOCUMENT, sections, sections_in
from monitoring.management.commands.alerts import ACTIONS

PAGE = DOCUMENT.read_text()
ANCHORS = {each.anchor for each in sections()}


@pytest.mark.parametrize("rule", inbox.rules().values(), ids=lambda rule: rule.name)
def test_every_rule_has_a_section_that_says_what_to_do(rule: object) -> None:
    anchor = getattr(rule, "anchor", "")
    assert anchor in ANCHORS
    (found,) = [each for each in sections() if each.anchor == anchor]
    assert len(found.paragraphs) >= 2


def test_every_section_is_of_a_rule() -> None:
    assert {rule.anchor for rule in inbox.rules().values()} == ANCHORS


def test_rules_mute_only_rules_that_there_are_and_never_each_other() -> None:
    mutes = inbox.mutes()
    for name, muted in mutes.items():
        assert muted <= set(inbox.rules())
        assert not any(name in mutes.get(each, ()) for each in muted)


@pytest.mark.parametrize("key", AlertSettings.model_fields)
def test_every_setting_of_alerts_stands_on_the_page(key: str) -> None:
    assert f"`alerts.{key}`" in PAGE


def test_every_setting_that_the_page_names_is_one() -> None:
    named = re.findall(r"`([a-z_]+)\.([a-z_0-9]+)`", PAGE)
    for section, key in named:
        if section in registry.sections:
            assert key in registry.sections[section].model_fields, f"{section}.{key}"


def test_every_action_of_the_command_stands_on_the_page() -> None:
    for action in ACTIONS:
        assert f"manage.py alerts {action}" in PAGE


def test_a_section_ends_where_the_next_one_begins() -> None:
    text = "# A\n\n### `a`\n\nOne\n**two**.\n\nThree.\n\n### `b`\n\nFour.\n\n## B\n\nFive.\n"
    found = sections_in(text)
    assert [(each.anchor, each.paragraphs) for each in found] == [
        ("a", ["One two.", "Three."]),
        ("b", ["Four."]),
    ]
