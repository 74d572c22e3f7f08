"""The rollout in a word on every page, and how open pages hear of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from config.roles import APPROVER, VIEWER
from migration import approvals, operations
from migration.badge import facts_now, in_words, news_now
from migration.choices import Move, PhaseName, RolloutState
from migration.context_processors import rollout_now
from migration.models import Approval, Evaluation
from monitoring.models import LiveUpdate
from tests.factories import make_user
from tests.migration.traffic import QUICK, Service, in_gate, in_phase, move, start

pytestmark = pytest.mark.django_db


def told() -> list[dict[str, Any]]:
    """Return what open pages were told of rollouts, oldest first."""
    rows = LiveUpdate.objects.filter(topic="service:rollout").order_by("pk")
    return [row.body["figures"] for row in rows]


class TestFacts:
    def test_without_a_rollout_there_are_none(self) -> None:
        assert facts_now() is None
        assert news_now() is None

    def test_they_are_one_query(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        _service, rollout = in_phase(PhaseName.GRADUAL, number=1)
        with django_assert_num_queries(1):
            found = facts_now()
        assert found == {
            "pk": rollout.pk,
            "state": "running",
            "revision": found and found["revision"],
            "phase": 3,
            "share": 0.5,
        }

    def test_they_are_of_the_active_one_and_of_its_newest_attempt(self) -> None:
        service, rollout = in_phase(PhaseName.GRADUAL)
        service.pass_time(60)
        operations.create("a draft", QUICK, None, service.now)
        move(service, rollout, Move.RESTART)
        found = facts_now()
        assert found is not None
        assert (found["pk"], found["phase"], found["share"]) == (rollout.pk, 2, 0.2)

    def test_a_draft_has_no_phase_yet(self) -> None:
        operations.create("a draft", QUICK, None, Service().now)
        found = facts_now()
        assert found is not None
        assert in_words(found)["word"] == in_words(found)["sentence"] == ""


class TestWords:
    @pytest.mark.parametrize(
        ("state", "word", "sentence"),
        [
            (RolloutState.RUNNING, "Running", "Phase 3 of 5, 25 % scanning"),
            (RolloutState.PAUSED, "Paused", "Phase 3 of 5, 25 % scanning"),
            (RolloutState.AWAITING, "Approval", "Phase 3 of 5, 25 % scanning"),
            (RolloutState.ROLLED_BACK, "Rolled back", ""),
            (RolloutState.ABORTED, "", ""),
            (RolloutState.COMPLETED, "", ""),
        ],
    )
    def test_each_state_has_its_own(self, state: RolloutState, word: str, sentence: str) -> None:
        found = in_words({"state": state.value, "phase": 3, "share": 0.25})
        assert (found["word"], found["sentence"]) == (word, sentence)
        assert found["shape"]


class TestEveryPage:
    def badge(self, user: Any) -> Any:
        request = RequestFactory().get("/")
        request.user = user
        return rollout_now(request)

    def test_it_costs_nothing_where_it_is_not_shown(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        user = make_user(VIEWER)
        with django_assert_num_queries(0):
            self.badge(user)

    def test_who_is_not_signed_in_gets_nothing(self) -> None:
        assert self.badge(AnonymousUser()) == {}
        assert rollout_now(RequestFactory().get("/")) == {}

    def test_it_is_empty_without_a_rollout(self) -> None:
        assert not self.badge(make_user(VIEWER))["rollout_badge"]

    def test_before_the_first_migrate_it_is_empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails() -> None:
            raise DatabaseError

        monkeypatch.setattr("migration.context_processors.facts_now", fails)
        assert not self.badge(make_user(VIEWER))["rollout_badge"]


class TestNews:
    def test_a_decision_is_told(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        service = Service()
        with django_capture_on_commit_callbacks(execute=True):
            rollout = start(service)
        assert told()[-1]["state"] == "running"
        with django_capture_on_commit_callbacks(execute=True):
            operations.pause(rollout, None, "a test", service.now)
        assert told()[-1]["state"] == "paused"

    def test_a_look_that_is_kept_is_told_and_one_that_is_not_is_none(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        service, _rollout = in_phase(PhaseName.GRADUAL)
        with django_capture_on_commit_callbacks(execute=True):
            service.look()
        assert [each["look"] for each in told()] == [Evaluation.objects.get().pk]
        with django_capture_on_commit_callbacks(execute=True):
            service.pass_time(6)
            service.look()
        assert len(told()) == 1

    def test_a_request_and_what_was_decided_of_it_are_told(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        service, _rollout = in_gate(approve="full_migration")
        with django_capture_on_commit_callbacks(execute=True):
            service.look()
        asked = Approval.objects.get()
        assert told()[-1]["asked"] == [[asked.pk, "waiting"]]
        with django_capture_on_commit_callbacks(execute=True):
            approvals.reject(asked, make_user(APPROVER), "not yet", service.now)
        assert told()[-1]["asked"] == [[asked.pk, "rejected"]]
