"""The page about rollouts: who may what, what it shows, what it refuses, and that it is cheap."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from migration import approvals, operations
from migration.choices import Move, PhaseName, RolloutState
from migration.models import Approval, Decision, Evaluation, Rollout
from migration.situation import load
from migration.views.shared import address_of
from tests.factories import make_user
from tests.migration.console_pages import at_the_time_of, client_of, read
from tests.migration.traffic import (
    QUICK,
    Service,
    in_gate,
    in_phase,
    move,
    moved_rows,
    start,
)
from trimming.choices import RunOutcome
from trimming.models import Shadow
from trimming.policy import newest_policy, renew_guard
from trimming.routing import TREATMENT
from trimming.routing_choices import Mode

pytestmark = pytest.mark.django_db

PAGE, START = reverse("migration:page"), reverse("migration:start")
ROLES = (VIEWER, OPERATOR, APPROVER, ADMINISTRATOR)
WHY = "ticket 4711"
# session, user, permissions (own and by group), three for the strip, two for badge and role, the
# rollout, its attempt, limits, phases with steps, the newest look, what a look goes by, the rate,
# how comparisons come, decisions with approvals and drills, three for the charts, other rollouts
MOST_QUERIES = 40


def get(service: Service | None = None, role: str = OPERATOR, path: str = PAGE) -> Any:
    with at_the_time_of(service or Service()):
        return client_of(make_user(role)).get(path)


def post(service: Service, path: str, form: dict[str, str], user: User | str = OPERATOR) -> Any:
    person = make_user(user) if isinstance(user, str) else user
    with at_the_time_of(service):
        return client_of(person).post(path, form, follow=True)


def act(service: Service, rollout: Rollout, name: str, user: Any = OPERATOR, **form: Any) -> Any:
    given = {"act": name, "reason": WHY, **form}
    return post(service, reverse("migration:act", args=[rollout.pk]), given, user)


@contextmanager
def changes_nothing() -> Iterator[None]:
    before = moved()
    yield
    assert moved() == before


def moved() -> dict[str, list[Any]]:
    """Return all rows but what is counted, and that people sign in: neither is a change."""
    found = moved_rows()
    found["AuditEvent"] = [each for each in found["AuditEvent"] if each["action"] != "sign_in"]
    return found


def tamper(decision: Decision, column: str, value: str) -> None:
    """Change what no code changes."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE migration_decision SET {column} = %s WHERE id = %s",
            [value, decision.pk],
        )


def figure_in(response: Any, name: str) -> Any:
    pattern = rf'<script id="figure-{name}" type="application/json">(.*?)</script>'
    found = re.search(pattern, response.content.decode(), re.S)
    assert found is not None, name
    return json.loads(found[1])


# --- who may --------------------------------------------------------------------------------------


class TestWhoMay:
    def test_without_a_login_one_is_asked_for(self, client: Client) -> None:
        for path in (PAGE, START):
            answer = client.get(path)
            assert answer.status_code == 302
            assert answer["Location"].startswith("/sign-in/")

    @pytest.mark.parametrize("role", ROLES)
    def test_every_role_may_look(self, role: str) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        for path in (PAGE, reverse("migration:data", args=[rollout.pk])):
            assert get(service, role, path).status_code == 200

    def test_nobody_else_may(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        somebody = client_of(User.objects.create_user("somebody"))
        names = ("migration:rollout", "migration:data")
        for path in (PAGE, START, *(reverse(name, args=[rollout.pk]) for name in names)):
            assert somebody.get(path).status_code == 403
        text = somebody.get("/captures/").content.decode()
        assert "data-rollout-badge" not in text
        assert service.now

    @pytest.mark.parametrize(
        ("role", "buttons"),
        [
            (VIEWER, []),
            (OPERATOR, ["promote", "pause", "restart", "drill", "abort"]),
            (APPROVER, ["abort"]),
            (ADMINISTRATOR, ["promote", "pause", "restart", "drill", "abort"]),
        ],
    )
    def test_each_role_sees_what_it_may_press(self, role: str, buttons: list[str]) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        text = get(service, role).content.decode()
        assert re.findall(r'id="ask-(\w+)"', text) == buttons
        assert re.findall(r'<dialog id="do-(\w+)"', text) == buttons

    def test_who_may_not_is_refused_however_it_is_asked(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        with changes_nothing():
            for role, name in [(VIEWER, "abort"), (VIEWER, "pause"), (APPROVER, "pause")]:
                assert act(service, rollout, name, role, word="abort").status_code == 403

    @pytest.mark.parametrize(("role", "may"), [(VIEWER, False), (OPERATOR, True)])
    def test_who_may_start_one(self, role: str, may: bool) -> None:
        assert ("Start a rollout" in read(get(role=role))) is may
        assert get(role=role, path=START).status_code == (200 if may else 403)


# --- what it shows --------------------------------------------------------------------------------


class TestWithoutARollout:
    def test_it_says_what_one_is(self) -> None:
        text = read(get())
        assert "No rollout yet" in text
        assert "gives a growing share of captures to scanning" in text

    def test_the_menu_has_no_badge(self) -> None:
        assert re.search(r"data-rollout-badge hidden", get().content.decode())

    def test_a_number_that_there_is_not_is_not_found(self) -> None:
        assert get(path=reverse("migration:rollout", args=[99])).status_code == 404


class TestWhileItRuns:
    @pytest.mark.parametrize("phase", list(PhaseName))
    def test_each_phase_has_its_gates_and_its_place_on_the_path(self, phase: PhaseName) -> None:
        service, _rollout = in_phase(phase)
        service.look()
        answer = get(service)
        text = read(answer)
        assert f"{list(PhaseName).index(phase) + 1} of 5," in text
        assert "Gates of this step" in text
        assert 'aria-current="step"' in answer.content.decode()

    def test_what_holds_comes_first_with_what_is_still_needed(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        service.look()
        found = get(service)
        text = read(found)
        rules = re.findall(r'data-key="(\w+)"', found.content.decode())
        assert rules.index("enough") < rules.index("leak")
        assert "gates hold the step from 25 % to 50 %" in text
        assert "5 more" in text

    def test_where_comparisons_wait_for_workers_the_open_page_says_so(self) -> None:
        service = Service()
        rollout = start(service)
        renew_guard(600)
        policy = newest_policy()
        for _ in range(2):
            job = service.claim()
            Shadow.objects.create(
                job=job,
                digest=job.capture.sha256,
                policy_version=policy.version,
                fence_epoch=policy.fence_epoch,
                queued_at=service.now,
            )
        data = reverse("migration:data", args=[rollout.pk])
        said = "2 comparisons wait, as workers do jobs first"
        assert said not in get(service, path=data).json()["parts"]["gates"]
        service.pass_time(30)
        service.sample()
        parts = get(service, path=data).json()["parts"]
        assert said in parts["gates"]
        assert said in parts["head"]
        assert "may end" not in parts["path"]

    def test_it_is_open_with_the_page_what_goes_wrong(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        service.report(0.2)
        service.look()
        text = get(service).content.decode()
        assert re.search(r'<details class="gate " data-key="health"', text)
        assert text.index('data-key="health"') < text.index('data-key="passed"')
        assert "Holding" in text

    def test_what_cannot_be_promoted_says_why(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        service.look()
        button = re.search(r'<button[^>]*id="ask-promote"[^>]*>', get(service).content.decode())
        assert button is not None
        assert 'disabled aria-describedby="stands"' in button[0]

    def test_where_nobody_has_looked_for_long_it_says_so(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        service.look()
        service.pass_time(150)
        assert "Nobody looks" in read(get(service))

    def test_charts_have_the_evidence_and_the_rates(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        service.serve_on(TREATMENT, 6)
        service.serve_on(TREATMENT, 2, RunOutcome.FAILED)
        service.look()
        found = get(service)
        evidence, rates = figure_in(found, "evidence"), figure_in(found, "rates")
        assert [line["role"] for line in evidence["lines"]][-1] == "limit"
        assert evidence["lines"][0]["values"][-1] > 1
        assert [line["role"] for line in rates["lines"]] == ["control", "treatment"]
        assert rates["lines"][1]["values"][-1] == 25.0

    def test_an_open_page_gets_charts_only_with_another_look(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        service.look()
        data = reverse("migration:data", args=[rollout.pk])
        first = get(service, path=data).json()
        assert set(first["charts"]) == {"evidence", "rates"}
        assert set(first["parts"]) == {"head", "path", "gates", "decisions", "dialogs"}
        again = get(service, path=f"{data}?look={first['look']}").json()
        assert "charts" not in again
        assert again["look"] == first["look"] == Evaluation.objects.latest("pk").pk

    def test_the_number_of_queries_does_not_grow_with_what_has_happened(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        service.look()
        client, counts = client_of(make_user(OPERATOR)), []
        for _ in range(2):
            with at_the_time_of(service), CaptureQueriesContext(connection) as queries:
                client.get(PAGE)
            counts.append(len(queries))
            for _ in range(4):
                move(service, rollout, Move.PAUSE, Move.RESUME)
                service.pass_time(61)
                service.serve(3)
                service.report()
                service.look()
        assert counts[1] <= counts[0] <= MOST_QUERIES

    def test_every_page_has_a_badge_and_the_strip_its_phase(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        text = read(get(service, path="/captures/"))
        assert "Rollout Running" in text
        assert "Phase 3 of 5, 25 % scanning" in text

    def test_the_overview_has_the_path(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        text = read(get(service, path="/"))
        assert f"Rollout {rollout.pk}: a rollout Running" in text
        assert "Gradual rollout 25 % for" in text


class TestBesideAnother:
    def test_one_that_is_over_says_what_is_so_now_and_leads_to_the_active_one(self) -> None:
        service, first = in_phase(PhaseName.GRADUAL)
        move(service, first, Move.ROLL_BACK, rule="leak")
        assert "Everything goes to legacy." in read(get(service))
        service, second = in_phase(PhaseName.AB_TEST)
        found = get(service, path=reverse("migration:rollout", args=[first.pk]))
        text = read(found)
        assert "Everything went to legacy; another policy is in force since then." in text
        assert "Another rollout is active" in text
        assert f'href="{reverse("migration:rollout", args=[second.pk])}"' in found.content.decode()
        button = re.search(r'<button[^>]*id="ask-restart"[^>]*>', found.content.decode())
        assert button is not None
        assert "disabled" in button.group()


class TestAwaitingApproval:
    def ask(self) -> tuple[Service, Rollout, User]:
        service, rollout = in_gate(approve="full_migration")
        person = make_user(OPERATOR)
        operations.promote(rollout, person, WHY, service.now)
        assert rollout.state == RolloutState.AWAITING
        service.look()
        return service, rollout, person

    def test_it_says_who_asked_and_leads_who_may_approve_to_the_request(self) -> None:
        service, _rollout, person = self.ask()
        found = get(service, APPROVER)
        assert f"Asked for by {person.username}" in read(found)
        address = reverse("admin:migration_approval_change", args=[Approval.objects.get().pk])
        assert f'href="{address}"' in found.content.decode()
        assert "See the request and decide" in read(found)

    def test_the_overview_leads_who_may_approve_to_the_request(self) -> None:
        service, rollout, _person = self.ask()
        address = reverse("admin:migration_approval_change", args=[Approval.objects.get().pk])
        assert f'href="{address}"' in get(service, APPROVER, "/").content.decode()
        assert f'href="{address}"' not in get(service, OPERATOR, "/").content.decode()
        approvals.approve(
            Approval.objects.get(), load(rollout, service.now), make_user(APPROVER), "in order"
        )
        assert f'href="{address}"' not in get(service, APPROVER, "/").content.decode()

    def test_who_may_not_approve_is_not_led_there(self) -> None:
        service, _rollout, _person = self.ask()
        found = get(service, VIEWER)
        assert "begins when somebody approves it" in read(found)
        assert "migration/approval" not in found.content.decode()

    def test_the_page_works_where_the_admin_has_no_such_page(self) -> None:
        service, _rollout, _person = self.ask()
        with patch("migration.views.shared.address_of", lambda *_arguments: ""):
            found = get(service, APPROVER)
        assert found.status_code == 200
        assert "See the request" not in read(found)

    def test_after_a_rejection_it_can_be_asked_for_anew(self) -> None:
        service, rollout, person = self.ask()
        approvals.reject(Approval.objects.get(), make_user(APPROVER), "not yet", service.now)
        text = get(service).content.decode()
        assert "The request was rejected" in text
        assert re.search(r'class="btn primary" id="ask-promote"', text)
        assert "Rejected: the end of “Gradual rollout”" in read(get(service))
        act(service, rollout, "promote", person)
        assert Approval.objects.filter(state="waiting").count() == 1

    def test_an_approval_stands_in_the_timeline(self) -> None:
        service, rollout, _person = self.ask()
        approver = make_user(APPROVER)
        approvals.approve(Approval.objects.get(), load(rollout, service.now), approver, "in order")
        assert f"{approver.username}: in order" in read(get(service))


def test_an_address_that_there_is_not_is_empty() -> None:
    assert address_of("migration:of_tomorrow", 1) == ""
    assert address_of("migration:rollout", 1) == "/rollout/1/"


class TestAfterARollback:
    def back(self) -> tuple[Service, Rollout]:
        service, rollout = in_phase(PhaseName.GRADUAL)
        service.serve_on(TREATMENT, 2)
        service.look()
        service.serve_on(TREATMENT, 3, RunOutcome.FAILED)
        service.look()
        rollout.refresh_from_db()
        assert rollout.state == RolloutState.ROLLED_BACK
        return service, rollout

    def test_it_says_by_which_rule_with_its_numbers_and_how_many_are_suspect(self) -> None:
        service, rollout = self.back()
        found = get(service)
        text = read(found)
        assert "3 failures of scanning came in a row, it rolls back at 3." in text
        assert "By the rule “Failures in a row”" in text
        assert "2 outputs of scanning are suspect" in text
        assert reverse("migration:suspects", args=[rollout.pk]) in found.content.decode()
        assert "Gates at the last look" in text

    def test_it_says_where_a_restart_begins_and_restarts(self) -> None:
        service, rollout = self.back()
        found = get(service)
        assert "A restart begins with “Small A/B test”: the baseline still holds." in read(found)
        assert re.search(r'class="btn primary" id="ask-restart"', found.content.decode())
        text = read(act(service, rollout, "restart"))
        assert "a rollout: restarted." in text
        assert "attempt 2" in text
        assert "kept from the attempt before" in text

    def test_the_badge_says_so(self) -> None:
        service, _rollout = self.back()
        text = read(get(service, path="/captures/"))
        assert "Rollout Rolled back" in text
        assert "Phase 3" not in text

    def test_suspects_that_are_not_listed_yet_are_told_of(self) -> None:
        service, rollout = self.back()
        rollout.attempts.update(are_suspects_listed=False)
        assert "is being listed" in read(get(service))


class TestOtherStates:
    def test_a_draft_can_be_started(self) -> None:
        service = Service()
        rollout = operations.create("a draft", QUICK, None, service.now)
        assert "It is made and not started" in read(get(service))
        data = get(service, path=reverse("migration:data", args=[rollout.pk])).json()
        assert data["charts"] == {}
        act(service, rollout, "start")
        rollout.refresh_from_db()
        assert rollout.state == RolloutState.RUNNING

    def test_a_completed_one_says_that_legacy_is_retired(self) -> None:
        service, rollout = in_phase(PhaseName.CLEANUP)
        move(service, rollout, Move.COMPLETE)
        text = read(get(service))
        assert "Everything goes to scanning, and legacy is retired." in text
        assert "Start another rollout" in text

    def test_an_earlier_one_stays_readable(self) -> None:
        service, earlier = in_phase(PhaseName.GRADUAL)
        move(service, earlier, Move.ABORT)
        service.pass_time(60)
        newer = start(service)
        text = read(get(service))
        assert f"Rollout {newer.pk}: a rollout" in text
        assert f"{earlier.pk}: a rollout Aborted" in text
        text = read(get(service, path=reverse("migration:rollout", args=[earlier.pk])))
        assert "the test wants it" in text
        assert "An aborted rollout does not go on" in text

    def test_a_long_history_is_shown_page_by_page(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        for _ in range(10):
            service.pass_time(10)
            move(service, rollout, Move.PAUSE, Move.RESUME)
        total = rollout.decisions.count()
        assert total > 20
        with at_the_time_of(service):
            client = client_of(make_user(OPERATOR))
            first, second = read(client.get(PAGE)), read(client.get(f"{PAGE}?page=2"))
        assert f"20 of {total}" in first
        assert f"{total} of {total}" in second
        assert "Started" in second
        assert "Started," not in first


# --- what it does ---------------------------------------------------------------------------------


class TestActing:
    def test_pause_and_resume(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        text = read(act(service, rollout, "pause"))
        assert "a rollout: paused." in text
        assert "stays at 25 % until somebody resumes it" in text
        text = read(act(service, rollout, "resume"))
        assert "a rollout: resumed." in text
        assert Decision.objects.latest("pk").reason == WHY

    def test_abort_sends_everything_to_legacy(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        assert "a rollout: aborted." in read(act(service, rollout, "abort", word=" Abort "))
        assert newest_policy().mode == Mode.LEGACY

    @pytest.mark.parametrize(
        ("name", "form", "said"),
        [
            ("pause", {"reason": " "}, "Say why; it is kept with the decision."),
            ("abort", {"word": "abrot", "reason": "no & more"}, "Type the word abort to confirm."),
            ("promote", {"reason": "now & here"}, "at least"),
        ],
    )
    def test_what_is_refused_keeps_what_was_typed_in_its_open_dialog(
        self, name: str, form: dict[str, str], said: str
    ) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        with changes_nothing():
            found = act(service, rollout, name, **form)
        assert found.status_code == 422
        text = found.content.decode()
        (dialog,) = re.findall(r"<dialog[^>]* open>.*?</dialog>", text, re.S)
        assert f'id="do-{name}"' in dialog
        assert said in dialog
        assert "Nothing was changed." in dialog
        assert form["reason"].strip().replace("&", "&amp;") in dialog

    def test_what_somebody_else_was_faster_with_is_told_on_top(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        move(service, rollout, Move.PAUSE)
        found = act(service, rollout, "pause")
        assert found.status_code == 422
        assert "While a rollout is paused, “paused” is not possible" in read(found)
        assert "<dialog" in found.content.decode()
        assert not re.search(r"<dialog[^>]* open>", found.content.decode())

    def test_what_nobody_knows_is_refused(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        with changes_nothing():
            assert act(service, rollout, "explode").status_code == 400

    def test_a_drill_says_how_long_it_took(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        text = read(act(service, rollout, "drill"))
        assert "sent everything to legacy under epoch" in text
        assert "Rollback drill passed" in text

    def test_a_drill_that_took_too_long_is_no_success(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        with patch("migration.drills.LIMIT_MS", 0.0):
            found = act(service, rollout, "drill")
        assert 'class="notice fail"' in found.content.decode()
        assert "Rollback drill failed" in read(found)

    def test_an_abort_that_the_database_did_not_do_says_how_else(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        with changes_nothing(), patch("migration.operations.abort", side_effect=DatabaseError):
            found = act(service, rollout, "abort", word="abort")
        assert found.status_code == 503
        assert f"manage.py rollout abort --rollout {rollout.pk}" in read(found)

    def test_for_anything_else_it_is_an_error_like_any_other(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        with (
            patch("migration.operations.pause", side_effect=DatabaseError),
            pytest.raises(DatabaseError),
        ):
            act(service, rollout, "pause")

    def test_it_is_only_posted(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        assert get(service, path=reverse("migration:act", args=[rollout.pk])).status_code == 405


class TestReplay:
    def replay(self, decision: Decision, service: Service, part: bool = True) -> Any:
        headers = {"X-Part": "replayed"} if part else {}
        with at_the_time_of(service):
            return client_of(make_user(VIEWER)).post(
                reverse("migration:replay", args=[decision.pk]), headers=headers
            )

    def test_the_same_answer_is_the_same(self) -> None:
        service, rollout = in_gate()
        service.look()
        found = rollout.decisions.first()
        assert found is not None
        assert found.situation
        text = read(self.replay(found, service))
        assert text == "Same Replayed from its row: the same answer."

    def test_without_a_script_the_whole_page_says_so(self) -> None:
        service, rollout = in_gate()
        service.look()
        found = rollout.decisions.first()
        assert found is not None
        text = read(self.replay(found, service, part=False))
        assert "Replayed from its row: the same answer." in text
        assert "Gates" in text

    def test_another_answer_shows_each_difference(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        found = rollout.decisions.first()
        assert found is not None
        tamper(found, "state_after", "paused")
        text = read(self.replay(found, service))
        assert "it answers otherwise" in text
        assert "state paused running" in text

    def test_a_row_that_cannot_be_read_says_so(self) -> None:
        service, rollout = in_gate()
        service.look()
        found = rollout.decisions.first()
        assert found is not None
        tamper(found, "situation", '{"of": "tomorrow"}')
        assert "another version of this program" in read(self.replay(found, service))


class TestStarting:
    GIVEN: Final = {"name": "scanning 2026", "reason": WHY, "preset": "standard", "do": "start"}

    def test_the_form_explains_every_limit(self) -> None:
        text = read(get(path=START))
        for words in ("baseline_dwell_seconds", "least time in phase 1", "a number from 0 to"):
            assert words in text
        assert "86,400" in text

    def test_what_is_not_changed_is_not_kept(self) -> None:
        service = Service()
        text = read(post(service, START, self.GIVEN))
        assert "scanning 2026 is started." in text
        rollout = Rollout.objects.get()
        assert rollout.state == RolloutState.RUNNING
        assert rollout.limit_versions.count() == 0

    def test_only_what_is_changed_is_kept(self) -> None:
        service = Service()
        limits = {"limit:ab_runs": "250", "limit:ab_share": "0.01"}
        post(service, START, {**self.GIVEN, **limits})
        version = Rollout.objects.get().limit_versions.get()
        assert version.values == {"ab_runs": 250}

    def test_a_preset_fills_in_the_limits_and_keeps_what_was_typed(self) -> None:
        service = Service()
        given = {**self.GIVEN, "do": "preset", "preset": "strict"}
        with changes_nothing():
            text = post(service, START, given).content.decode()
        assert 'name="limit:mismatch_budget" type="text" inputmode="decimal" value="0.001"' in text
        assert 'value="scanning 2026"' in text
        assert "1 differs" in text
        assert re.search(r'value="strict" checked', text)

    def test_a_preset_that_there_is_not_is_the_standard(self) -> None:
        found = post(Service(), START, {"do": "preset", "preset": "lax"})
        assert 'value="standard" checked' in found.content.decode()

    @pytest.mark.parametrize(
        ("form", "said"),
        [
            ({"name": ""}, "Give it a name by which people know it."),
            ({"reason": ""}, "Say why; it is kept with the decision."),
            ({"limit:ab_runs": "many"}, "expected a whole number"),
            ({"limit:health_low": "0.1"}, "must be below"),
        ],
    )
    def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
        self, form: dict[str, str], said: str
    ) -> None:
        given = {**self.GIVEN, "limit:ab_share": "0.0375", **form}
        with changes_nothing():
            found = post(Service(), START, given)
        assert found.status_code == 422
        assert "Nothing was started" in read(found)
        assert said in read(found)
        assert 'value="0.0375"' in found.content.decode()

    def test_while_another_is_active_the_form_says_so(self) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        assert "None can be started now" in read(get(service, path=START))
        with changes_nothing():
            found = post(service, START, self.GIVEN)
        assert "Another rollout is active" in read(found)
        assert found.status_code == 422

    def test_modes_that_the_settings_do_not_permit_are_named_before_one_begins(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("migration.operations.permitted_modes", list)
        text = read(get(path=START))
        assert "routing.permit_ab_test" in text
