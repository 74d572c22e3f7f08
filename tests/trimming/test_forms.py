"""What can be chosen for an upload, and what the list is narrowed to."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from pytest_django import Settings

from config.roles import ADMINISTRATOR, OPERATOR, VIEWER
from tests.factories import make_user
from trimming.conf import trimming_settings
from trimming.forms import FilterForm, upload_choices
from trimming.listing import SORTS, Filter

TWO_STRATEGIES = {"scanning": "somewhere:Scanning"}


@pytest.mark.django_db
def test_an_uploader_chooses_among_the_profiles_that_are_offered() -> None:
    choices = upload_choices(make_user(OPERATOR))

    assert choices is not None
    assert [profile.name for profile in choices.profiles] == ["standard", "share_safe"]
    assert choices.max_bytes == trimming_settings().max_upload_bytes


@pytest.mark.django_db
def test_who_may_not_upload_has_nothing_to_choose() -> None:
    assert upload_choices(make_user(VIEWER)) is None
    assert upload_choices(AnonymousUser()) is None


@pytest.mark.django_db
def test_a_strategy_is_chosen_only_by_those_who_may(settings: Settings) -> None:
    settings.TRIMMING_STRATEGIES = TWO_STRATEGIES
    administrator = upload_choices(make_user(ADMINISTRATOR))
    operator = upload_choices(make_user(OPERATOR))

    assert administrator is not None
    assert administrator.strategies == ["legacy", "scanning"]
    assert operator is not None
    assert operator.strategies == []


@pytest.mark.django_db
def test_one_strategy_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trimming.forms.available", lambda extra: {"legacy": "somewhere:Legacy"})
    choices = upload_choices(make_user(ADMINISTRATOR))

    assert choices is not None
    assert choices.strategies == []


def test_a_filter_is_read_from_the_address() -> None:
    form = FilterForm({"q": "  edge ", "state": "failed", "since": "7d", "page": "3"})

    assert form.read() == Filter(state="failed", search="edge", since="7d")
    assert form.number() == 3


def test_each_order_that_is_offered_is_one_that_the_list_knows() -> None:
    field: Any = FilterForm().fields["sort"]
    offered = [value for value, _ in field.choices if value]
    assert {value.removeprefix("-") for value in offered} == set(SORTS)
    assert FilterForm({"sort": "-size"}).read() == Filter(sort="-size")


def test_what_is_not_understood_asks_for_nothing() -> None:
    form = FilterForm(
        {"q": "x" * 201, "state": "melted", "since": "1y", "sort": "owner", "page": "-2"}
    )

    assert form.read() == Filter()
    assert not form.read().narrows
    assert form.number() == 1
