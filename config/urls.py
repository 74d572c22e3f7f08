"""Addresses of the configuration and its versions."""

from __future__ import annotations

from django.urls import path

from config.views import page, versions

app_name = "config"
urlpatterns = [
    path("", page.configuration, name="configuration"),
    path("processes/", page.processes, name="processes"),
    path("versions/", versions.versions, name="versions"),
    path("versions/<int:number>/", versions.version, name="version"),
    path("versions/<int:number>/restore/", versions.restore_version, name="restore"),
]
