"""How often signing in may be tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pktmask_site.sign_in.models import SignInTry
from pktmask_site.sign_in.throttle import (
    Refused,
    give_back,
    key_of,
    limits_for,
    network_of,
    remove_old,
    same_name,
    take,
    untold_since,
)

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
HERE, THERE = "192.0.2.7", "198.51.100.9"
MOST_QUERIES = 4


def tried(name: str, address: str, now: datetime = NOW) -> Refused | None:
    return take(limits_for(name, address, now), now)


def let_through(name: str, address: str, tries: int, now: datetime = NOW) -> int:
    return sum(tried(name, address, now) is None for _ in range(tries))


def test_a_name_has_ten_tries_and_then_one_a_minute_from_all_addresses_together() -> None:
    addresses = [f"192.0.2.{number}" for number in range(1, 31)]
    assert [tried("anna", each) is None for each in addresses].count(True) == 10
    refused = tried("anna", HERE)
    assert refused is not None
    assert (refused.kind, refused.wait_seconds) == ("account", 60)
    assert let_through("anna", HERE, 3, NOW + timedelta(seconds=59)) == 0
    assert let_through("anna", HERE, 3, NOW + timedelta(seconds=60)) == 1
    # less than the hundred an hour of OWASP ASVS 2.2.1
    hour = sum(
        let_through("bert", f"203.0.113.{second % 200}", 1, NOW + timedelta(seconds=second))
        for second in range(0, 3600, 10)
    )
    assert hour <= 100


def test_an_address_has_fifty_tries_with_whatever_names() -> None:
    assert sum(let_through(f"name {number}", HERE, 1) for number in range(80)) == 50
    refused = tried("another", HERE)
    assert refused is not None
    assert (refused.kind, refused.wait_seconds) == ("address", 10)
    assert tried("another", THERE) is None


def test_refused_tries_do_not_put_the_next_one_off() -> None:
    let_through("anna", HERE, 40)
    assert tried("anna", HERE, NOW + timedelta(seconds=60)) is None


def test_all_tries_come_back_with_time() -> None:
    let_through("anna", HERE, 20)
    assert let_through("anna", THERE, 20, NOW + timedelta(minutes=10)) == 10


def test_who_does_not_know_the_password_keeps_nobody_out_of_a_known_address() -> None:
    give_back(limits_for("anna", HERE, NOW), "anna", HERE, NOW)
    assert let_through("anna", THERE, 30) == 10
    assert tried("anna", HERE) is None
    # for as long as it is known
    later = NOW + timedelta(days=31)
    let_through("anna", THERE, 30, later)
    assert tried("anna", HERE, later) is not None


def test_a_known_address_is_slowed_down_as_well() -> None:
    give_back(limits_for("anna", HERE, NOW), "anna", HERE, NOW)
    assert let_through("anna", HERE, 30) == 10


def test_the_right_password_gives_tries_back_but_not_for_other_names() -> None:
    for _ in range(30):
        limits = limits_for("anna", HERE, NOW)
        assert take(limits, NOW) is None
        give_back(limits, "anna", HERE, NOW)
    # who has one account may not try all others in between
    done = 0
    for number in range(200):
        limits = limits_for("anna", HERE, NOW)
        if take(limits, NOW) is None:
            give_back(limits, "anna", HERE, NOW)
        done += let_through(f"name {number}", HERE, 1)
    assert done <= 50


def test_it_is_news_once_a_minute() -> None:
    let_through("anna", HERE, 10)
    told = [tried("anna", HERE, NOW + timedelta(seconds=second)) for second in (0, 1, 30)]
    assert [each is not None and each.news for each in told] == [1, 0, 0]
    assert untold_since(NOW) == 2
    let_through("anna", HERE, 30, NOW + timedelta(seconds=59))
    again = [tried("anna", HERE, NOW + timedelta(seconds=61)) for _ in range(3)]
    # one of them was let through; what was not told then is told now
    assert [each and each.news for each in again] == [None, 2 + 30 + 1, 0]
    assert untold_since(NOW) == 1
    assert untold_since(NOW + timedelta(seconds=62)) == 0


def test_neither_name_nor_address_is_kept() -> None:
    tried("correct horse", HERE)
    kept = str(list(SignInTry.objects.values()))
    assert "horse" not in kept
    assert HERE not in kept


def test_a_try_takes_few_queries(django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(MOST_QUERIES):  # type: ignore[operator]  # a fixture
        tried("anna", HERE)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("", "192.0.2.8", False),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) == is_same
    assert network_of(None) == ""
    assert network_of("a socket") == "a socket"


def test_what_counts_as_one_name() -> None:
    assert same_name("Anna") == same_name("ANNA") == same_name("\uff21nna")
    assert key_of("account", "a\n1:b") != key_of("account\n1:a", "b")


def test_what_says_nothing_any_more_is_removed() -> None:
    give_back(limits_for("anna", HERE, NOW), "anna", HERE, NOW)
    tried("anna", HERE)
    tried("bert", THERE)
    assert remove_old(NOW) == 0
    assert remove_old(NOW + timedelta(days=1)) == 3
    assert SignInTry.objects.count() == 1
    assert remove_old(NOW + timedelta(days=31)) == 1
