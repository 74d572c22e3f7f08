"""Addresses of the pages about reports."""

from __future__ import annotations

from django.urls import path

from monitoring.views import reports

app_name = "reports"
urlpatterns = [
    path("", reports.page, name="list"),
    path("make/", reports.make, name="make"),
    path("<int:pk>/", reports.report, name="report"),
    path("<int:pk>/html/", reports.as_file, name="html"),
    path("<int:pk>/json/", reports.as_values, name="json"),
    path("<int:pk>/mail/", reports.mail, name="mail"),
]
