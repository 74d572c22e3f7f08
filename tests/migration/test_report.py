"""The report of a rollout: what was planned, what happened, what was decided, what is left."""

from __future__ import annotations

from typing import Any

import pytest

from config.current import forget
from migration import operations
from migration.choices import Move, PhaseName, SuspectState
from migration.drills import hold_drill
from migration.models import FinalReport, Rollout, Suspect
from migration.report import as_markdown, hours, store_final_reports, table
from migration.suspects import list_suspects
from tests.factories import make_user
from tests.migration.traffic import QUICK, Service, in_gate, in_phase, move
from trimming.choices import RunOutcome
from trimming.routing import TREATMENT

pytestmark = pytest.mark.django_db


def part(text: str, heading: str) -> list[str]:
    """Return the lines below a heading."""
    _before, _heading, rest = text.partition(f"## {heading}\n")
    assert _heading, heading
    return rest.partition("\n## ")[0].strip().splitlines()


def cells(lines: list[str], first: str) -> list[str]:
    """Return the cells of the row that begins with ``first``, which there is one of."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    [row] = [row for row in rows if row[0] == first]
    return row


def test_every_part_is_there() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    text = as_markdown(rollout, service.now)
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        *("# a rollout", "## Phases", "## Gates", "## Decisions", "## Incidents"),
        *("## Figures against their targets", "## What is left to do"),
    ]


def test_a_draft_has_a_report() -> None:
    service = Service()
    rollout = operations.create("a draft", QUICK, None, service.now)
    text = as_markdown(rollout, service.now)
    assert cells(text.splitlines(), "State")[1] == "Draft"
    assert part(text, "Phases") == part(text, "Decisions") == ["None."]


def test_phases_have_their_planned_and_actual_times_and_shares() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL, ab_dwell_seconds=7200.0)
    service.pass_time(90)
    move(service, rollout, Move.STEP)
    service.pass_time(30)
    phases = part(as_markdown(rollout, service.now), "Phases")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in phases[2:]]
    assert rows[1] == ["1", "Small A/B test", "Passed", "2.0 h", "0 s", "20 %"]
    assert rows[2] == ["1", "Gradual rollout", "Running", "120 s", "120 s", "25 %, 50 %"]
    assert rows[3] == ["1", "Full migration", "Pending", "60 s", "-", "-"]


def test_a_time_of_a_pause_is_not_a_time_of_the_phase() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.pass_time(20)
    move(service, rollout, Move.PAUSE)
    service.pass_time(500)
    move(service, rollout, Move.ABORT)
    service.pass_time(500)
    phases = part(as_markdown(rollout, service.now), "Phases")
    assert "| Gradual rollout | Rolled back | 120 s | 20 s | 25 % |" in "\n".join(phases)


def test_gates_are_those_of_the_newest_look() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
    service.look()
    row = cells(part(as_markdown(rollout, service.now), "Gates"), "failures_in_a_row")
    assert row[1:] == ["failed", "3 failures of scanning came in a row, it rolls back at 3."]


def test_decisions_are_numbered_with_who_and_why() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    person = make_user()
    found = operations.pause(rollout, person, "a | in a reason", service.now)
    lines = part(as_markdown(rollout, service.now), "Decisions")
    [line] = [line for line in lines if line.startswith(f"| {found.pk} |")]
    assert f"| paused | {person.username} | - | a \\| in a reason |" in line
    assert len(lines) == 2 + rollout.decisions.count()


def test_a_rollback_is_an_incident_with_its_suspects() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 2)
    move(service, rollout, Move.ROLL_BACK, rule="leak")
    list_suspects()
    Suspect.objects.filter(pk=Suspect.objects.first().pk).update(state=SuspectState.DIFFERENT)  # type: ignore[union-attr]  # there are two
    [_head, _line, row] = part(as_markdown(rollout, service.now), "Incidents")
    assert row.endswith("| rolled back | the test wants it | 2 | 1 |")


def test_figures_stand_beside_their_targets() -> None:
    service, rollout = in_gate()
    hold_drill(rollout, None, "a test", service.now)
    service.serve_on(TREATMENT, 1, RunOutcome.FAILED)
    service.look()
    figures = part(as_markdown(rollout, service.now), "Figures against their targets")
    assert cells(figures, "Captures compared")[1:] == ["20", "-"]
    assert cells(figures, "Leaks")[1:] == ["0", "0"]
    assert cells(figures, "Time of scanning to legacy, median")[2] == "<= 1.1"
    assert cells(figures, "Failures in the baseline")[1:] == ["0 / 2 (0.00 %)", "<= 5 %"]
    assert cells(figures, "Failures of scanning")[1].startswith("1 / ")
    assert cells(figures, "Rollback drill")[2] == "<= 2,000 ms"


def left(rollout: Rollout, service: Service) -> str:
    return "\n".join(part(as_markdown(rollout, service.now), "What is left to do"))


def test_where_all_is_well_nothing_is_left_to_do() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    assert left(rollout, service) == "Nothing."


def test_after_a_rollback_the_cause_and_the_suspects_are_left() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    service.serve_on(TREATMENT, 3)
    move(service, rollout, Move.ROLL_BACK, rule="leak")
    list_suspects()
    rollout.refresh_from_db()
    first, second, _third = Suspect.objects.order_by("pk")
    Suspect.objects.filter(pk=first.pk).update(state=SuspectState.DIFFERENT)
    Suspect.objects.filter(pk=second.pk).update(state=SuspectState.NO_ORIGINAL)
    assert left(rollout, service).splitlines() == [
        "- 1 suspect outputs were not run again on legacy.",
        "- 1 suspect outputs differ from those of legacy.",
        "- Of 1 suspect outputs the original is gone.",
        "- Find the cause, then restart the rollout or leave it.",
    ]


def test_a_new_build_is_left_to_do() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    rollout.attempts.update(new_build="scanning 2.1")
    assert "scanning 2.1 is new and has no evidence: repeat phase 1." in left(rollout, service)


def completed() -> tuple[Service, Rollout]:
    service, rollout = in_phase(PhaseName.CLEANUP)
    move(service, rollout, Move.COMPLETE)
    return service, Rollout.objects.get()


def test_a_completed_rollout_says_how_legacy_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    service, rollout = completed()
    assert "Legacy is retired by a switch" in left(rollout, service)
    assert "routing.permit_scanning" not in left(rollout, service)
    monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_SCANNING", "false")
    forget()
    assert "set routing.permit_scanning" in left(rollout, service)


def test_all_attempts_are_in_it() -> None:
    service, rollout = in_phase(PhaseName.GRADUAL)
    move(service, rollout, Move.ROLL_BACK, Move.RESTART)
    text = as_markdown(rollout, service.now)
    assert cells(text.splitlines(), "Attempts")[1] == "2"
    assert [line.split("|")[1].strip() for line in part(text, "Phases")[2:]] == ["1"] * 5 + [
        "2"
    ] * 5


# --- kept for good --------------------------------------------------------------------------------


def test_the_report_of_a_completed_rollout_is_stored_once() -> None:
    service, rollout = completed()
    assert store_final_reports(service.now) == 1
    service.pass_time(60)
    assert store_final_reports(service.now) == 0
    [kept] = FinalReport.objects.all()
    assert (kept.rollout, kept.text) == (rollout, as_markdown(rollout, kept.at))


def test_no_other_report_is_stored() -> None:
    service, rollout = in_phase(PhaseName.CLEANUP)
    assert store_final_reports(service.now) == 0
    move(service, rollout, Move.ABORT)
    assert store_final_reports(service.now) == 0


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(59, "59 s"), (3599, "3599 s"), (3600, "1.0 h"), (47 * 3600, "47.0 h"), (172_800, "2.0 d")],
)
def test_a_time_is_in_the_unit_that_reads_best(seconds: float, text: str) -> None:
    assert hours(seconds) == text


def test_a_table_is_not_broken_by_what_stands_in_it() -> None:
    rows: list[Any] = [("a | b", "two\nlines")]
    assert table(("x", "y"), rows)[-1] == "| a \\| b | two lines |"
