"""In how many processes a version is in force."""

from __future__ import annotations

from datetime import UTC, datetime

from config.models import Adoption
from config.spread import Spread, spread_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def spread(*signs: int | str) -> Spread:
    """Return the spread of version 5 by signs: versions, or problems."""
    rows = [
        Adoption(process=f"h/{n}", kind="web", version=4, at=NOW, problem=sign)
        if isinstance(sign, str)
        else Adoption(process=f"h/{n}", kind="web", version=sign, at=NOW)
        for n, sign in enumerate(signs)
    ]
    return spread_of(5, rows)


def test_processes_with_the_version_or_a_newer_one_are_counted() -> None:
    found = spread(5, 4, 6)
    assert (found.reached, len(found.processes)) == (2, 3)
    assert not found.is_settled
    assert found.look == ("run", "run")


def test_it_is_settled_once_every_process_has_it() -> None:
    found = spread(5, 5)
    assert found.is_settled
    assert found.look == ("ok", "ok")


def test_a_process_that_cannot_take_it_is_not_waited_for() -> None:
    found = spread(5, "does not fit")
    assert (found.reached, found.refused, found.is_settled) == (1, 1, True)
    assert found.look == ("fail", "fail")


def test_without_signs_nothing_is_known() -> None:
    assert spread().look == ("unknown", "unknown")
