"""Rows of the admin that tell of captures: those of others are for who may see all captures."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from config.admin_rows import ReadOnlyAdmin
from trimming.listing import sees_owners


class OwnedRows(ReadOnlyAdmin):
    """Rows that are somebody's.  ``owner_lookup`` leads from a row to its owner."""

    owner_lookup: str

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Leave out what is not for this person: to them there is no such row."""
        found = super().get_queryset(request)
        if sees_owners(request.user):
            return found
        return found.filter(**{self.owner_lookup: request.user.pk})
