"""Tokens end with the password that they were made behind, and with the account."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.utils import timezone

from pktmask_site.api.models import ApiToken
from pktmask_site.api.tokens import revoke

# set on a person whose tokens are to outlast a new password
KEEPS: Final = "keeps_tokens"


@receiver(post_save, sender=User)
def end_tokens(instance: User, *, created: bool = False, **_: Any) -> None:
    """Revoke all tokens of somebody who was deactivated, or who has a new password.

    Wherever that was done: on a page, in the admin, or by a command.  A password that is only kept
    in another form is not a new one: Django does not hold it in clear then.
    """
    is_new = getattr(instance, "_password", None) is not None and not getattr(
        instance, KEEPS, False
    )
    if not created and (is_new or not instance.is_active):
        revoke(ApiToken.objects.filter(user=instance), timezone.now())
