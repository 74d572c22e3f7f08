"""The layer of files: what an installation edits, in ``config/<environment>/``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from django.utils.translation import gettext_noop as _

from config.layers import ConfigurationError, Given, Layer, Problem
from config.yaml_layer import MAX_FILE_BYTES, read_yaml

MAIN: Final = "dual_strategy_deployment.yaml"
MORE: Final = "conf.d"
# what is known of each file without reading it: another signature means another content
Signature = tuple[tuple[str, int, int, int], ...]


def settings_files(folder: Path) -> list[Path]:
    """Return the files of an environment that are there: the main one, then more by name."""
    more = sorted(path for path in (folder / MORE).glob("*.yaml") if not path.name.startswith("."))
    return [path for path in (folder / MAIN, *more) if path.is_file()]


def signature(folder: Path) -> Signature:
    """Return a value that changes with any file of an environment."""
    found = []
    for path in settings_files(folder):
        try:
            status = path.stat()
        except FileNotFoundError:  # replaced just now; it is seen at the next look
            continue
        found.append((path.name, status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def read_files(folder: Path, *, needed: bool) -> Layer:
    """Return what the files of an environment give; a later file wins.

    ``needed``: the main file must be there.  Raises ConfigurationError with what is wrong in all
    of them.
    """
    paths = settings_files(folder)
    if needed and not (folder / MAIN).is_file():
        sentence = _(
            "the file is missing; put it back, or one that holds {} for no settings at all."
        )
        raise ConfigurationError([Problem(str(folder / MAIN), sentence)])
    layers: list[Layer] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            layers.append(read_file(path, shown=str(path.relative_to(folder))))
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return merged(layers)


def read_file(path: Path, shown: str) -> Layer:
    """Return what one file gives; raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)  # one byte too many is enough to refuse it
    except OSError as error:
        sentence = _("cannot be read: %(problem)s.") % {"problem": error.strerror}
        raise ConfigurationError([Problem(shown, sentence)]) from None
    return read_yaml(data, shown)


def merged(layers: Iterable[Layer]) -> Layer:
    """Return layers on top of each other; later ones win, key by key."""
    found: dict[str, dict[str, Given]] = {}
    for layer in layers:
        for section, given in layer.items():
            found.setdefault(section, {}).update(given)
    return found
