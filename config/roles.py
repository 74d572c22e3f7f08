"""The four roles.  Each is a group; every app grants its own permissions to them.

An app keeps a table ``ROLE_PERMISSIONS`` and calls ``grant`` after each migrate, because Django
makes the permissions themselves only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

VIEWER: Final = "viewer"
OPERATOR: Final = "operator"
APPROVER: Final = "approver"
ADMINISTRATOR: Final = "administrator"
ROLES: Final = (VIEWER, OPERATOR, APPROVER, ADMINISTRATOR)

# what each role may do in this app
LOOK: Final = ("view_configversion",)
ROLE_PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    VIEWER: LOOK,
    OPERATOR: LOOK,
    APPROVER: LOOK,
    ADMINISTRATOR: (*LOOK, "change_configuration", "view_auditevent"),
}


def grant(app_label: str, table: Mapping[str, Iterable[str]]) -> None:
    """Give each role the permissions that ``table`` lists (role to codenames of the app)."""
    from django.contrib.auth.models import Group, Permission

    for role, codenames in table.items():
        group, _ = Group.objects.get_or_create(name=role)
        wanted = set(codenames)
        found = list(
            Permission.objects.filter(content_type__app_label=app_label, codename__in=wanted)
        )
        missing = wanted - {permission.codename for permission in found}
        if missing:
            raise LookupError(f"{app_label} has no permission {', '.join(sorted(missing))}")
        group.permissions.add(*found)
