"""The app's entry in Django."""

from django.apps import AppConfig


class TrimmingConfig(AppConfig):
    """Trimming."""

    name = "trimming"
