"""Taking an offline test as evidence: of the same versions, once, recorded, and kept apart."""

from __future__ import annotations

from typing import Any

import pytest

from config.models import AppendOnlyError, AuditEvent
from migration.choices import Move, PhaseName
from migration.gates.conditions import mismatch
from migration.importing import EvidenceRefusedError, import_test
from migration.models import ImportedEvidence, Rollout
from migration.situation import load
from tests.factories import make_user
from tests.migration.traffic import Service, all_rows, counted, in_phase, move
from trimming.models import OfflineTest
from trimming.routing import CONTROL, TREATMENT

pytestmark = pytest.mark.django_db

VERSIONS = {CONTROL: "1.0", TREATMENT: "2.0"}


def known(phase: PhaseName = PhaseName.BASELINE, **limits: Any) -> tuple[Service, Rollout]:
    """Return a rollout that has seen both strategies."""
    service, rollout = in_phase(phase, **limits)
    service.compare(1)
    service.look()
    return service, rollout


def offline(
    service: Service, *outcomes: str, versions: dict[str, str] | None = None
) -> OfflineTest:
    return OfflineTest.objects.create(
        at=service.now,
        name="an archive",
        captures=len(outcomes),
        result={
            "strategies": VERSIONS if versions is None else versions,
            "captures": [{"outcome": each} for each in outcomes],
        },
    )


def refused(rollout: Rollout, number: int) -> str:
    before = all_rows()
    with pytest.raises(EvidenceRefusedError) as found:
        import_test(rollout, number, None, rollout.created_at)
    assert all_rows() == before
    return str(found.value)


def test_what_matched_and_what_did_not_is_taken_and_nothing_else() -> None:
    service, rollout = known()
    test = offline(service, "matched", "matched", "mismatched", "failed", "refused", "broken")
    person = make_user()
    row = import_test(rollout, test.pk, person, service.now)
    assert (row.matched, row.mismatched) == (2, 1)
    assert (row.attempt, row.actor, row.at) == (rollout.attempt, person, service.now)
    assert AuditEvent.objects.get(action="evidence_imported").actor == person


def test_it_is_kept_apart_from_what_was_compared_here() -> None:
    service, rollout = known()
    import_test(rollout, offline(service, *["matched"] * 5).pk, None, service.now)
    assert counted(rollout).pairs == 1
    assert load(rollout, service.now).evidence.imported_matched == 5


def test_it_counts_for_half_of_what_is_needed_at_most() -> None:
    service, rollout = known(mismatch_budget=0.01)
    import_test(rollout, offline(service, *["matched"] * 2_000).pk, None, service.now)
    situation = load(rollout, service.now)
    found = mismatch(situation.evidence, situation.limits)
    assert "166 more tested elsewhere" in found.message
    assert found.needed == 332 - 166 - 1


def test_one_mismatch_and_nothing_of_it_counts() -> None:
    service, rollout = known(mismatch_budget=0.01)
    import_test(rollout, offline(service, *["matched"] * 50, "mismatched").pk, None, service.now)
    situation = load(rollout, service.now)
    assert "0 more tested elsewhere" in mismatch(situation.evidence, situation.limits).message


def test_the_same_test_is_taken_once() -> None:
    service, rollout = known()
    test = offline(service, "matched")
    import_test(rollout, test.pk, None, service.now)
    assert "taken before" in refused(rollout, test.pk)


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({CONTROL: "1.0", TREATMENT: "2.1"}, "version 2.1 of scanning, the attempt of 2.0"),
        ({CONTROL: "0.9", TREATMENT: "2.0"}, "version 0.9 of legacy, the attempt of 1.0"),
        ({}, r"version \? of legacy"),
    ],
)
def test_a_test_of_another_version_is_not_taken(versions: dict[str, str], said: str) -> None:
    service, rollout = known()
    test = offline(service, "matched", versions=versions)
    assert said.replace("\\", "") in refused(rollout, test.pk)


def test_before_both_versions_are_known_nothing_is_taken() -> None:
    service, rollout = in_phase(PhaseName.BASELINE)
    assert "the attempt of ?" in refused(rollout, offline(service, "matched").pk)


def test_a_test_that_there_is_not_is_named() -> None:
    _service, rollout = known()
    assert "no offline test 4711" in refused(rollout, 4711)


@pytest.mark.parametrize("each", [Move.ABORT, Move.ROLL_BACK])
def test_while_no_rollout_is_active_nothing_is_taken(each: Move) -> None:
    service, rollout = known()
    move(service, rollout, each)
    assert "while a rollout is active" in refused(rollout, offline(service, "matched").pk)


def test_the_next_attempt_begins_without_it() -> None:
    service, rollout = known(PhaseName.GRADUAL)
    import_test(rollout, offline(service, "matched").pk, None, service.now)
    move(service, rollout, Move.ROLL_BACK, Move.RESTART)
    assert load(rollout, service.now).evidence.imported_matched == 0


def test_what_was_taken_is_never_changed() -> None:
    service, rollout = known()
    row = import_test(rollout, offline(service, "matched").pk, None, service.now)
    row.matched = 9
    with pytest.raises(AppendOnlyError):
        row.save()
    assert ImportedEvidence.objects.get().matched == 1
