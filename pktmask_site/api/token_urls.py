"""Addresses of the page API tokens."""

from __future__ import annotations

from django.urls import path

from pktmask_site.api import token_views

app_name = "tokens"
urlpatterns = [
    path("", token_views.page, name="page"),
    path("<int:pk>/revoke/", token_views.end, name="revoke"),
]
