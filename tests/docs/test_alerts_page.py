"""The page about alerts: a section for every rule, no link into nothing, every setting named."""

from __future__ import annotations

import re

import pytest

from config import documents
from config.sections import registry
from monitoring.alerts.conf import AlertSettings
from monitoring.alerts.inbox import inbox
from monitoring.management.commands.alerts import ACTIONS

PAGE = (documents.FOLDER / "alerts.md").read_text()


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


def test_rules_mute_only_rules_that_there_are_and_never_each_other() -> None:
    mutes = inbox.mutes()
    for name, muted in mutes.items():
        assert muted <= set(inbox.rules())
        assert not any(name in mutes.get(each, ()) for each in muted)
