"""The audit log."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client, RequestFactory

from config.audit import answering, record
from config.models import AppendOnlyError, AuditEvent
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_an_event_tells_who_what_when_and_from_where() -> None:
    user = make_user()
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.user = user
    request.request_id = "abcdef0123456789"  # type: ignore[attr-defined]  # set by the middleware
    event = record("wave", request=request, target=user, hand="left")
    assert (event.actor, event.actor_name, event.address) == (user, user.username, "192.0.2.7")
    assert (event.action, event.target_kind, event.target_id) == ("wave", "auth.user", str(user.pk))
    assert (event.request_id, event.details) == ("abcdef0123456789", {"hand": "left"})


def test_what_is_done_to_answer_a_request_tells_from_where() -> None:
    user = make_user()
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.request_id = "abcdef0123456789"  # type: ignore[attr-defined]  # set by the middleware
    with answering(request):
        event, by_itself = record("wave", actor=user), record("tidy")
    assert (event.actor, event.address, event.request_id) == (user, "192.0.2.7", request.request_id)  # type: ignore[attr-defined]
    assert (by_itself.actor_name, by_itself.address) == ("system", "192.0.2.7")
    assert record("wave", actor=user).address is None


def test_what_the_system_does_by_itself_has_no_actor() -> None:
    event = record("tidy")
    assert (event.actor, event.actor_name, event.address) == (None, "system", None)


def test_somebody_not_signed_in_is_anonymous() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    assert record("knock", request=request).actor_name == "anonymous"


def test_events_cannot_be_changed_or_deleted_one_by_one_or_together() -> None:
    event = record("tidy")
    event.action = "mess"
    with pytest.raises(AppendOnlyError):
        event.save()
    with pytest.raises(AppendOnlyError):
        event.delete()
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.all().delete()
    with pytest.raises(AppendOnlyError):
        AuditEvent.objects.update(action="mess")
    assert AuditEvent.objects.get().action == "tidy"


def test_signing_in_and_out_is_recorded(client: Client) -> None:
    user = User.objects.create_user("anna", password="correct horse")
    answer = client.post("/sign-in/", {"username": "anna", "password": "correct horse"})
    assert answer.status_code == 302
    client.post("/sign-out/")
    events = list(AuditEvent.objects.order_by("pk").values_list("action", "actor_id"))
    assert events == [("sign_in", user.pk), ("sign_out", user.pk)]


def test_a_refused_sign_in_is_recorded_without_what_was_typed(client: Client) -> None:
    client.post("/sign-in/", {"username": "correct horse", "password": "battery"})
    event = AuditEvent.objects.get()
    assert event.action == "sign_in_refused"
    assert event.actor_name == "anonymous"
    assert "horse" not in str(event.details) + event.target_id
