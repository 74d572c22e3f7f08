"""The address of the page of components."""

from __future__ import annotations

from django.urls import path

from pktmask_site.style import views

app_name = "style"
urlpatterns = [path("", views.page, name="page")]
