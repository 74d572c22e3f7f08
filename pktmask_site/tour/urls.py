"""Addresses of the tour."""

from __future__ import annotations

from django.urls import path

from pktmask_site.tour import views

app_name = "tour"
urlpatterns = [
    path("end/", views.end, name="end"),
    path("again/", views.again, name="again"),
]
