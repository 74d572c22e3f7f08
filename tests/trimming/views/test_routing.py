"""The page about routing: who may look, publish and roll back, and what each leaves behind."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.models import AuditEvent
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER
from tests.factories import make_job, make_user
from tests.trimming.results import finish
from trimming.models import Breaker, RoutingPolicy
from trimming.policy import Wish, emergency_rollback, newest_policy, publish, renew_guard
from trimming.profiles import mirror_built_in_profiles
from trimming.routing_choices import BreakerState, Mode, Origin
from trimming.routing_summary import PAGE_SIZE

pytestmark = pytest.mark.django_db
PAGE = reverse("routing:page")
ROLLBACK = reverse("routing:rollback")
WISH = {"mode": "scanning", "treatment_percent": "0", "shadow_percent": "0", "reason": "try"}
WORD = {"word": "rollback", "reason": "bodies were seen"}
# session, user, their permissions (own and by group), the policy, the lease, the breaker, the runs,
# the history and its count, three for the strip, one for the rollout, one for the role
PAGE_QUERIES = 16


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr("trimming.jobs.send", lambda job_id: None)
    mirror_built_in_profiles()


def client_of(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role))
    return client


def shown(response: Any) -> str:
    """Return what a person reads of a page, with single spaces."""
    text = re.sub(r"<(script|svg)\b.*?</\1>|<[^>]*>", " ", response.content.decode(), flags=re.S)
    return " ".join(html.unescape(text).split())


def page(role: str = VIEWER) -> str:
    response = client_of(role).get(PAGE)
    assert response.status_code == 200
    return shown(response)


def by_hand(mode: Mode, **values: Any) -> RoutingPolicy:
    return publish(Wish(mode, **values), origin=Origin.OPERATOR, reason="by hand")


class TestWhoMay:
    @pytest.mark.parametrize("role", [VIEWER, OPERATOR, APPROVER, ADMINISTRATOR])
    def test_every_role_may_look(self, role: str) -> None:
        assert client_of(role).get(PAGE).status_code == 200

    @pytest.mark.parametrize(
        ("role", "may"),
        [(VIEWER, False), (OPERATOR, False), (APPROVER, False), (ADMINISTRATOR, True)],
    )
    def test_administrators_publish(self, role: str, may: bool) -> None:
        client = client_of(role)
        assert ("Publish another policy" in shown(client.get(PAGE))) is may
        assert client.post(PAGE, WISH).status_code == (302 if may else 403)
        assert newest_policy().version == (2 if may else 1)

    @pytest.mark.parametrize(
        ("role", "may"),
        [(VIEWER, False), (OPERATOR, True), (APPROVER, True), (ADMINISTRATOR, True)],
    )
    def test_all_but_viewers_take_scanning_away(self, role: str, may: bool) -> None:
        client = client_of(role)
        assert ("Emergency rollback…" in shown(client.get(PAGE))) is may
        assert client.post(ROLLBACK, WORD).status_code == (302 if may else 403)
        assert newest_policy().stands_back is may

    def test_without_a_role_there_is_nothing_to_see_or_do(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("nobody"))
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, WISH).status_code == 403
        assert client.post(ROLLBACK, WORD).status_code == 403
        assert not RoutingPolicy.objects.exists()

    def test_anonymous_people_are_sent_to_the_sign_in(self) -> None:
        for response in (Client().get(PAGE), Client().post(PAGE, WISH), Client().post(ROLLBACK)):
            assert response.status_code == 302
            assert response["Location"].startswith(reverse("login"))

    def test_a_rollback_is_never_a_link(self) -> None:
        assert client_of(ADMINISTRATOR).get(ROLLBACK).status_code == 405

    def test_the_page_is_in_the_navigation_of_those_who_may_see_it(self) -> None:
        link = f'href="{PAGE}"'
        captures = reverse("trimming:captures")
        assert link in client_of(VIEWER).get(captures).content.decode()


class TestWhatIsShown:
    def test_what_is_in_force_is_said_in_words_with_who_when_and_why(self) -> None:
        by_hand(Mode.AB_TEST, treatment_share=0.05, shadow_share=0.2, guarded=True)
        words = page()
        for said in (
            "5 % of the captures go to scanning",
            "20 % of all captures are compared",
            "Nobody watches at present",
            "policy 2 , epoch 1",
            "Published by system an operator",
            "Why by hand",
        ):
            assert said in words

    def test_that_somebody_watches_is_shown(self) -> None:
        by_hand(Mode.SCANNING, guarded=True)
        assert "Nobody watches" in page()
        renew_guard(30)
        assert "Watched now" in page()
        assert "Nobody watches" not in page()

    def test_that_legacy_is_retired_is_told_with_what_brings_it_back(self) -> None:
        wish = Wish(Mode.SCANNING, legacy_retired=True)
        publish(wish, origin=Origin.ROLLOUT, reason="completed")
        words = page(ADMINISTRATOR)
        for said in (
            "Legacy is retired: what scanning fails on fails, until an emergency rollback",
            "Legacy retired",
            "so scanning gets every capture, however this stands",
            "A capture on which scanning fails is served by nobody.",
            "whatever is published here brings it back",
        ):
            assert said in words
        emergency_rollback(reason="it fails")
        assert "Legacy is retired" not in page(ADMINISTRATOR)

    def test_the_breaker_says_when_it_tries_again(self) -> None:
        at = timezone.now() + timedelta(seconds=60)
        Breaker.objects.create(strategy="scanning", state=BreakerState.OPEN, probe_after=at)
        by_hand(Mode.SCANNING)
        words = page()
        assert "Breaker of scanning Open" in words
        assert f"Next probe from {at:%-d %b %H:%M}" in words
        assert "all new captures go to legacy" in words

    def test_runs_are_counted_by_arm_strategy_and_outcome(self) -> None:
        assert "Nothing ran" in page()
        by_hand(Mode.SCANNING)
        finish(make_job(make_user()))
        words = page()
        assert "treatment scanning 0 1 0 0 0 0 0 0 1" in words

    def test_policies_are_listed_newest_first_in_pages(self) -> None:
        for _ in range(PAGE_SIZE):
            by_hand(Mode.LEGACY)
        client = client_of(VIEWER)
        assert f"1\u2013{PAGE_SIZE} of {PAGE_SIZE + 1}" in shown(client.get(PAGE))
        last = shown(client.get(PAGE, {"page": "2"}))
        assert f"{PAGE_SIZE + 1}\u2013{PAGE_SIZE + 1} of {PAGE_SIZE + 1}" in last
        assert "the first policy, by the settings" in last
        for odd in ("0", "99", "x", ""):
            assert client.get(PAGE, {"page": odd}).status_code == 200

    def test_reasons_are_only_text(self) -> None:
        emergency_rollback(reason='<img src=x onerror="alert(1)">')
        assert "<img" not in client_of(VIEWER).get(PAGE).content.decode()

    def test_nothing_is_inline(self) -> None:
        text = client_of(ADMINISTRATOR).get(PAGE).content.decode()
        assert not re.search(r"<[^>]+\son\w+=", text)
        assert " style=" not in text
        assert not re.search(r"<script(?![^>]*\ssrc=)", text)

    def test_the_number_of_queries_does_not_grow_with_history(self) -> None:
        client = client_of(ADMINISTRATOR)
        by_hand(Mode.SCANNING)
        counts = []
        for _ in range(2):
            with CaptureQueriesContext(connection) as queries:
                assert client.get(PAGE).status_code == 200
            counts.append(len(queries))
            for _ in range(4):
                by_hand(Mode.SCANNING, guarded=True)
                finish(make_job(make_user()))
        assert counts == [PAGE_QUERIES, PAGE_QUERIES]


class TestPublishing:
    def test_a_policy_is_published_with_its_author_and_reason(self) -> None:
        user = make_user(ADMINISTRATOR)
        client = Client()
        client.force_login(user)
        before = newest_policy()
        wish = {
            "mode": "ab_test",
            "treatment_percent": "2.5",
            "shadow_percent": "20",
            "guarded": "on",
            "reason": "a small test",
        }
        response = client.post(PAGE, wish, follow=True)
        assert "Policy 2 is in force: a share to scanning." in shown(response)
        found = newest_policy()
        assert (found.mode, found.treatment_share, found.shadow_share) == ("ab_test", 0.025, 0.2)
        assert (found.guarded, found.actor, found.reason) == (True, user, "a small test")
        assert (found.origin, found.salt) == (Origin.OPERATOR, before.salt)
        assert AuditEvent.objects.get(action="policy_published").actor == user

    def test_a_new_draw_is_another_salt(self) -> None:
        before = newest_policy()
        client_of(ADMINISTRATOR).post(PAGE, {**WISH, "new_draw": "on"})
        assert newest_policy().salt != before.salt

    def test_the_form_asks_for_what_is_in_force_already(self) -> None:
        by_hand(Mode.AB_TEST, treatment_share=0.07, shadow_share=0.2, guarded=True)
        text = client_of(ADMINISTRATOR).get(PAGE).content.decode()
        assert '<option value="ab_test" selected>' in text
        assert re.search(r'name="treatment_percent"[^>]* value="7"', text)
        assert re.search(r'name="shadow_percent"[^>]* value="20"', text)
        assert 'name="guarded" checked' in text

    def test_only_permitted_modes_are_offered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_SCANNING", "false")
        text = client_of(ADMINISTRATOR).get(PAGE).content.decode()
        assert '<option value="auto"' in text
        assert '<option value="scanning"' not in text

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"reason": "  "}, "Say why; it is kept with the policy."),
            ({"mode": "dice"}, "Choose one of the modes."),
            ({"mode": ""}, "Choose one of the modes."),
            ({"treatment_percent": "101"}, "A share is a number from 0 to 100, in percent."),
            ({"shadow_percent": "-1"}, "A share is a number from 0 to 100, in percent."),
            ({"treatment_percent": "nan"}, "A share is a number from 0 to 100, in percent."),
            ({"shadow_percent": ""}, "A share is a number from 0 to 100, in percent."),
            ({"shadow_percent": "many"}, "A share is a number from 0 to 100, in percent."),
        ],
    )
    def test_a_wish_that_makes_no_sense_is_told_and_changes_nothing(
        self, changed: dict[str, str], sentence: str
    ) -> None:
        response = client_of(ADMINISTRATOR).post(PAGE, {**WISH, **changed})
        assert response.status_code == 422
        assert sentence in shown(response)
        assert "Nothing was changed." in shown(response)
        assert newest_policy().version == 1

    def test_a_refused_wish_keeps_what_was_filled_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PKTMASK_ROUTING__PERMIT_AB_TEST", "false")
        wish = {**WISH, "mode": "ab_test", "treatment_percent": "12.5", "new_draw": "on"}
        response = client_of(ADMINISTRATOR).post(PAGE, wish)
        text = response.content.decode()
        assert response.status_code == 422
        assert "The mode ab_test is not permitted; the settings permit: legacy," in shown(response)
        assert 'value="12.5"' in text
        assert 'name="new_draw" checked' in text
        assert 'value="try"' in text
        assert newest_policy().version == 1


class TestRollingBack:
    @pytest.mark.parametrize("word", ["rollback", " Rollback "])
    def test_everything_goes_to_legacy_and_the_time_it_took_is_told(self, word: str) -> None:
        by_hand(Mode.SCANNING)
        user = make_user(OPERATOR)
        client = Client()
        client.force_login(user)
        words = shown(client.post(ROLLBACK, {**WORD, "word": word}, follow=True))
        assert re.search(r"Everything goes to legacy: policy 3, in \d+\.\d ms\.", words)
        found = newest_policy()
        assert (found.mode, found.fence_epoch, found.stands_back) == (Mode.LEGACY, 2, True)
        assert (found.actor, found.reason) == (user, "bodies were seen")
        assert AuditEvent.objects.get(action="emergency_rollback").actor == user

    def test_what_stands_and_what_it_means_is_told_as_long_as_it_stands(self) -> None:
        assert "A rollback stands" not in page()
        emergency_rollback(reason="bodies were seen")
        by_hand(Mode.COMPARISON, shadow_share=0.5)
        words = page()
        assert "A rollback stands" in words
        assert "by system: bodies were seen" in words
        assert "Nobody can choose scanning for a capture" in words
        by_hand(Mode.LEGACY, lift=True)
        assert "A rollback stands" not in page()

    def test_pressed_twice_it_is_done_twice_and_nothing_breaks(self) -> None:
        client = client_of(OPERATOR)
        for epoch in (2, 3):
            assert client.post(ROLLBACK, WORD).status_code == 302
            assert newest_policy().fence_epoch == epoch
        assert newest_policy().stands_back

    @pytest.mark.parametrize(
        ("changed", "sentence"),
        [
            ({"word": "roll"}, "Type the word rollback to confirm."),
            ({"word": ""}, "Type the word rollback to confirm."),
            ({"reason": " "}, "Say why; it is kept with the policy."),
        ],
    )
    def test_without_word_or_reason_nothing_is_changed_and_the_dialog_says_so(
        self, changed: dict[str, str], sentence: str
    ) -> None:
        by_hand(Mode.SCANNING)
        response = client_of(OPERATOR).post(ROLLBACK, {**WORD, **changed})
        assert response.status_code == 422
        assert sentence in shown(response)
        assert re.search(r'<dialog id="rollback"[^>]* open>', response.content.decode())
        assert newest_policy().version == 2

    def test_scanning_is_not_given_by_hand_while_it_stands(self) -> None:
        emergency_rollback(reason="leak")
        response = client_of(ADMINISTRATOR).post(PAGE, WISH)
        assert response.status_code == 422
        assert "A rollback stands, so scanning is not given by hand." in shown(response)
        assert newest_policy().version == 2

    def test_it_is_lifted_by_publishing_legacy_with_it(self) -> None:
        emergency_rollback(reason="leak")
        client = client_of(ADMINISTRATOR)
        assert "Lift the rollback" in shown(client.get(PAGE))
        client.post(PAGE, {**WISH, "mode": "legacy", "lift": "on"})
        assert not newest_policy().stands_back
        assert client.post(PAGE, WISH).status_code == 302
        assert newest_policy().mode == Mode.SCANNING

    def test_a_database_that_does_not_do_it_is_told_with_another_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(**_: Any) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr("trimming.views.routing.emergency_rollback", fail)
        response = client_of(OPERATOR).post(ROLLBACK, WORD)
        assert response.status_code == 503
        assert "Not rolled back" in shown(response)
        assert "manage.py emergency_rollback" in shown(response)
