"""The page API tokens: one's own, and for administrators those of others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pktmask_site.api.choices import Scope
from pktmask_site.api.models import ApiToken
from pktmask_site.api.token_forms import TokenForm, scopes_for
from pktmask_site.api.tokens import issue, revoke

MAY_LOOK: Final = "pktmask_site.view_apitoken"
MAY_REVOKE: Final = "pktmask_site.revoke_apitoken"
PAGE_SIZE: Final = 50
# what was asked for cannot be done; nothing was changed
REFUSED: Final = 422


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Show the page; a POST makes a token, which is shown on its answer and never again."""
    user = _person(request)
    if request.method != "POST":
        return _show(request, TokenForm(user))
    form = TokenForm(user, request.POST)
    if not form.is_valid():
        return _show(request, form, status=REFUSED)
    chosen, now = form.cleaned_data, timezone.now()
    text = issue(
        user,
        chosen["name"],
        [Scope(value) for value in chosen["scopes"]],
        timedelta(days=chosen["days"]),
        now,
        request,
    )
    return _show(request, TokenForm(user), made=text, made_name=chosen["name"])


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a token: one's own, or anybody's for administrators."""
    token = get_object_or_404(_reached_by(request), pk=pk)
    if revoke(ApiToken.objects.filter(pk=token.pk), timezone.now(), request):
        messages.success(request, _("%(name)s was revoked; it lets nobody in.") % {"name": token})
    else:
        messages.info(request, _("%(name)s was revoked already.") % {"name": token})
    return redirect("tokens:page")


def _reached_by(request: HttpRequest) -> QuerySet[ApiToken]:
    if request.user.has_perm(MAY_REVOKE):
        return ApiToken.objects.all()
    return ApiToken.objects.filter(user_id=_person(request).pk)


def _person(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # nobody else is let in
    return request.user


def _show(
    request: HttpRequest, form: TokenForm, *, made: str = "", made_name: str = "", status: int = 200
) -> HttpResponse:
    now, user = timezone.now(), _person(request)
    rows = ApiToken.objects.select_related("user")
    others = rows.exclude(user_id=user.pk) if user.has_perm(MAY_LOOK) else None
    context: dict[str, Any] = {
        "form": form,
        "scopes": scopes_for(user),
        "made": made,
        "made_name": made_name,
        "now": now,
        "tokens": list(rows.filter(user_id=user.pk)[:PAGE_SIZE]),
        "others": None
        if others is None
        else Paginator(others, PAGE_SIZE).get_page(request.GET.get("page")),
        "may_revoke_others": user.has_perm(MAY_REVOKE),
        "address": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "api/tokens.html", context, status=status)
