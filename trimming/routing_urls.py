"""Addresses of the page about routing."""

from __future__ import annotations

from django.urls import path

from trimming.views import routing

app_name = "routing"
urlpatterns = [
    path("", routing.page, name="page"),
    path("rollback/", routing.rollback, name="rollback"),
]
