"""Kinds of news that other apps add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from monitoring.live.items import newest_news, shown
from monitoring.live.kinds import Kind, Kinds, kinds
from monitoring.live.topics import SERVICE_GROUP, audiences
from monitoring.models import LiveUpdate
from monitoring.receivers import publish_kind

pytestmark = pytest.mark.django_db


def in_words(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {**figures, "word": f"{figures['n']} apples"}


@pytest.fixture
def _apples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", {"apples": Kind(lambda: {"n": 3}, in_words)})


@pytest.mark.usefixtures("_apples")
class TestAKind:
    def test_a_page_hears_of_it_when_it_subscribes(self) -> None:
        assert newest_news()[-1] == {"key": "apples", "at": "", "figures": {"n": 3}}

    def test_it_is_shown_in_its_own_words(self) -> None:
        assert shown(newest_news()[-1]) == {
            "key": "apples",
            "at": "",
            "figures": {"n": 3, "word": "3 apples"},
        }

    def test_what_is_told_of_it_goes_to_everybody_who_is_signed_in(self) -> None:
        publish_kind("apples")
        update = LiveUpdate.objects.get()
        assert update.body == {"key": "apples", "at": "", "figures": {"n": 3}}
        assert audiences(update.topic, update.body) == ((SERVICE_GROUP, "service"),)


class TestWhatGoesWrong:
    def test_one_that_fails_keeps_nothing_from_the_others(self) -> None:
        own = Kinds()

        def fails() -> dict[str, Any]:
            raise RuntimeError

        own.register("pears", Kind(fails, dict))
        own.register("apples", Kind(lambda: {"n": 3}, dict))
        assert list(own.newest()) == [("apples", {"n": 3})]

    def test_where_there_is_nothing_nothing_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(kinds, "_kinds", {"apples": Kind(lambda: None, dict)})
        assert [each["key"] for each in newest_news()] == ["strip"]
        publish_kind("apples")
        assert not LiveUpdate.objects.exists()

    def test_news_that_are_lost_undo_nothing(self) -> None:
        publish_kind("of_tomorrow")
        assert not LiveUpdate.objects.exists()

    def test_one_of_another_version_of_this_program_is_passed_on_as_it_is(self) -> None:
        assert Kinds().in_words("of_tomorrow", {"n": 3}) == {"n": 3}
