"""Sign-ins and sign-outs go into the audit log; roles are brought up to date after a migrate."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import post_migrate
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.module_loading import module_has_submodule

from config.audit import record
from config.roles import grant


@receiver(user_logged_in)
def note_login(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    """Record who signed in."""
    record("sign_in", request=request, actor=user)


@receiver(user_logged_out)
def note_logout(request: HttpRequest, user: AbstractBaseUser | None, **_: Any) -> None:
    """Record who signed out."""
    if user is not None:
        record("sign_out", request=request, actor=user)


@receiver(user_login_failed)
def note_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Record a refused sign-in.  The name is not kept: people type passwords into that field."""
    if request is not None:
        record("sign_in_refused", request=request)


@receiver(post_migrate)
def grant_permissions(app_config: AppConfig, plan: Any = None, **_: Any) -> None:
    """Grant what the app's module ``roles`` lists, unless the database goes backwards."""
    backwards = any(is_backwards for _, is_backwards in plan or ())
    if not backwards and module_has_submodule(app_config.module, "roles"):
        roles = import_module(f"{app_config.name}.roles")
        grant(app_config.label, roles.ROLE_PERMISSIONS)
