"""Publishing policies, and the lease of whoever watches."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from config.models import AppendOnlyError, AuditEvent
from tests.factories import make_user
from trimming import policy as engine
from trimming.models import GuardLease, RoutingPolicy
from trimming.policy import (
    PolicyRefusedError,
    Wish,
    emergency_rollback,
    is_legacy_retired,
    is_watched,
    newest_policy,
    permitted_modes,
    policy_in_force,
    publish,
    renew_guard,
)
from trimming.routing_choices import Mode, Origin
from trimming.signals import policy_published

pytestmark = pytest.mark.django_db

SCANNING = Wish(Mode.SCANNING)


def by_hand(wish: Wish) -> RoutingPolicy:
    return publish(wish, origin=Origin.OPERATOR, reason="by hand")


def test_the_very_first_policy_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_ROUTING__FIRST_MODE", "auto")
    first = newest_policy()
    assert (first.version, first.mode, first.fence_epoch) == (1, Mode.AUTO, 1)
    assert len(first.salt) == 32
    monkeypatch.setenv("PKTMASK_ROUTING__FIRST_MODE", "scanning")
    assert newest_policy() == first


def test_a_policy_tells_who_published_it_and_why(
    django_capture_on_commit_callbacks: object,
) -> None:
    person = make_user()
    before = newest_policy()
    heard: list[int] = []
    policy_published.connect(lambda version, **_: heard.append(version), weak=False, dispatch_uid=1)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]  # a fixture
        found = publish(
            Wish(Mode.AB_TEST, treatment_share=0.25, shadow_share=0.1, guarded=True),
            origin=Origin.ROLLOUT,
            reason="small test",
            actor=person,
        )
    policy_published.disconnect(dispatch_uid=1)
    assert heard == [2]
    assert (found.version, found.fence_epoch, found.salt) == (2, 1, before.salt)
    assert (found.actor, found.actor_name) == (person, person.get_username())
    assert (found.treatment_share, found.shadow_share, found.guarded) == (0.25, 0.1, True)
    event = AuditEvent.objects.get(action="policy_published")
    assert event.details["reason"] == "small test"
    in_force = policy_in_force()
    assert (in_force.version, in_force.treatment_share, in_force.stands_back) == (2, 0.25, False)


def test_another_salt_is_another_draw() -> None:
    before = newest_policy()
    assert by_hand(Wish(Mode.LEGACY, salt="other")).salt == "other"
    assert by_hand(Wish(Mode.LEGACY)).salt == "other" != before.salt


def test_a_share_belongs_to_a_test_of_a_share_only() -> None:
    assert by_hand(Wish(Mode.SCANNING, treatment_share=0.5)).treatment_share == 0.0


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    for wish in (Wish(Mode.AB_TEST, share), Wish(Mode.COMPARISON, 0, share)):
        with pytest.raises(PolicyRefusedError, match="from 0 to 1"):
            by_hand(wish)
    assert newest_policy().version == 1


def test_a_mode_that_is_not_permitted_is_refused_with_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("SCANNING", "AUTO"):
        monkeypatch.setenv(f"PKTMASK_ROUTING__PERMIT_{name}", "false")
    assert permitted_modes() == (Mode.LEGACY, Mode.AB_TEST, Mode.COMPARISON)
    with pytest.raises(PolicyRefusedError, match=r"permit: legacy, ab_test, comparison\."):
        by_hand(SCANNING)
    assert newest_policy().version == 1


def test_a_rollback_sends_everything_to_legacy_and_raises_the_epoch() -> None:
    by_hand(Wish(Mode.AB_TEST, treatment_share=0.5, shadow_share=1.0, guarded=True))
    found = emergency_rollback(reason="leak")
    assert (found.mode, found.treatment_share, found.shadow_share) == (Mode.LEGACY, 0.0, 0.0)
    assert (found.fence_epoch, found.origin, found.guarded) == (2, Origin.ROLLBACK, False)
    assert policy_in_force().stands_back
    assert AuditEvent.objects.filter(action="emergency_rollback").count() == 1
    assert emergency_rollback(reason="once more").fence_epoch == 3


def test_a_rollback_is_possible_whatever_the_settings_permit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine, "permitted_modes", lambda: ())
    assert emergency_rollback(reason="leak").mode == Mode.LEGACY


@pytest.mark.parametrize("mode", [Mode.SCANNING, Mode.AUTO, Mode.AB_TEST])
def test_while_a_rollback_stands_nobody_gives_scanning_by_hand(mode: Mode) -> None:
    emergency_rollback(reason="leak")
    with pytest.raises(PolicyRefusedError, match="A rollback stands"):
        by_hand(Wish(mode, treatment_share=0.1))
    assert policy_in_force().stands_back


def test_comparing_after_a_rollback_does_not_end_it() -> None:
    emergency_rollback(reason="leak")
    by_hand(Wish(Mode.COMPARISON, shadow_share=0.5))
    assert policy_in_force().stands_back
    with pytest.raises(PolicyRefusedError, match="A rollback stands"):
        by_hand(SCANNING)


def test_a_rollback_is_lifted_by_a_word_of_its_own() -> None:
    emergency_rollback(reason="leak")
    with pytest.raises(PolicyRefusedError, match="A rollback stands"):
        by_hand(Wish(Mode.SCANNING, lift=True))
    by_hand(Wish(Mode.LEGACY))
    assert policy_in_force().stands_back
    by_hand(Wish(Mode.LEGACY, lift=True))
    assert not policy_in_force().stands_back
    assert by_hand(SCANNING).mode == Mode.SCANNING


def test_a_rollout_may_begin_again_after_a_rollback() -> None:
    emergency_rollback(reason="leak")
    publish(SCANNING, origin=Origin.ROLLOUT, reason="next attempt")
    assert not policy_in_force().stands_back


RETIRED = Wish(Mode.SCANNING, legacy_retired=True)


def by_rollout(wish: Wish) -> RoutingPolicy:
    return publish(wish, origin=Origin.ROLLOUT, reason="completed")


def test_a_rollout_retires_legacy_and_each_policy_after_that_says_it_anew() -> None:
    assert not is_legacy_retired()
    assert by_rollout(RETIRED).legacy_retired
    assert is_legacy_retired()
    assert policy_in_force().legacy_retired
    event = AuditEvent.objects.get(action="policy_published")
    assert event.details["legacy_retired"] is True
    assert not by_rollout(SCANNING).legacy_retired
    assert not is_legacy_retired()


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.SCANNING])
def test_legacy_is_not_retired_in_a_mode_that_needs_it(mode: Mode) -> None:
    with pytest.raises(PolicyRefusedError, match=f"the mode {mode.value} needs it"):
        by_rollout(Wish(mode, legacy_retired=True))
    assert newest_policy().version == 1


def test_nobody_retires_legacy_by_hand() -> None:
    with pytest.raises(PolicyRefusedError, match="Only a rollout retires legacy"):
        by_hand(RETIRED)
    assert newest_policy().version == 1


def test_a_rollback_brings_legacy_back_whatever_is_wished() -> None:
    by_rollout(RETIRED)
    assert not emergency_rollback(reason="leak").legacy_retired
    by_rollout(RETIRED)
    found = publish(RETIRED, origin=Origin.ROLLBACK, reason="leak")
    assert not found.legacy_retired
    assert not is_legacy_retired()


def test_an_operator_who_publishes_another_policy_brings_legacy_back() -> None:
    by_rollout(RETIRED)
    assert not by_hand(Wish(Mode.COMPARISON)).legacy_retired


def test_the_database_keeps_legacy_for_modes_that_need_it_and_where_nothing_is_said() -> None:
    newest_policy()
    row = {"version": 2, "fence_epoch": 1, "origin": Origin.ROLLOUT, "at": timezone.now()}
    with pytest.raises(IntegrityError), transaction.atomic():
        RoutingPolicy.objects.create(mode=Mode.LEGACY, legacy_retired=True, **row)
    # a process of the version before inserts without the column
    fields = RoutingPolicy._meta.concrete_fields
    names = ", ".join(str(field.column) for field in fields if field.name != "legacy_retired")
    values = names.replace("version", "version + 1")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO trimming_routingpolicy ({names}) "
            f"SELECT {values} FROM trimming_routingpolicy"
        )
    assert RoutingPolicy.objects.get(version=2).legacy_retired is False


def test_policies_are_never_changed_and_never_deleted() -> None:
    first = newest_policy()
    first.mode = Mode.SCANNING
    with pytest.raises(AppendOnlyError):
        first.save()
    with pytest.raises(AppendOnlyError):
        RoutingPolicy.objects.all().delete()


def test_publishing_is_a_transaction_of_its_own() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        emergency_rollback(reason="inside of another one")


def test_somebody_watches_until_the_lease_runs_out() -> None:
    assert not is_watched()
    renew_guard(30)
    assert is_watched()
    GuardLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert not is_watched()
    renew_guard(30)
    assert is_watched()
    assert GuardLease.objects.count() == 1
