"""Two versions can work on one database, so that machines are restarted one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from tests.pktmask_site.expanding import Effect, effect_of, faults

APPS = ("config", "migration", "monitoring", "pktmask_site", "trimming")
RELEASES: dict[str, dict[str, str]] = yaml.safe_load(
    Path(__file__).with_name("released_migrations.yaml").read_text(encoding="utf-8")
)
Named = tuple[str, str]


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    """All migrations, without a database."""
    return MigrationLoader(None)


def since(loader: MigrationLoader, released: dict[str, str]) -> list[Named]:
    """Return our migrations that came after a release."""
    shipped = {node for last in released.items() for node in loader.graph.forwards_plan(last)}
    return sorted(node for node in loader.graph.nodes if node[0] in APPS and node not in shipped)


def test_the_version_of_the_last_release_can_go_on_with_the_database_of_this_one(
    loader: MigrationLoader,
) -> None:
    *_, last = RELEASES.values()
    later = since(loader, last)
    found = [
        fault
        for node in later
        for fault in faults(
            loader.disk_migrations[node], loader.project_state(node, at_end=False), RELEASES
        )
    ]
    assert found == []


def test_what_came_after_the_baseline_is_looked_at(loader: MigrationLoader) -> None:
    assert ("trimming", "0007_turns") in since(loader, RELEASES["baseline"])
    assert ("trimming", "0006_rollouts") not in since(loader, RELEASES["baseline"])


def test_each_release_names_a_migration_of_each_app_and_none_goes_back(
    loader: MigrationLoader,
) -> None:
    ours = {name for name in APPS if name in settings.INSTALLED_APPS}
    before: set[Named] = set()
    for release, last in RELEASES.items():
        assert ours <= last.keys(), release
        shipped = {node for each in last.items() for node in loader.graph.forwards_plan(each)}
        assert before <= shipped, release
        before = shipped


# --- the rule itself, on migrations that are made up ----------------------------------------------


def state() -> ProjectState:
    """Return a state with one model."""
    found = ProjectState()
    fields: list[tuple[str, models.Field[Any, Any]]] = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", models.CharField(max_length=10)),
        ("note", models.TextField(null=True)),
        ("size", models.IntegerField(db_default=0)),
    ]
    found.add_model(ModelState("trimming", "Thing", fields))
    return found


def add(field: models.Field[Any, Any]) -> Operation:
    return operations.AddField("thing", "new", field)


def alter(name: str, field: models.Field[Any, Any]) -> Operation:
    return operations.AlterField("thing", name, field)


EXPAND = {
    "a table": operations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))]),
    "a field without a value": add(models.TextField(null=True)),
    "a field with a value of the database": add(models.IntegerField(db_default=7)),
    "many to many": add(models.ManyToManyField("trimming.Thing")),
    "an index": operations.AddIndex("thing", models.Index(fields=["name"], name="thing_name")),
    "permissions": operations.AlterModelOptions("thing", {"permissions": [("a", "b")]}),
    "words": alter("name", models.CharField("Name", max_length=10, help_text="x", blank=True)),
    "choices": alter("name", models.CharField(max_length=10, choices=[("a", "A")])),
    "a longer text": alter("name", models.CharField(max_length=20)),
    "no value needed": alter("name", models.CharField(max_length=10, null=True)),
    "a value of the database": alter("name", models.CharField(max_length=10, db_default="")),
}
DEPEND = {
    "a constraint": operations.AddConstraint(
        "thing", models.UniqueConstraint(fields=["name"], name="thing_name_is_unique")
    ),
    "changed rows": operations.RunPython(operations.RunPython.noop),
    "SQL": operations.RunSQL("SELECT 1"),
    "no index": operations.RemoveIndex("thing", "thing_name"),
}
CONTRACT = {
    "no field": operations.RemoveField("thing", "name"),
    "no table": operations.DeleteModel("Thing"),
    "another name of a field": operations.RenameField("thing", "name", "title"),
    "another name of a model": operations.RenameModel("Thing", "Other"),
    "another table": operations.AlterModelTable("thing", "things"),
    "no constraint": operations.RemoveConstraint("thing", "thing_name_is_unique"),
    "unique together": operations.AlterUniqueTogether("thing", {("name", "size")}),
    "a field that must be written": add(models.TextField(default="x")),
    "a field that each row has for itself": add(models.IntegerField(db_default=7, unique=True)),
    "a shorter text": alter("name", models.CharField(max_length=5)),
    "a text without an end that gets one": alter("note", models.CharField(max_length=9, null=True)),
    "a value needed": alter("note", models.TextField(default="")),
    "unique": alter("name", models.CharField(max_length=10, unique=True)),
    "another column": alter("name", models.CharField(max_length=10, db_column="title")),
    "another type": alter("size", models.BigIntegerField(db_default=0)),
    "no value of the database": alter("size", models.IntegerField(default=0)),
}


def migration(*given: Operation, **said: str) -> Migration:
    kind = type("Made", (Migration,), {"operations": list(given), **said})
    made: Migration = kind("0008_made_up", "trimming")
    return made


def wrong(*given: Operation, **said: str) -> list[str]:
    """Return the faults of a migration of one operation."""
    return list(faults(migration(*given, **said), state(), ["baseline", "1.0"]))


@pytest.mark.parametrize("what", EXPAND)
def test_what_only_adds_needs_no_word(what: str) -> None:
    assert effect_of(EXPAND[what], state(), "trimming") is Effect.EXPANDS
    assert wrong(EXPAND[what]) == []


@pytest.mark.parametrize("what", DEPEND)
def test_what_depends_on_the_version_before_says_why_it_is_compatible(what: str) -> None:
    assert effect_of(DEPEND[what], state(), "trimming") is Effect.DEPENDS


@pytest.mark.parametrize("what", CONTRACT)
def test_what_takes_away_names_the_release_that_stopped_using_it(what: str) -> None:
    assert effect_of(CONTRACT[what], state(), "trimming") is Effect.CONTRACTS


def test_a_word_that_is_missing_is_asked_for() -> None:
    (fault,) = wrong(DEPEND["SQL"])
    assert "trimming.0008_made_up: Raw SQL operation" in fault
    assert fault.endswith("say it in compatible_because")
    assert wrong(DEPEND["SQL"], compatible_because="It only reads.") == []
    (fault,) = wrong(CONTRACT["no field"], compatible_because="Nobody uses it.")
    assert "name in contracts the release" in fault
    assert wrong(CONTRACT["no field"], contracts="1.0") == []


def test_a_release_that_was_not_made_cannot_have_stopped_using_anything() -> None:
    (fault,) = wrong(CONTRACT["no field"], contracts="2.0")
    assert "2.0, which is no release" in fault


def test_operations_are_judged_by_what_those_before_them_left() -> None:
    longer, shorter = EXPAND["a longer text"], alter("name", models.CharField(max_length=15))
    assert wrong(shorter) == []
    assert len(wrong(longer, shorter)) == 1


def test_what_only_django_believes_does_not_count() -> None:
    parted = operations.SeparateDatabaseAndState(
        state_operations=[CONTRACT["no field"]], database_operations=[DEPEND["SQL"]]
    )
    (fault,) = wrong(parted)
    assert "Raw SQL" in fault


def test_an_operation_that_nobody_knows_takes_away() -> None:
    class Unknown(Operation):
        """Of somebody else."""

    assert effect_of(Unknown(), state(), "trimming") is Effect.CONTRACTS
