"""Limits to begin with: as set, strict, or those of a rehearsal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.files import read_files
from config.layers import ConfigurationError
from migration.conf import RolloutLimits


@dataclass(frozen=True, slots=True)
class Preset:
    """Changes of the limits in force, with a word and a sentence that explains them."""

    name: str
    label: Any
    help: Any
    changes: Mapping[str, Any]


STANDARD: Final = "standard"
# limits so short that a whole rollout takes minutes
REHEARSAL: Final = "config/demo"


@cache
def presets() -> tuple[Preset, ...]:
    """Return the presets; the first one changes nothing."""
    return (
        Preset(
            STANDARD,
            _("Standard"),
            _("The limits of the configuration, as they are."),
            {},
        ),
        Preset(
            "strict",
            _("Strict"),
            _(
                "One capture in 1,000 may differ, instead of one in 100: the proof needs about "
                "3,300 comparisons without a difference."
            ),
            {"mismatch_budget": 0.001},
        ),
        Preset(
            "rehearsal",
            _("Demo"),
            _("A rehearsal of about three minutes. So few captures prove little."),
            _rehearsal(),
        ),
    )


def _rehearsal() -> Mapping[str, Any]:
    """Return the limits of ``config/demo``; none where the installation has no such folder."""
    try:
        found = read_files(Path(settings.BASE_DIR) / REHEARSAL, needed=True)
    except ConfigurationError:
        return {}
    given = found.get(RolloutLimits.section, {})
    return {key: one.value for key, one in given.items() if key in RolloutLimits.model_fields}
