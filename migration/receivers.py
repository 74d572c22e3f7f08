"""What happens to a rollout becomes news of the live feed, in whatever process it happens."""

from __future__ import annotations

from typing import Any, Final

from django.dispatch import receiver

from migration.badge import in_words, news_now
from migration.signals import approval_changed, decision_made, evaluation_kept
from monitoring.live.kinds import Kind, kinds
from monitoring.receivers import publish_kind

KIND: Final = "rollout"
kinds.register(KIND, Kind(newest=news_now, in_words=in_words))


@receiver([decision_made, approval_changed, evaluation_kept])
def tell(**_: Any) -> None:
    """Tell how the rollout stands now."""
    publish_kind(KIND)
