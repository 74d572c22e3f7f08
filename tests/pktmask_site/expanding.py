"""Whether the version before can go on with a database that a migration has changed.

A migration *expands*: it adds what the version before need not know.  What it cannot tell by itself
it says in ``compatible_because``, a sentence.  What the version before would miss goes in a later
release, and ``contracts`` names the one that has stopped using it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from enum import Enum
from typing import Any, Final

from django.db import models
from django.db.migrations import Migration, operations
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED


class Effect(Enum):
    """What an operation is to the version before."""

    EXPANDS = "expands"
    DEPENDS = "depends on what the version before does: say it in compatible_because"
    CONTRACTS = "takes something away: name in contracts the release that stopped using it"


# an operation that is in no row takes something away, for all that is known
EFFECTS: Final[dict[type[Operation], Effect]] = {
    operations.CreateModel: Effect.EXPANDS,
    operations.AddIndex: Effect.EXPANDS,
    operations.RenameIndex: Effect.EXPANDS,
    operations.AlterModelOptions: Effect.EXPANDS,
    operations.AlterModelManagers: Effect.EXPANDS,
    operations.AlterModelTableComment: Effect.EXPANDS,
    operations.RemoveIndex: Effect.DEPENDS,
    operations.AddConstraint: Effect.DEPENDS,
    operations.RunPython: Effect.DEPENDS,
    operations.RunSQL: Effect.DEPENDS,
}
# of an old and a new field: what only widens
WIDENS: Final = ("max_length", "null", "db_default")


def faults(migration: Migration, before: ProjectState, released: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with a migration, as sentences.

    ``before`` is the state that it finds; ``released`` are the releases that may be named.
    """
    because = getattr(migration, "compatible_because", "")
    contracts = getattr(migration, "contracts", "")
    if contracts and contracts not in released:
        yield f"{migration}: contracts names {contracts}, which is no release"
    state = before.clone()
    excuses = {Effect.EXPANDS: True, Effect.DEPENDS: because or contracts}
    for operation, effect in _effects(migration.operations, state, migration.app_label):
        if not excuses.get(effect, contracts):
            yield f"{migration}: {operation.describe()} {effect.value}"


def effect_of(operation: Operation, state: ProjectState, app: str) -> Effect:
    """Return what an operation is, in ``state``, to the version before."""
    if isinstance(operation, operations.AddField):
        return _of_new_field(operation.field)
    if isinstance(operation, operations.AlterField):
        old = state.models[app, operation.model_name_lower].fields[operation.name]
        return Effect.EXPANDS if _is_wider(old, operation.field) else Effect.CONTRACTS
    return EFFECTS.get(type(operation), Effect.CONTRACTS)


def _effects(
    given: Iterable[Operation], state: ProjectState, app: str
) -> Iterator[tuple[Operation, Effect]]:
    """Yield each operation with its effect, and change ``state`` as they do."""
    for operation in given:
        if isinstance(operation, operations.SeparateDatabaseAndState):
            yield from _effects(operation.database_operations, state.clone(), app)
        else:
            yield operation, effect_of(operation, state, app)
        operation.state_forwards(app, state)


def _of_new_field(field: Any) -> Effect:
    """Tell whether rows can be written without the field: the version before does not know it."""
    if field.many_to_many or field.null:
        return Effect.EXPANDS
    if field.db_default is NOT_PROVIDED:
        return Effect.CONTRACTS
    # the second row would have the same value
    return Effect.CONTRACTS if field.unique else Effect.EXPANDS


def _is_wider(old: Any, new: Any) -> bool:
    """Tell whether all that could be stored before can be stored, in the same column."""
    if type(old) is not type(new) or _to_database(old) != _to_database(new):
        return False
    is_longer = new.max_length is None or (old.max_length or 0) <= new.max_length
    loses_default = old.db_default is not NOT_PROVIDED and new.db_default != old.db_default
    return is_longer and (new.null or not old.null) and not loses_default


def _to_database(field: models.Field[Any, Any]) -> dict[str, Any]:
    """Return the arguments of a field that the database knows, but those that may widen."""
    # the name of the column is none of them to Django, which compares it by itself
    elsewhere = {*WIDENS, *field.non_db_attrs} - {"db_column"}
    arguments: dict[str, Any] = field.deconstruct()[3]
    return {
        name: value
        for name, value in arguments.items()
        if name not in elsewhere and name != "default"
    }
