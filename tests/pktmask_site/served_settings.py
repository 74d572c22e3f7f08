"""Settings of a real web process in tests: as installed, but for static files, collected or not."""

from __future__ import annotations

from pktmask_site.settings import *  # noqa: F403 - all of them

STORAGES["staticfiles"] = {  # noqa: F405 - from the settings above
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
