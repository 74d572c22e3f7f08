"""Addresses of the page Maintenance."""

from __future__ import annotations

from django.urls import path

from pktmask_site.recovery import views

app_name = "maintenance"
urlpatterns = [
    path("", views.page, name="page"),
    path("run/<slug:task>/", views.run, name="run"),
]
