"""What restoring a version would do."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from config.comparison import Difference, compared
from config.environment import environment_layer
from config.in_force import InForce
from config.layers import ConfigurationError, Problem
from config.models import ConfigVersion
from config.sections import registry
from config.versions import console_as_in


@dataclass(frozen=True, slots=True)
class Restoration:
    """What would change; ``problems`` where it cannot be done."""

    differences: Sequence[Difference] = ()
    problems: Sequence[Problem] = ()


def restoration(target: ConfigVersion, found: InForce) -> Restoration:
    """Return what would change if ``target`` were restored on what is in force."""
    if found.newest is None or found.newest.number == target.number:
        return Restoration()
    try:
        fixed = environment_layer(registry, os.environ)
        after = found.with_console(console_as_in(target, found.newest, fixed))
    except ConfigurationError as error:
        return Restoration(problems=error.problems)
    return Restoration(compared(found.configuration, after))
