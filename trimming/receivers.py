"""After each migrate the built-in profiles are brought up to date."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db.models.signals import post_migrate
from django.dispatch import receiver


@receiver(post_migrate, sender=apps.get_app_config("trimming"))
def bring_up_to_date(plan: Any = None, **_: Any) -> None:
    """Mirror the built-in profiles, unless the database goes backwards."""
    from trimming.profiles import mirror_built_in_profiles

    if not any(is_backwards for _, is_backwards in plan or ()):
        mirror_built_in_profiles()
