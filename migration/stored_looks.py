"""Reading the looks of an attempt for its charts: thinned, and without what charts do not show."""

from __future__ import annotations

from typing import Final

from django.db.models import F, Value, Window
from django.db.models.functions import Mod, RowNumber

from migration.evidence_charts import STEPS, Look, look_of
from migration.models import Attempt, Evaluation

# a situation is large: of it only the counts are read
COUNTS: Final = "situation__evidence__tally__steps"


def stored_looks(attempt: Attempt) -> list[Look]:
    """Return the looks of an attempt, oldest first, so many as a chart has steps: three queries.

    The newest one is always among them.
    """
    rows = Evaluation.objects.filter(attempt=attempt)
    stride = -(-rows.count() // STEPS) or 1
    # counted by the index alone, however many there are
    number = Window(RowNumber(), order_by=F("pk").desc())
    thinned = rows.order_by().annotate(number=number, rest=Mod(F("number") - 1, Value(stride)))
    chosen = list(thinned.filter(rest=0).values_list("pk", flat=True))
    found = Evaluation.objects.filter(pk__in=chosen).order_by("at", "pk")
    return [look_of(*row) for row in found.values_list("at", "results", COUNTS)]
