"""What there is of the treatment under one epoch."""

from __future__ import annotations

from django.db.models import Count, Q

from trimming.choices import RunOutcome
from trimming.models import TrimRun
from trimming.routing import TREATMENT


def counted(epoch: int) -> tuple[int, int]:
    """Return how much was decided for the treatment under an epoch, and how much published.

    One statement: a rollback waits for it.
    """
    found = TrimRun.objects.filter(strategy=TREATMENT, fence_epoch=epoch).aggregate(
        decided=Count("pk"), published=Count("pk", filter=Q(outcome=RunOutcome.DONE))
    )
    return found["decided"], found["published"]
