"""The settings that also count for commands without a database; see trimming.management.alone."""

from __future__ import annotations

# Strategies beside the built-in ones and those of installed packages: name to "module:Class".
TRIMMING_STRATEGIES: dict[str, str] = {}
