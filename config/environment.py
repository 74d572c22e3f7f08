"""The layer of environment variables: ``PKTMASK_<SECTION>__<KEY>``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext_noop as _

from config.layers import ConfigurationError, Given, Layer, Problem, closest, meant
from config.sections import Registry
from config.yaml_layer import plain_value

PREFIX: Final = "PKTMASK_"
BETWEEN: Final = "__"
LISTED: Final = _("`manage.py show_config` lists all settings.")


def variable(section: str, key: str) -> str:
    """Return the name of the variable of a setting."""
    return f"{PREFIX}{section.upper()}{BETWEEN}{key.upper()}"


def environment_layer(registry: Registry, environ: Mapping[str, str]) -> Layer:
    """Return what the environment gives; raises ConfigurationError for a variable of no setting."""
    known = {
        variable(section, key): (section, key, field)
        for section, kind in registry.sections.items()
        for key, field in kind.model_fields.items()
    }
    found: dict[str, dict[str, Given]] = {}
    problems: list[Problem] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or BETWEEN not in name:
            continue
        if name not in known:
            # what all names begin with would make any two of them alike
            close = closest(name.removeprefix(PREFIX), [k.removeprefix(PREFIX) for k in known])
            hint = meant(f"{PREFIX}{close}") if close else LISTED
            sentence = _("there is no such setting.")
            problems.append(Problem(name, f"{sentence} {hint}"))
            continue
        section, key, field = known[name]
        # a text may look like a number
        value = text if field.annotation is str else plain_value(text)
        found.setdefault(section, {})[key] = Given(value, name)
    if problems:
        raise ConfigurationError(problems)
    return found
