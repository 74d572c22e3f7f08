"""The tour: shown until somebody ends it, to each person by themselves."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from config.roles import VIEWER
from pktmask_site.tour.models import TourEnd
from pktmask_site.tour.steps import STEPS
from tests.factories import make_user

pytestmark = pytest.mark.django_db
LIST = reverse("trimming:captures")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client) -> str:
    return client.get(LIST).content.decode()


def test_it_is_shown_until_it_is_ended_and_can_be_taken_again() -> None:
    user = make_user()
    client = client_of(user)
    shown = page(client)
    assert shown.count("data-tour-step=") == len(STEPS) == 4
    assert "Give it a capture" in shown
    assert client.post(reverse("tour:end"))["Location"] == LIST
    assert client.post(reverse("tour:end")).status_code == 302
    assert "data-tour" not in page(client)
    assert "data-tour" in page(client_of(make_user()))
    assert "data-tour" not in page(client_of(user))
    assert client.post(reverse("tour:again"))["Location"] == LIST
    assert "data-tour" in page(client)


def test_each_step_points_at_something_on_the_page() -> None:
    """But the row of a capture, which an empty list lacks."""
    shown = page(client_of(make_user()))
    for step in STEPS:
        name = re.sub(r"[\[\].]", "", step.place.partition(" ")[0])
        assert re.search(rf'(<[^>]* {name}[ >=]|class="{name}")', shown), step.place


def test_it_leads_to_the_demo() -> None:
    user = make_user(VIEWER)
    client = client_of(user)
    assert reverse("demo:page") in page(client)
    client.post(reverse("tour:end"))
    assert str(TourEnd.objects.get()) == str(user.pk)
