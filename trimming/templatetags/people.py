"""Filters about people."""

from __future__ import annotations

from django import template
from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext_lazy as _

from config.languages.told import listed
from config.roles import ADMINISTRATOR, APPROVER, OPERATOR, VIEWER

register = template.Library()

LABELS = {
    ADMINISTRATOR: _("administrator"),
    APPROVER: _("approver"),
    OPERATOR: _("operator"),
    VIEWER: _("viewer"),
}


@register.filter
def role(user: User | AnonymousUser) -> str:
    """Show the roles of ``user``, the most powerful first; empty when there is none."""
    if user.is_superuser:
        return str(LABELS[ADMINISTRATOR])
    held = set(user.groups.values_list("name", flat=True))
    return listed(label for name, label in LABELS.items() if name in held)
