"""Profiles by name or from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from trimming.engine.errors import OptionsError
from trimming.engine.options import TrimOptions, built_in_profile, profile_from_mapping
from trimming.engine.words import gettext_noop

MAX_PROFILE_BYTES = 1 << 20
MAX_DEPTH = 20
TOO_DEEP = gettext_noop("lists and tables are nested more than %(most)d deep")
YAML_ENDINGS = (".yaml", ".yml")


def refuse_bombs(text: str) -> None:
    """Raise MarkedYAMLError, at its line, where YAML would take much time or memory to read.

    A few nested aliases would become gigabytes in the text of an error, and the time of the scanner
    grows with the square of the depth.
    """
    depth = 0
    for event in yaml.parse(text):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            problem = gettext_noop("write repeated values out: aliases are not accepted")
        elif depth > MAX_DEPTH:
            problem = TOO_DEEP % {"most": MAX_DEPTH}
        else:
            continue
        mark: Any = event.start_mark
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def load_profile(name_or_file: str) -> TrimOptions:
    """Return a built-in profile, or the one that a YAML file describes.

    Raises OptionsError that names the file, and the line where there is one.
    """
    if not name_or_file.endswith(YAML_ENDINGS):
        return built_in_profile(name_or_file)
    path = Path(name_or_file)
    try:
        if path.stat().st_size > MAX_PROFILE_BYTES:
            raise OptionsError(f"{path}: a profile has at most {MAX_PROFILE_BYTES} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise OptionsError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise OptionsError(f"{path}: byte {error.start} is not UTF-8") from None
    try:
        refuse_bombs(text)
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise OptionsError(f"{path}: line {line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise OptionsError(f"{path}: is not YAML") from None
    if not isinstance(values, Mapping):
        raise OptionsError(f"{path}: expected a table of settings, found {type(values).__name__}")
    return profile_from_mapping({"name": path.stem, **values}, str(path))
