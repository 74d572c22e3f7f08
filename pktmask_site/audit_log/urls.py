"""Addresses of the page Audit log."""

from __future__ import annotations

from django.urls import path

from pktmask_site.audit_log import views

app_name = "audit"
urlpatterns = [
    path("", views.page, name="page"),
    path("export.<slug:form>", views.export, name="export"),
]
