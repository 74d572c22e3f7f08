"""Versions of the configuration: reading the newest, publishing the next, restoring an earlier one.

A version is validated as a whole before it is written, and is in force once it is committed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from config.audit import SYSTEM, record
from config.choices import VersionKind
from config.environment import environment_layer
from config.layers import Configuration, Given, Layer, LayerName, resolve
from config.models import ConfigVersion
from config.sections import registry

EMPTY: Layer = {}
# where a value stands that an earlier version had
RESTORED: Final = _("restored from version %(number)d")

# what the files give, and what the console gives on top
Layers = tuple[Layer, Layer]


@dataclass(frozen=True, slots=True)
class Change:
    """A setting with another value than before."""

    section: str
    key: str
    before: object
    after: object


class ConflictError(Exception):
    """Somebody else published a version since the one that a change was made for."""

    def __init__(self, newest: ConfigVersion) -> None:
        super().__init__(f"version {newest.number} is newer")
        self.newest = newest


def newest_version() -> ConfigVersion | None:
    """Return the version in force; None before the first one."""
    return ConfigVersion.objects.order_by("-number").first()


def newest_number() -> int:
    """Return the number of the version in force, 0 before the first one."""
    found = ConfigVersion.objects.order_by("-number").values_list("number", flat=True).first()
    return found or 0


def stored(layer: Layer) -> dict[str, Any]:
    """Return a layer as it is kept in a row."""
    return {
        section: {key: {"value": one.value, "place": one.place} for key, one in given.items()}
        for section, given in layer.items()
        if given
    }


def restored(row: Mapping[str, Any]) -> Layer:
    """Return a layer that was kept in a row."""
    return {
        section: {key: Given(one["value"], one["place"]) for key, one in given.items()}
        for section, given in row.items()
    }


def effective(
    version: ConfigVersion | None, environ: Mapping[str, str] | None = None
) -> Configuration:
    """Return what is in force under a version, with this process's environment.

    Raises ConfigurationError when the two do not fit.
    """
    files, console = layers_of(version)
    return resolved(files, console, 0 if version is None else version.number, environ)


def resolved(
    files: Layer, console: Layer, number: int, environ: Mapping[str, str] | None = None
) -> Configuration:
    """Return what is in force under the given layers; raises ConfigurationError."""
    env = environment_layer(registry, os.environ if environ is None else environ)
    layers: list[tuple[LayerName, Layer]] = [
        ("file", files),
        ("environment", env),
        ("console", console),
    ]
    return resolve(registry, layers, number)


def publish(
    base: ConfigVersion | None,
    *,
    kind: VersionKind,
    reason: str,
    files: Layer | None = None,
    console: Layer | None = None,
    request: HttpRequest | None = None,
    actor: AbstractBaseUser | AnonymousUser | None = None,
) -> ConfigVersion:
    """Publish the version behind ``base`` with the given layers in place of its own.

    Raises ConfigurationError for a whole that is not valid, ConflictError when ``base`` is no
    longer the newest; nothing is changed then.
    """
    if request is not None and actor is None:
        actor = request.user
    old_files, old_console = layers_of(base)
    files = old_files if files is None else files
    console = old_console if console is None else console
    number = (0 if base is None else base.number) + 1
    resolved(files, console, number)
    changes = differences((old_files, old_console), (files, console))
    version = ConfigVersion(
        number=number,
        at=timezone.now(),
        kind=kind,
        author_id=None if actor is None else actor.pk,
        author_name=SYSTEM if actor is None else actor.get_username(),
        reason=reason,
        files=stored(files),
        console=stored(console),
        changes=[asdict(change) for change in changes],
    )
    try:
        with transaction.atomic():
            version.save()
            record(
                "configuration_changed",
                request=request,
                actor=actor,
                target=version,
                kind=kind.value,
                reason=reason,
                settings=[f"{change.section}.{change.key}" for change in changes],
            )
    except IntegrityError:
        newest = newest_version()
        if newest is None or newest.number < number:
            raise  # it was not the number
        raise ConflictError(newest) from None
    return version


def differences(before: Layers, after: Layers) -> list[Change]:
    """Return the settings with another value, in the order of the registry.

    The environment is left out: it is not the same in every process, and belongs to no version.
    """
    found = []
    for section, kind in registry.sections.items():
        for key, setting in kind.model_fields.items():
            old, new = (_value(layers, section, key, setting.default) for layers in (before, after))
            if old != new:
                found.append(Change(section, key, old, new))
    return found


def layers_of(version: ConfigVersion | None) -> Layers:
    """Return what the files and what the console gave in a version."""
    if version is None:
        return EMPTY, EMPTY
    return restored(version.files), restored(version.console)


def console_as_in(target: ConfigVersion, newest: ConfigVersion, fixed: Layer) -> Layer:
    """Return what the console must give so that ``target`` is in force again on the present files.

    What ``fixed`` gives - the environment - stays as it is, unless the console gave it then.
    """
    then_files, then_console = layers_of(target)
    now_files, _now_console = layers_of(newest)
    found: dict[str, dict[str, Given]] = {}
    for section, kind in registry.sections.items():
        for key, setting in kind.model_fields.items():
            given = then_console.get(section, {}).get(key)
            if given is None and key not in fixed.get(section, {}):
                then = _value((then_files, EMPTY), section, key, setting.default)
                if then != _value((now_files, EMPTY), section, key, setting.default):
                    given = Given(then, RESTORED % {"number": target.number})
            if given is not None:
                found.setdefault(section, {})[key] = given
    return found


def _value(layers: Layers, section: str, key: str, default: object) -> object:
    for layer in reversed(layers):
        given = layer.get(section, {}).get(key)
        if given is not None:
            return given.value
    return default


def restore(
    target: ConfigVersion, newest: ConfigVersion, *, reason: str, request: HttpRequest | None = None
) -> ConfigVersion:
    """Publish a version in which what ``target`` gave is in force again; raises as ``publish``."""
    fixed = environment_layer(registry, os.environ)
    return publish(
        newest,
        kind=VersionKind.RESTORE,
        reason=reason,
        console=console_as_in(target, newest, fixed),
        request=request,
    )
