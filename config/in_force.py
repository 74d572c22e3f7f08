"""What the pages begin with: the newest version, and what is in force here under it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from config.current import current
from config.environment import environment_layer
from config.layers import Configuration, ConfigurationError, Layer, LayerName, Problem
from config.models import ConfigVersion
from config.sections import registry
from config.versions import effective, layers_of, newest_version, resolved


@dataclass(frozen=True, slots=True)
class InForce:
    """The newest version (None before the first) and the configuration that counts here.

    ``problems``: why the newest one does not fit the environment of this process.
    """

    newest: ConfigVersion | None
    configuration: Configuration
    problems: Sequence[Problem] = ()

    @property
    def number(self) -> int:
        """The number of the newest version, 0 before the first."""
        return 0 if self.newest is None else self.newest.number

    @property
    def files(self) -> Layer:
        """What the files give."""
        return layers_of(self.newest)[0]

    @property
    def console(self) -> Layer:
        """What the console gives."""
        return layers_of(self.newest)[1]

    @property
    def beneath(self) -> list[tuple[LayerName, Layer]]:
        """The layers under the console, the lowest first."""
        environment = environment_layer(registry, os.environ)
        return [("file", self.files), ("environment", environment)]

    def with_console(self, console: Layer) -> Configuration:
        """Return what the next version would put in force; raises ConfigurationError."""
        return resolved(self.files, console, self.number + 1)


def in_force() -> InForce:
    """Read what is in force, from the newest version itself: this process may not have it yet."""
    newest = newest_version()
    try:
        return InForce(newest, effective(newest))
    except ConfigurationError as error:
        return InForce(newest, current(), error.problems)
