"""Addresses of the results of ``manage.py ab_test``."""

from __future__ import annotations

from django.urls import path

from trimming.views import offline_tests

app_name = "offline_tests"
urlpatterns = [
    path("", offline_tests.tests, name="list"),
    path("<int:test_id>/", offline_tests.test, name="test"),
    path("<int:test_id>/<slug:name>.svg", offline_tests.picture, name="picture"),
]
