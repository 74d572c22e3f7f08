"""The service's settings, and a source of alerts beside its own."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them
from pktmask_site.settings import INSTALLED_APPS as INSTALLED

INSTALLED_APPS = [*INSTALLED, "tests.services.alerts.apps.WrittenAlerts"]
