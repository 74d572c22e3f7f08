"""The audit log and the versions of the configuration in the admin, and users and groups.

Their widgets need no loose policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import ManyToManyField
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.admin_rows import AnyAdmin, ReadOnlyAdmin, moment, pretty_json, stored
from config.languages.told import listed, told
from config.models import AuditEvent, ConfigVersion
from config.roles import ROLES

AT = moment("at", _("time"))
REASON = stored("reason", _("reason"))
USUAL_PERMISSIONS: Final = {
    "add": _("Can add %(model)s"),
    "change": _("Can change %(model)s"),
    "delete": _("Can delete %(model)s"),
    "view": _("Can view %(model)s"),
}


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who did what, when, from where."""

    list_display = (AT, "actor_name", "action", "target_kind", "target_id", "address")
    list_filter = ("action", "target_kind", "at")
    search_fields = ("=target_id", "actor_name", "action", "=request_id", "=address")
    search_help_text = _("Id of the target or the request, name, action or address")
    date_hierarchy = "at"
    rows = (
        (AT, "actor_name", "address"),
        ("action", "target_kind", "target_id"),
        "request_id",
        "details_text",
    )

    @admin.display(description=_("details"))
    def details_text(self, event: AuditEvent) -> SafeString | str:
        """Show the details; they never hold payload or secrets."""
        return pretty_json(event.details)


@admin.register(ConfigVersion)
class ConfigVersionAdmin(ReadOnlyAdmin):
    """Versions of the configuration; they are made and restored on the page Configuration."""

    list_display = ("number", AT, "author_name", "kind", REASON)
    list_filter = ("kind", "at")
    search_fields = ("=number", "author_name", "reason")
    search_help_text = _("Number, name or reason")
    date_hierarchy = "at"
    rows = (
        ("number", AT, "author_name"),
        ("kind", REASON),
        "changes_text",
        "files_text",
        "console_text",
    )

    @admin.display(description=_("changes"))
    def changes_text(self, version: ConfigVersion) -> SafeString | str:
        """Show what it changed."""
        return pretty_json(version.changes)

    @admin.display(description=_("from files"))
    def files_text(self, version: ConfigVersion) -> SafeString | str:
        """Show what the files gave."""
        return pretty_json(version.files)

    @admin.display(description=_("from the console"))
    def console_text(self, version: ConfigVersion) -> SafeString | str:
        """Show what the console gave."""
        return pretty_json(version.console)


if TYPE_CHECKING:
    AnyChoices = forms.ModelMultipleChoiceField[Permission]
else:
    AnyChoices = forms.ModelMultipleChoiceField  # generic for the type checker only


class PermissionChoices(AnyChoices):
    """Permissions, each in the language of the reader."""

    def label_from_instance(self, obj: Any) -> str:
        """Name it behind the app and the model that it is about."""
        return f"{obj.content_type} | {permission_name(obj)}"


def permission_name(permission: Permission) -> str:
    """Return the name of a permission; Django stores those that every model has in English."""
    model = permission.content_type
    action = permission.codename.removesuffix(f"_{model.model}")
    if action in USUAL_PERMISSIONS:
        return str(USUAL_PERMISSIONS[action]) % {"model": model.name}
    return told(permission.name)


class PermissionsAsBoxes(AnyAdmin):
    """Boxes to tick instead of two lists that a script fills."""

    filter_horizontal = ()

    def formfield_for_manytomany(
        self,
        db_field: ManyToManyField[Any, Any],
        request: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Show permissions and groups as boxes; the roles' permissions come from the code."""
        kwargs["widget"] = forms.CheckboxSelectMultiple
        if db_field.related_model is Permission:
            kwargs["queryset"] = Permission.objects.select_related("content_type")
            kwargs["form_class"] = PermissionChoices
        return super().formfield_for_manytomany(db_field, request, **kwargs)


if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:
    AnyUserAdmin = UserAdmin  # generic for the type checker only

LAST_LOGIN: Any = moment("last_login", _("last sign-in"))
JOINED: Any = moment("date_joined", _("made"))

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class ConsoleUserAdmin(PermissionsAsBoxes, AnyUserAdmin):
    """Users.  Times are shown, not edited; history keeps people from being deleted."""

    readonly_fields = (LAST_LOGIN, JOINED)
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": (("first_name", "last_name", "email"),)}),
        (
            _("Permissions"),
            {"fields": (("is_active", "is_staff", "is_superuser"), "groups", "user_permissions")},
        ),
        (_("Important dates"), {"fields": ((LAST_LOGIN, JOINED),)}),
    )
    list_display: Any = ("username", "role_names", "is_active", "is_staff", LAST_LOGIN)
    list_filter = ("groups", "is_active", "is_staff", "is_superuser")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Bring the groups along."""
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description=_("roles"))
    def role_names(self, user: User) -> str:
        """Show the roles."""
        return listed(sorted(group.name for group in user.groups.all()))


@admin.register(Group)
class ConsoleGroupAdmin(PermissionsAsBoxes, GroupAdmin):
    """Groups: the four roles, and what an installation adds.  Roles keep their name and stay."""

    actions = None

    def get_readonly_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """Keep the names of the roles: the code grants by them."""
        return ("name",) if _is_role(obj) else ()

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Refuse for roles."""
        return not _is_role(obj) and super().has_delete_permission(request, obj)


def _is_role(group: Group | None) -> bool:
    return group is not None and group.name in ROLES
