"""Addresses of the demo."""

from __future__ import annotations

from django.urls import path

from pktmask_site.demo import views

app_name = "demo"
urlpatterns = [
    path("", views.page, name="page"),
    path("data/", views.data, name="data"),
    path("faults/<slug:kind>/", views.fault, name="fault"),
]
