"""Addresses of the documentation."""

from __future__ import annotations

from django.urls import path

from pktmask_site.help import views

app_name = "help"
urlpatterns = [
    path("", views.start, name="start"),
    path("pictures/<str:picture>", views.picture, name="picture"),
    path("<path:document>/", views.document, name="document"),
]
