"""A person without a mouse: goes from control to control with Tab, and must see where one is."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import FileChooser, Locator, Page, expect

# further than that nobody goes for one control
MOST_STOPS: Final = 150
# the end of the page, once round
MOST_ENDS: Final = 2
# what has the focus, and whether it is seen: on it, or on the label that stands for it
LOOK: Final = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const drawn = [at, at.closest("label")].some((each) => {
    if (!each) return false;
    const style = getComputedStyle(each);
    const box = each.getBoundingClientRect();
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
      && box.width > 1 && box.height > 1
      && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  });
  return { what: at.outerHTML.slice(0, 120), drawn };
}"""
HAS_FOCUS: Final = "each => each === document.activeElement"


class Keyboard:
    """Drives a page by its keyboard alone."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go_to(self, control: Locator) -> None:
        """Press Tab until a control has the focus; each stop on the way must be seen."""
        expect(control).to_be_visible()
        ends, passed = 0, list[str]()
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(LOOK)
            if at is None:
                ends += 1
                assert ends <= MOST_ENDS, f"{control} is not reached, only {passed}"
                continue
            assert at["drawn"], f"nobody sees that the focus is on {at['what']}"
            if control.evaluate(HAS_FOCUS):
                return
            passed.append(at["what"])
        raise AssertionError(f"{control} is not reached, only {passed}")

    def press(self, control: Locator) -> None:
        """Go to a link or a button, and press it."""
        self.go_to(control)
        self.page.keyboard.press("Enter")

    def write(self, field: Locator, text: str) -> None:
        """Go to a field, unless one is there, and type."""
        if not field.evaluate(HAS_FOCUS):
            self.go_to(field)
        self.page.keyboard.type(text)
        expect(field).to_have_value(text)

    def choose(self, control: Locator) -> FileChooser:
        """Open the browser's dialog for files; the dialog is the browser's own."""
        self.go_to(control)
        with self.page.expect_file_chooser() as begun:
            self.page.keyboard.press("Enter")
        return begun.value
