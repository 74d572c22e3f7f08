"""The page on which people switch their second factor on and off, and how it is taken away."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from config.models import AuditEvent
from pktmask_site.second_factor import devices
from tests.factories import make_user
from tests.pktmask_site.second_factor.people import (
    PASSWORD,
    code_of,
    give_one,
    post,
    sign_in,
    wrong,
)

pytestmark = pytest.mark.django_db
PAGE = "/second-factor/"


@pytest.fixture
def anna(client: Client) -> User:
    """Somebody who is signed in with the password."""
    person = User.objects.create_user("anna", password=PASSWORD)
    sign_in(client, "anna")
    return person


def events(action: str) -> list[User | None]:
    return [each.actor for each in AuditEvent.objects.filter(action=action)]


def test_it_is_switched_on_by_password_and_code_and_other_sign_ins_end(
    client: Client, anna: User
) -> None:
    other = Client()
    sign_in(other, "anna")
    page = client.get(PAGE).content.decode()
    key = devices.key_text(TOTPDevice.objects.get(user=anna))
    assert key in page
    assert 'src="data:image/svg+xml' in page
    answer = post(client, PAGE, password=PASSWORD, code=code_of(anna))
    shown = set(re.findall(r"<li><code>([a-z2-7]{8})</code></li>", answer.content.decode()))
    assert len(shown) == devices.RECOVERY_CODES == devices.recovery_codes_left(anna)
    assert events("second_factor_on") == [anna]
    assert is_ours(client)
    assert other.get("/captures/")["Location"].startswith("/sign-in/")
    assert not any(code in client.get(PAGE).content.decode() for code in shown)


def is_ours(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_the_key_stays_the_same_until_it_is_on_and_no_code_is_asked_for_before(
    client: Client, anna: User
) -> None:
    first, second = client.get(PAGE).content, client.get(PAGE).content
    key = devices.key_text(TOTPDevice.objects.get(user=anna)).encode()
    assert key in first
    assert key in second
    other = Client()
    sign_in(other, "anna")
    assert is_ours(other)


@pytest.mark.parametrize(
    ("password", "is_code_right", "said"),
    [
        ("wrong horse battery", True, "The password is wrong."),
        (PASSWORD, False, "The code is wrong, or was used before."),
        ("", True, "This field is required."),
    ],
)
def test_without_the_password_or_the_code_it_stays_off(
    client: Client, anna: User, password: str, is_code_right: bool, said: str
) -> None:
    client.get(PAGE)
    code = code_of(anna) if is_code_right else wrong(code_of(anna))
    answer = post(client, PAGE, password=password, code=code)
    assert said in answer.content.decode()
    assert not devices.has_one(anna)
    assert len(events("second_factor_refused")) == (1 if password else 0)


def test_passwords_are_not_guessed_there_without_end(client: Client, anna: User) -> None:
    client.get(PAGE)
    codes = [post(client, PAGE, password="x", code="1").status_code for _ in range(12)]
    assert codes == [200] * 10 + [429] * 2


def switched_on(client: Client, person: User) -> None:
    client.get(PAGE)
    post(client, PAGE, password=PASSWORD, code=code_of(person))
    TOTPDevice.objects.update(last_t=-1)
    assert devices.has_one(person)


def test_it_is_switched_off_by_a_code(client: Client, anna: User) -> None:
    switched_on(client, anna)
    post(client, PAGE, act="off", code=wrong(code_of(anna)))
    assert devices.has_one(anna)
    post(client, PAGE, act="off", code=code_of(anna))
    assert not devices.has_one(anna)
    assert not StaticDevice.objects.exists()
    assert events("second_factor_off") == [anna]
    assert b"It is off" in client.get(PAGE).content


def test_new_recovery_codes_make_the_old_ones_void(client: Client, anna: User) -> None:
    switched_on(client, anna)
    (old,) = StaticDevice.objects.values_list("token_set__token", flat=True)[:1]
    answer = post(client, PAGE, act="codes", code=code_of(anna))
    assert old.encode() not in answer.content
    assert devices.recovery_codes_left(anna) == devices.RECOVERY_CODES
    assert devices.answering(anna, old) is None
    assert events("recovery_codes_made") == [anna]


def test_a_key_is_switched_on_once(anna: User) -> None:
    give_one(anna)
    devices.offered(anna)
    assert devices.switch_on(anna, "123456") == ()


def test_strangers_are_led_to_sign_in(client: Client) -> None:
    assert client.get(PAGE)["Location"].startswith("/sign-in/")


# --- in the admin ---------------------------------------------------------------------------------


def take_away(client: Client, *people: User) -> None:
    data = {"action": "take_second_factor_away", "_selected_action": [p.pk for p in people]}
    client.post(reverse("admin:auth_user_changelist"), data)


@pytest.fixture
def boss(client: Client) -> User:
    """An administrator who is signed in."""
    person = User.objects.create_superuser("boss", password=PASSWORD)
    client.force_login(person)
    return person


def test_an_administrator_takes_it_away_from_who_lost_it_which_ends_the_sign_ins(
    client: Client, boss: User
) -> None:
    anna = User.objects.create_user("anna", password=PASSWORD)
    bert = User.objects.create_user("bert", password=PASSWORD)
    codes = give_one(anna)
    theirs = Client()
    sign_in(theirs, "anna")
    post(theirs, "/sign-in/code/", code=codes[0])
    assert is_ours(theirs)
    take_away(client, anna, bert)
    assert not devices.has_one(anna)
    assert theirs.get("/password/")["Location"].startswith("/sign-in/")
    (event,) = AuditEvent.objects.filter(action="second_factor_taken_away")
    assert (event.actor, event.target_id) == (boss, str(anna.pk))
    page = client.get(reverse("admin:auth_user_changelist"))
    assert b"Second factors taken away: 1." in page.content


def test_administrators_do_not_take_away_their_own(client: Client, boss: User) -> None:
    give_one(boss)
    take_away(client, boss)
    assert devices.has_one(boss)


def test_nobody_else_takes_one_away(client: Client) -> None:
    anna = User.objects.create_user("anna", password=PASSWORD)
    give_one(anna)
    client.force_login(make_user())
    take_away(client, anna)
    assert devices.has_one(anna)


def test_keys_are_no_part_of_the_admin(client: Client, boss: User) -> None:
    page = client.get(reverse("admin:index")).content
    assert b"/admin/otp_" not in page
