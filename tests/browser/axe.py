"""What axe-core finds in a page: https://github.com/dequelabs/axe-core."""

from __future__ import annotations

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE: Final = Axe()
BAD: Final = ("serious", "critical")


def serious(page: Page) -> list[str]:
    """Return what is serious or critical: the rule, the element, and what is wrong.

    axe comes in by the browser's own protocol, so the content policy of the page stays as it is.
    """
    return [
        f"{page.url}: {found['id']}: {node['target']}: {node['failureSummary']}"
        for found in AXE.run(page).response["violations"]
        if found["impact"] in BAD
        for node in found["nodes"]
    ]
