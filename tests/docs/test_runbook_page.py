"""The runbook: a section for every alert that says how to find its cause and what to do."""

from __future__ import annotations

import re

import pytest

from config import documents
from monitoring.alerts.inbox import Rule, inbox

PARTS = re.split(
    r"^## `([a-z0-9_-]+)`\n", (documents.FOLDER / "runbook.md").read_text(), flags=re.M
)
SECTIONS = dict(zip(PARTS[1::2], PARTS[2::2], strict=True))
MANUAL = (documents.FOLDER / "operations" / "HTTP_SCANNING_OPERATIONS_MANUAL.md").read_text()


@pytest.mark.parametrize("rule", inbox.rules().values(), ids=lambda rule: rule.name)
def test_every_rule_has_a_section_with_diagnosis_and_action(rule: Rule) -> None:
    paragraphs = SECTIONS[rule.anchor].strip().split("\n\n")
    assert len(paragraphs) == 3
    assert paragraphs[1].startswith("**Diagnosis.** ")
    assert paragraphs[2].startswith("**Action.** ")


def test_every_section_is_of_a_rule() -> None:
    assert {rule.anchor for rule in inbox.rules().values()} == set(SECTIONS)


def test_the_manual_says_of_each_who_goes_first_and_how_soon() -> None:
    rows = re.findall(r"^\| \[`[a-z_*]+`\]\(\.\./runbook\.md#([a-z_-]+)\) \|(.+)\|$", MANUAL, re.M)
    assert sorted(anchor for anchor, _ in rows) == sorted(SECTIONS)
    assert all(cell.strip() for _, row in rows for cell in row.split("|"))
