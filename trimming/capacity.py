"""How many workers there are."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from config.current import processes

# the kind of their processes, as they sign
WORKER: Final = "worker"


def workers() -> int:
    """Return how many workers there are: on this machine, or on all that share the database.

    Where none has given a sign yet, as many as this machine is to have.
    """
    here: int = settings.Q_CLUSTER["workers"]
    if settings.INSTALLATION.is_alone:
        return here
    return sum(process.kind == WORKER for process in processes()) or here
