"""What must be true of an installation before anything is started, with stable ids."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from trimming.conf import trimming_settings
from trimming.engine.strategies.registry import available


@register
def check_installation(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Find a data folder that cannot be used, a missing secret key, and a strategy that is none."""
    found: list[CheckMessage] = []
    if not os.access(settings.FILE_UPLOAD_TEMP_DIR, os.W_OK):
        found.append(
            Error(
                f"The data folder {settings.DATA_DIR} cannot be written.",
                hint="Name a folder that this user may write in PKTMASK_DATA_DIR.",
                id="pktmask.E001",
            )
        )
    if not settings.INSTALLATION.secret_key:
        found.append(
            Error(
                "There is no secret key, and none could be made in the data folder.",
                hint="Set PKTMASK_SECRET_KEY, or name a readable file in PKTMASK_SECRET_KEY_FILE.",
                id="pktmask.E002",
            )
        )
    known = available(settings.TRIMMING_STRATEGIES)
    if (name := trimming_settings().strategy) not in known:
        found.append(
            Error(
                f"The strategy of jobs, {name!r}, is not known.",
                hint=f"Set PKTMASK_TRIMMING__STRATEGY to one of: {', '.join(sorted(known))}.",
                id="pktmask.E003",
            )
        )
    return found
