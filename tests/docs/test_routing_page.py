"""The page about routing tells every mode and every outcome, and tells it right."""

from __future__ import annotations

import re
from pathlib import Path

from trimming.choices import OUTCOME_KINDS, OutcomeKind, RunOutcome
from trimming.conf import RoutingSettings
from trimming.routing_choices import Mode

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "routing.md").read_text()


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables under a heading of the second rank."""
    part = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [
        [cell.strip() for cell in row.split("|")] for row in re.findall(r"^\| (.*) \|$", part, re.M)
    ]


def test_every_mode_stands_on_the_page_with_what_permits_it() -> None:
    found = {row[0].strip("`"): row[2].strip("`") for row in rows("Modes")[2:]}
    assert set(found) == set(Mode.values)
    assert found.pop("legacy") == "nothing"
    for mode, setting in found.items():
        assert setting == f"routing.permit_{mode}"
        assert f"permit_{mode}" in RoutingSettings.model_fields


def test_every_outcome_stands_on_the_page_beside_what_it_says_of_the_strategy() -> None:
    found = {row[0]: row[1] for row in rows("Guard, breaker and fallback")[2:]}
    assert set(found) == {str(kind.label) for kind in OutcomeKind} - {str(OutcomeKind.OPEN.label)}
    for outcome, kind in OUTCOME_KINDS.items():
        if outcome is not RunOutcome.RUNNING:
            word = str(outcome.label).split(":")[0].lower()
            assert word in found[str(kind.label)].lower().split(", ")
