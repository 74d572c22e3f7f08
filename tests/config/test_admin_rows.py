"""What the admins of all apps share."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from config.admin_rows import chip, link_to, moment, pretty_json, stored
from config.audit import record
from config.models import ConfigVersion


def test_columns_escape_what_they_show() -> None:
    user = User(pk=1, username="<b>")
    assert "<b>" not in link_to(user)
    assert link_to(None) == ""
    assert 'title="' + "x" * 60 + '"' in link_to(user, "x" * 60)
    assert "x" * 47 + "…</a>" in link_to(user, "x" * 60)
    assert "<b>" not in pretty_json({"a": "<b>"})
    assert "<b>" not in chip(("ok", "ok"), "<b>")
    assert moment("last_login", "x")(user) == ""


def test_what_was_stored_is_shown_in_the_language_of_the_page() -> None:
    version = ConfigVersion(reason="Nothing is wrong.")
    with translation.override("zh-hans"):
        assert stored("reason", "x")(version) == "没有异常。"


@pytest.mark.django_db
def test_times_carry_the_exact_utc() -> None:
    event = record("cancel")
    assert f'title="{event.at:%Y-%m-%d %H:%M:%S} UTC"' in moment("at", "x")(event)
