"""One monitor works at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from monitoring import lease
from monitoring.lease import Turn
from monitoring.models import MonitorLease

pytestmark = pytest.mark.django_db

OVER = timedelta(seconds=-1)


def test_a_lease_that_is_held_is_not_given_to_another() -> None:
    assert lease.take_or_renew("one")
    assert not lease.take_or_renew("two")
    assert lease.take_or_renew("one")
    assert lease.is_held_by("one")
    assert not lease.is_held_by("two")


def test_a_lease_that_ran_out_is_taken_over() -> None:
    lease.take_or_renew("one", OVER)
    assert not lease.is_held_by("one")
    assert lease.take_or_renew("two")
    assert not lease.take_or_renew("one")


def test_an_orderly_end_makes_room_at_once() -> None:
    one, two = Turn("one"), Turn("two")
    one.take_or_renew()
    two.take_or_renew()
    assert (one.is_mine(), two.is_mine()) == (True, False)
    one.end()
    MonitorLease.objects.update(until=MonitorLease.objects.get().until + OVER)
    two.take_or_renew()
    assert (one.is_mine(), two.is_mine()) == (False, True)


def test_who_could_not_renew_stops_believing_when_the_lease_runs_out() -> None:
    now = [0.0]
    turn = Turn("one", lambda: now[0])
    turn.take_or_renew()
    now[0] = lease.LEASE.total_seconds() - 0.1
    assert turn.is_mine()
    now[0] += 0.2
    assert not turn.is_mine()


def test_who_lost_the_lease_knows_at_the_next_renewal() -> None:
    turn = Turn("one")
    turn.take_or_renew()
    MonitorLease.objects.update(owner="two")
    turn.take_or_renew()
    assert not turn.is_mine()


def test_ending_without_the_lease_takes_it_from_nobody() -> None:
    lease.take_or_renew("one")
    Turn("two").end()
    assert lease.is_held_by("one")


def test_no_two_processes_have_one_name() -> None:
    assert lease.name_of_this_process() != lease.name_of_this_process()
