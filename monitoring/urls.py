"""Addresses of the pages about the service; the overview itself is the start page."""

from __future__ import annotations

from django.urls import path

from monitoring.views import health, outside, overview, trends

app_name = "monitoring"
urlpatterns = [
    path("metrics", outside.metrics, name="metrics"),
    path("healthz", outside.healthz, name="healthz"),
    path("readyz", outside.readyz, name="readyz"),
    path("overview/data/", overview.data, name="overview_data"),
    path("health/", health.page, name="health"),
    path("health/data/", health.data, name="health_data"),
    path("health/check/", health.check, name="check"),
    path("health/checks/<int:pk>/", health.one, name="health_check"),
    path("trends/", trends.page, name="trends"),
    path("trends/data/", trends.data, name="trends_data"),
]
