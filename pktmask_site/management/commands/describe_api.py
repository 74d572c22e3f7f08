"""Write the description of the API: docs/openapi.json is made so."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Print the description."""

    help = "Print the description of the API (OpenAPI), as docs/openapi.json holds it"
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        from pktmask_site.api.root import api  # nobody else needs the library

        self.stdout.write(json.dumps(api.get_openapi_schema(), indent=1, ensure_ascii=False))
