"""Profiles by name or from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from trimming.engine.errors import OptionsError
from trimming.engine.options import TrimOptions, built_in_profile, profile_from_mapping

MAX_PROFILE_BYTES = 1 << 20
YAML_ENDINGS = (".yaml", ".yml")


def has_aliases(text: str) -> bool:
    """Tell whether YAML repeats values by name; raises YAMLError.

    A few nested ones would become gigabytes in the text of an error.
    """
    return any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text))


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
        if has_aliases(text):
            raise OptionsError(f"{path}: write repeated values out: aliases are not accepted")
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise OptionsError(f"{path}: line {line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise OptionsError(f"{path}: is not YAML") from None
    if not isinstance(values, Mapping):
        raise OptionsError(f"{path}: expected a table of settings, found {type(values).__name__}")
    return profile_from_mapping({"name": path.stem, **values}, str(path))
