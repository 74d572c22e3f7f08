"""Marks: what was changed when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import override

from config.models import ConfigVersion
from monitoring.marks import Mark, Marks, marks
from tests.factories import make_user
from trimming.models import RoutingPolicy
from trimming.policy import Wish, emergency_rollback, publish
from trimming.routing_choices import Mode, Origin

pytestmark = pytest.mark.django_db


def found(user: Any = None) -> list[Mark]:
    now = timezone.now() + timedelta(minutes=1)
    return marks.between(now - timedelta(days=1), now, user or make_user())


def by_hand(mode: Mode, **values: Any) -> RoutingPolicy:
    return publish(Wish(mode, **values), origin=Origin.OPERATOR, reason="to try")


def test_changes_of_mode_and_share_are_marks_and_the_newest_is_first() -> None:
    by_hand(Mode.LEGACY)
    by_hand(Mode.AB_TEST, treatment_share=0.25)
    by_hand(Mode.AB_TEST, treatment_share=0.5)
    labels = [each.label for each in found() if each.address == "/routing/"]
    assert labels[:2] == ["50 % scanning", "25 % scanning"]


def test_what_a_chart_does_not_show_is_no_mark() -> None:
    by_hand(Mode.LEGACY)
    before = len(found())
    by_hand(Mode.LEGACY)
    assert len(found()) == before


def test_a_rollback_is_always_a_mark() -> None:
    by_hand(Mode.LEGACY)
    policy = emergency_rollback(reason="bodies were seen", request=None)
    newest = found()[0]
    assert newest.label == "rolled back"
    assert (newest.tone, newest.shape) == ("fail", "back")
    assert str(policy.version) in newest.title
    assert "bodies were seen" in newest.detail


def test_versions_of_the_configuration_are_marks() -> None:
    ConfigVersion.objects.create(
        number=900, at=timezone.now(), kind="edit", author_name="anna", reason="more workers"
    )
    mark = next(each for each in found() if "900" in each.title)
    assert mark.title == "Configuration 900 by anna"
    assert mark.detail == "more workers"
    assert mark.address == "/configuration/versions/900/"


def test_the_reason_of_a_version_is_said_in_the_language_of_the_page() -> None:
    ConfigVersion.objects.create(
        number=900, at=timezone.now(), kind="files", reason="the files in local/"
    )
    with override("zh-hans"):
        assert "local/ 中的文件" in [each.detail for each in found()]


def test_people_see_marks_of_what_they_may_see() -> None:
    by_hand(Mode.SCANNING)
    assert found()
    assert found(User.objects.create_user("nobody")) == []


def test_only_the_span_is_read_and_its_start_is_not_in_it() -> None:
    policy = by_hand(Mode.SCANNING)
    user = make_user()
    later = policy.at + timedelta(hours=1)
    assert all(each.at != policy.at for each in marks.between(policy.at, later, user))
    assert marks.between(policy.at - timedelta(seconds=1), later, user)


def test_other_apps_register_their_own() -> None:
    own = Marks()
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)

    @own.register
    def phases(start: datetime, end: datetime) -> list[Mark]:
        return [Mark(noon, "phase 2", "Phase 2 began"), Mark(end, "phase 3", "Phase 3 began")]

    labels = [each.label for each in own.between(noon, noon + timedelta(hours=1), None)]
    assert labels == ["phase 3", "phase 2"]
