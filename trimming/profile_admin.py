"""Profiles in the admin: a change is a new version, checked by the engine before it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from config.admin_rows import moment, pretty_json
from config.audit import record
from config.languages.told import told
from trimming.engine.errors import OptionsError
from trimming.engine.options import PROFILES, profile_from_mapping
from trimming.models import Profile
from trimming.profile_files import refuse_bombs
from trimming.profiles import add_version

MAX_OPTIONS_CHARACTERS = 20_000
CREATED: Any = moment("created_at", _("made"))


if TYPE_CHECKING:
    ProfileModelForm = forms.ModelForm[Profile]
    ProfileModelAdmin = admin.ModelAdmin[Profile]
else:  # generic for the type checker only
    ProfileModelForm = forms.ModelForm
    ProfileModelAdmin = admin.ModelAdmin


class ProfileForm(ProfileModelForm):
    """A new version of an own profile."""

    name = forms.CharField(
        label=_("Name"),
        max_length=64,
        validators=[
            RegexValidator(
                r"\A[a-z][a-z0-9_-]*\Z",
                _("Use small letters, digits, - and _, and begin with a letter."),
            )
        ],
        help_text=_("A name that is there already gets its next version."),
    )
    options_text = forms.CharField(
        label=_("Options"),
        required=False,
        max_length=MAX_OPTIONS_CHARACTERS,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false", "class": "code"}),
        help_text=_("YAML or JSON, as in docs/profiles.md. Start from a profile with base."),
    )

    class Meta:
        """The rest of the row is made, not typed."""

        model = Profile
        fields = ("name", "description")

    def clean_name(self) -> str:
        """Refuse the names of the built-in profiles."""
        name = str(self.cleaned_data["name"])
        if name in PROFILES:
            raise ValidationError(_("This profile is built in. Choose another name."))
        return name

    def clean_options_text(self) -> dict[str, Any]:
        """Return the options as a table that the engine accepts."""
        text = str(self.cleaned_data["options_text"])
        try:
            refuse_bombs(text)
            values = yaml.safe_load(text) if text.strip() else {}
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ValidationError(
                _("Line %(line)d: %(problem)s."),
                params={"line": line, "problem": told(error.problem)},
            ) from None
        except (yaml.YAMLError, ValueError, RecursionError):
            raise ValidationError(_("This is neither YAML nor JSON.")) from None
        if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
            raise ValidationError(_("Expected a table of settings, as in “slice: true”."))
        if "name" in values:
            raise ValidationError(_("Leave name out: it has a field of its own."))
        try:
            profile_from_mapping(values, str(_("options")))
        except OptionsError as error:
            raise ValidationError(told(error)) from None
        return dict(values)


@admin.register(Profile)
class ProfileAdmin(ProfileModelAdmin):
    """Profiles: versions are added, never changed; only the offer can be switched."""

    list_display = ("name", "version", "is_offered", "is_built_in", "created_by", CREATED)
    list_filter = ("is_offered", "is_built_in", "name")
    search_fields = ("name", "description")
    list_select_related = ("created_by",)
    actions = None

    def get_form(
        self,
        request: HttpRequest,
        obj: Profile | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Return the form of a new version, or the one with the switch only."""
        if obj is None:
            return ProfileForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Profile | None = None) -> Any:
        """Return the fields of the form."""
        if obj is None:
            return [(None, {"fields": ["name", "description", "options_text"]})]
        rows = [("name", "version"), "description", "is_offered", "options_shown"]
        return [(None, {"fields": [*rows, ("is_built_in", "created_by", CREATED)]})]

    def get_readonly_fields(self, request: HttpRequest, obj: Profile | None = None) -> Any:
        """Return everything but the switch, once the row is there."""
        if obj is None:
            return ()
        return (
            "name",
            "version",
            "description",
            "options_shown",
            "is_built_in",
            "created_by",
            CREATED,
        )

    def has_change_permission(self, request: HttpRequest, obj: Profile | None = None) -> bool:
        """Who may add versions may switch the offer of all."""
        return request.user.has_perm("trimming.add_profile")

    def has_delete_permission(self, request: HttpRequest, obj: Profile | None = None) -> bool:
        """Refuse: jobs refer to profiles for ever."""
        return False

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: bool) -> None:
        """Add a version, or switch the offer; both go into the audit log."""
        if change:
            Profile.objects.filter(pk=obj.pk).update(is_offered=obj.is_offered)
            record("profile_offer", request=request, target=obj, is_offered=obj.is_offered)
            return
        data = form.cleaned_data
        made = add_version(
            data["name"],
            data["options_text"],
            data["description"],
            created_by_id=request.user.pk,
        )
        # the admin goes on with the object that it made itself
        obj.pk, obj.version, obj.created_at = made.pk, made.version, made.created_at
        obj.options = made.options
        obj._state.adding = False
        record("profile_add", request=request, target=made, name=made.name, version=made.version)

    @admin.display(description=_("options"))
    def options_shown(self, profile: Profile) -> SafeString | str:
        """Show the options as they are stored."""
        return pretty_json(profile.options)
