"""The threat model of docs/security.md is complete: every way in has threats, each has a test."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.attacks.threat_model import codes, entry_points, names_in, table

THREATS = {codes(row[0])[0]: row for row in table("Threats")}


def test_every_threat_has_an_id_of_its_own_a_defence_and_a_test() -> None:
    rows = table("Threats")
    assert len(rows) == len(THREATS) > 40
    for row in rows:
        threat, words, defence, attacked = row
        assert len(codes(threat)) == 1, row
        assert words, row
        assert defence, row
        assert codes(attacked), row


@pytest.mark.parametrize("threat", THREATS)
def test_the_tests_that_it_names_are_there(threat: str) -> None:
    named = codes(THREATS[threat][3])
    missing = [
        each
        for each in named
        if not each.startswith("tests/")
        or each.partition("::")[2] not in names_in(each.partition("::")[0])
        or not each.partition("::")[2].startswith("test_")
    ]
    assert missing == []


def test_every_way_in_has_a_row_and_every_row_a_way_in() -> None:
    named = Counter(each for row in table("Entry points") for each in codes(row[1]))
    twice = [each for each, count in named.items() if count > 1]
    assert twice == []
    found = set(entry_points())
    assert {"without a row": found - named.keys(), "there is no": named.keys() - found} == {
        "without a row": set(),
        "there is no": set(),
    }


def test_every_way_in_has_threats_and_every_threat_a_way_in() -> None:
    named = {each for row in table("Entry points") for each in codes(row[2])}
    assert all(codes(row[2]) for row in table("Entry points"))
    assert named == set(THREATS)


def test_assets_and_actors_are_told() -> None:
    assert len(table("Assets")) > 4
    assert len(table("Actors")) > 4
