"""Versions: what is published is in force as a whole, and can be restored."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import versions as engine
from config.choices import VersionKind
from config.layers import ConfigurationError, Given, Layer
from config.models import AppendOnlyError, AuditEvent, ConfigVersion
from config.versions import (
    ConflictError,
    console_as_in,
    effective,
    newest_number,
    newest_version,
    publish,
    resolved,
    restore,
    restored,
    stored,
)
from tests.config.kettles import Kettle, kettles

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _kettles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "registry", kettles())


def layer(**values: object) -> Layer:
    return {"kettle": {key: Given(value, "here, line 3") for key, value in values.items()}}


def console(base: ConfigVersion | None, **values: object) -> ConfigVersion:
    return publish(base, kind=VersionKind.CONSOLE, reason="tea", console=layer(**values))


def test_before_the_first_version_the_defaults_are_in_force() -> None:
    assert (newest_version(), newest_number()) == (None, 0)
    assert effective(None, {}).of(Kettle) == Kettle()


def test_a_version_tells_who_when_why_and_what_changed() -> None:
    person = User.objects.create_user("ada")
    first = publish(None, kind=VersionKind.FILES, reason="the files", files=layer(cups=3))
    second = publish(
        first, kind=VersionKind.CONSOLE, reason="guests", console=layer(cups=4), actor=person
    )
    assert (first.number, first.author_name, first.author) == (1, "system", None)
    assert (second.number, second.author_name, second.author) == (2, "ada", person)
    assert second.reason == "guests"
    assert second.changes == [{"section": "kettle", "key": "cups", "before": 3, "after": 4}]
    assert newest_version() == second
    found = effective(second, {})
    assert (found.version, found.of(Kettle).cups) == (2, 4)
    assert found.origin("kettle", "cups").layer == "console"


def test_a_version_stands_in_the_audit_log() -> None:
    console(None, cups=3)
    event = AuditEvent.objects.get(action="configuration_changed")
    assert event.target_id == "1"
    assert event.details == {"kind": "console", "reason": "tea", "settings": ["kettle.cups"]}


def test_the_layer_that_is_not_given_stays_as_it_was() -> None:
    first = publish(None, kind=VersionKind.FILES, reason="", files=layer(cups=3))
    second = console(first, label="coffee")
    third = publish(second, kind=VersionKind.FILES, reason="", files=layer(cups=4))
    found = effective(third, {}).of(Kettle)
    assert (found.cups, found.label) == (4, "coffee")


def test_what_is_not_valid_as_a_whole_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = console(None, cups=3)
    monkeypatch.setenv("PKTMASK_KETTLE__BOIL_SECONDS", "500")
    for values in ({"cups": 0}, {"cups": 9}, {"pots": 1}):
        with pytest.raises(ConfigurationError):
            console(first, **values)
    kitchen: Layer = {"kitchen": {"patience_seconds": Given(400, "console")}}
    with pytest.raises(ConfigurationError, match="PKTMASK_KETTLE__BOIL_SECONDS"):
        publish(first, kind=VersionKind.CONSOLE, reason="", console=kitchen)
    assert newest_version() == first
    assert AuditEvent.objects.count() == 1


def test_of_two_changes_for_the_same_version_the_second_is_refused_and_told_the_newest() -> None:
    first = console(None, cups=3)
    second = console(first, cups=4)
    with pytest.raises(ConflictError) as found:
        console(first, label="coffee")
    assert found.value.newest == second
    with pytest.raises(ConflictError):
        console(None, cups=1)
    assert newest_version() == second
    assert AuditEvent.objects.count() == 2


def test_versions_are_never_changed_and_never_deleted() -> None:
    first = console(None, cups=3)
    first.reason = "another"
    with pytest.raises(AppendOnlyError):
        first.save()
    with pytest.raises(AppendOnlyError):
        first.delete()
    with pytest.raises(AppendOnlyError):
        ConfigVersion.objects.all().delete()
    with pytest.raises(AppendOnlyError):
        ConfigVersion.objects.update(reason="")


def test_restoring_brings_back_what_was_in_force_then() -> None:
    first = console(None, cups=3, label="old")
    second = console(first, size="large")
    third = restore(first, second, reason="too large")
    assert third.kind == VersionKind.RESTORE
    assert {(c["key"], c["before"], c["after"]) for c in third.changes} == {
        ("label", "tea", "old"),
        ("cups", 2, 3),
        ("size", "large", "small"),
    }
    assert effective(third, {}).of(Kettle) == effective(first, {}).of(Kettle)


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "cups": st.integers(1, 4),
        "label": st.sampled_from(["tea", "coffee", "milk"]),
        "size": st.sampled_from(["small", "large"]),
    },
)


def row(number: int, files: dict[str, Any], console: dict[str, Any]) -> ConfigVersion:
    return ConfigVersion(
        number=number, files=stored(layer(**files)), console=stored(layer(**console))
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES, VALUES, VALUES, VALUES)
def test_a_restored_state_is_that_of_its_version_whatever_the_files_give_now(
    files: dict[str, Any],
    then: dict[str, Any],
    other_files: dict[str, Any],
    now: dict[str, Any],
) -> None:
    target, newest = row(1, files, then), row(2, other_files, now)
    console = console_as_in(target, newest, {})
    found = resolved(restored(newest.files), console, 3, {})
    assert found.of(Kettle) == effective(target, {}).of(Kettle)


def test_restoring_does_not_override_the_environment_unless_the_console_did_then() -> None:
    target, newest = row(1, {"cups": 3, "label": "a"}, {}), row(2, {"cups": 4, "label": "b"}, {})
    fixed = layer(cups=1)
    assert set(console_as_in(target, newest, fixed)["kettle"]) == {"label"}
    target = row(1, {}, {"cups": 3})
    assert console_as_in(target, newest, fixed)["kettle"]["cups"].value == 3


def test_the_environment_is_no_difference_between_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PKTMASK_KETTLE__CUPS", "1")
    first = publish(None, kind=VersionKind.FILES, reason="", files=layer(cups=3))
    assert [(change["before"], change["after"]) for change in first.changes] == [(2, 3)]
    assert effective(first).of(Kettle).cups == 1


def test_a_version_that_does_not_fit_the_environment_here_can_be_mended_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kitchen: Layer = {"kitchen": {"patience_seconds": Given(400, "file")}}
    first = publish(None, kind=VersionKind.FILES, reason="", files=kitchen)
    monkeypatch.setenv("PKTMASK_KETTLE__BOIL_SECONDS", "500")
    with pytest.raises(ConfigurationError):
        effective(first)
    assert publish(first, kind=VersionKind.FILES, reason="", files={}).number == 2


def test_layers_come_back_from_a_row_as_they_were() -> None:
    given_layer = layer(cups=3, boil_seconds=1.5, is_on=True)
    assert restored(stored(given_layer)) == given_layer
    assert stored({"kettle": {}}) == {}
