"""One visit of a page, with nothing in the cache: what the browser measures, and a picture."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import TimeoutError as TooLongError

from tests.browser.axe import serious
from tests.browser.walk.services import Walked
from tests.browser.walk.table import Shown

WIDTHS: Final = (390, 768, 1440)
THEMES: Final = ("light", "dark")
HEIGHTS: Final[Mapping[int, int]] = {390: 844, 768: 1024, 1440: 900}
# a chart is drawn and the live feed has answered; what comes later is news
SETTLED_MS: Final = 500
CHART_LIBRARY: Final = "plotly"
# what docs show: the window as it opens, small enough to be kept with the source
FOR_DOCS: Final = frozenset(
    (
        *("overview", "captures", "capture", "rollout", "alerts", "health", "trends-7d"),
        *("admin-approval", "configuration"),
    )
)
DOCS_LOOK: Final = (1440, "light")
QUALITY: Final = 60
WATCH: Final = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) {
    if (each.hadRecentInput) continue;
    const who = each.sources.map(({ node }) => node?.outerHTML?.slice(0, 90) ?? "").join(" | ");
    window.shifts.push({ value: each.value, at: each.startTime, who });
  }
}).observe({ type: "layout-shift", buffered: true });
"""
MEASURED: Final = """
() => {
  const [page] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  const files = performance.getEntriesByType("resource");
  return {
    firstByte: page.responseStart - page.requestStart,
    paint: paint?.startTime ?? null,
    shifts: window.shifts,
    files: [page, ...files].map(({ name, transferSize }) => [name, transferSize]),
    sideways: document.documentElement.scrollWidth - window.innerWidth,
  };
}
"""


def picture(folder: Path, name: str, width: int, theme: str) -> Path:
    """Return where the picture of a page is."""
    return folder / f"{name}-{width}-{theme}.png"


# pictures and axe see as well what nobody has scrolled to
LAY_OUT_ALL: Final = """
() => {
  for (const each of document.querySelectorAll("section")) each.style.contentVisibility = "visible";
}
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """What one visit came to.  ``size_bytes`` as transferred, without the library of charts.

    ``shifts`` are what moved, the largest first; ``paint_ms`` is None where nothing was painted.
    """

    name: str
    width: int
    theme: str
    first_byte_ms: float
    paint_ms: float | None
    shift: float
    shifts: tuple[str, ...]
    size_bytes: int
    sideways_px: int
    complaints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Walker:
    """Visits pages, takes pictures of them in folders where these are named, and may ask axe."""

    browser: Browser
    pictures: Path | None = None
    docs: Path | None = None
    asks_axe: bool = False

    def warm(self, walked: Walked) -> None:
        """Ask for every page once: the first answer of a server that was just started is slow."""
        for shown in walked.pages().values():
            context = self._context(walked, shown, *DOCS_LOOK)
            context.request.get(shown.path(walked.known))
            context.close()

    def visit(self, walked: Walked, name: str, shown: Shown, width: int, theme: str) -> Visit:
        """Visit one page."""
        context = self._context(walked, shown, width, theme)
        try:
            page = context.new_page()
            complaints: list[str] = []
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.add_init_script(WATCH)
            answer = page.goto(shown.path(walked.known), wait_until="load")
            assert answer is not None
            _settle(page)
            found: dict[str, Any] = page.evaluate(MEASURED)
            page.evaluate(LAY_OUT_ALL)
            self._picture(page, name, width, theme)
            if answer.status != shown.status:
                complaints.append(f"the answer is {answer.status}")
            return Visit(
                name,
                width,
                theme,
                found["firstByte"],
                found["paint"],
                sum(each["value"] for each in found["shifts"]),
                tuple(
                    f"{each['value']:.3f} at {each['at']:.0f} ms: {each['who']}"
                    for each in sorted(found["shifts"], key=lambda each: -each["value"])
                ),
                sum(size for address, size in found["files"] if CHART_LIBRARY not in address),
                found["sideways"],
                (*complaints, *(serious(page) if self.asks_axe else ())),
            )
        finally:
            context.close()

    def _context(self, walked: Walked, shown: Shown, width: int, theme: str) -> BrowserContext:
        context = self.browser.new_context(
            base_url=walked.url,
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme="dark" if theme == "dark" else "light",
            timezone_id="Europe/Berlin",
        )
        if shown.who:
            session = walked.sessions[shown.who]
            context.add_cookies([{"name": "sessionid", "value": session, "url": walked.url}])
        return context

    def _picture(self, page: Page, name: str, width: int, theme: str) -> None:
        if self.docs is not None and (width, theme) == DOCS_LOOK and name in FOR_DOCS:
            shot = page.context.new_cdp_session(page).send(
                "Page.captureScreenshot", {"format": "webp", "quality": QUALITY}
            )
            (self.docs / f"{name}.webp").write_bytes(base64.b64decode(shot["data"]))
        if self.pictures is not None:
            path = picture(self.pictures, name, width, theme)
            page.screenshot(path=path, full_page=True)


def _settle(page: Page) -> None:
    # what is read for the page is put in once it was read
    page.locator("[data-reading]").wait_for(state="detached")
    # a chart without values is never drawn
    for chart in page.locator("[data-chart]").all():
        with suppress(TooLongError):
            chart.locator(".main-svg").first.wait_for(state="attached", timeout=5_000)
    page.wait_for_timeout(SETTLED_MS)
