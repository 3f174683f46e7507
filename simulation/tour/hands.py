"""A person's hands in Home Assistant's frontend: everything goes by what the screen calls it."""

import re
import time
from collections.abc import Callable
from decimal import Decimal

from playwright.sync_api import Locator, Page

SETTLE_MS = 400
SEEN_WITHIN_S = 30


class Hands:
    """Acts on one page; everything waits until it is there."""

    def __init__(self, page: Page) -> None:
        """Know the page."""
        self._page = page

    def sidebar(self, name: str) -> None:
        """Open one of the sidebar's pages."""
        self._page.locator("ha-sidebar").get_by_text(name, exact=True).first.click()
        self._page.wait_for_timeout(SETTLE_MS)

    def tab(self, name: str) -> None:
        """Turn to a tab of the panel."""
        self._page.get_by_role("tab", name=name).click()

    def button(self, name: str) -> None:
        """Press a button."""
        self._page.get_by_role("button", name=name).first.click()

    def sum_of(self, column: str, table: Locator) -> Decimal:
        """Add up the figures in one column of a table."""
        cells = table.locator(f'td[data-label="{column}"]').all_inner_texts()
        return sum((amount_in(cell) for cell in cells), Decimal(0))

    def see(
        self, what: str, expected: str | Decimal, read: Callable[[], Decimal], within: Decimal = Decimal(0)
    ) -> None:
        """Look at a figure until it is what it should be.

        Raises:
            AssertionError: it is not, for too long.

        """
        ends = time.monotonic() + SEEN_WITHIN_S
        while abs((seen := read()) - Decimal(expected)) > within:
            if time.monotonic() > ends:
                raise AssertionError(f"{what} on the screen is {seen}, not {expected}")
            self._page.wait_for_timeout(SETTLE_MS)

    def submit(self) -> None:
        """Send a form."""
        self.button("Submit")
        self._page.wait_for_timeout(SETTLE_MS)

    def click_text(self, text: str, *, last: bool = False) -> None:
        """Click what says exactly this."""
        found = self._page.get_by_text(text, exact=True)
        (found.last if last else found.first).click()
        self._page.wait_for_timeout(SETTLE_MS)

    def text(self, label: str, value: str) -> None:
        """Fill a text field."""
        self._page.get_by_role("textbox", name=_exactly(label)).fill(value)

    def number(self, label: str, value: int) -> None:
        """Fill a field for a number."""
        self._page.get_by_role("spinbutton", name=_exactly(label)).fill(str(value))

    def fill_in_order(self, *values: str) -> None:
        """Fill a form's fields from the top, where one of them has no name of its own."""
        for place, value in enumerate(values):
            self._page.locator("step-flow-form input").nth(place).fill(value)

    def pick(self, label: str, option: str) -> None:
        """Choose from a drop-down list, by a part of the option's text."""
        self._list(label).click()
        self._page.wait_for_timeout(SETTLE_MS)
        role = self._page.get_by_role
        role("option", name=option).or_(role("menuitem", name=option)).first.click()
        self._page.wait_for_timeout(SETTLE_MS)

    def _list(self, label: str) -> Locator:
        boxes = self._page.get_by_role("combobox", name=label)
        return boxes.or_(self._page.locator("ha-select", has_text=label)).first


def amount_in(text: str) -> Decimal:
    """Return the number that a text on the screen holds, whatever stands around it.

    Raises:
        ValueError: it holds none.

    """
    found = re.search(r"\d[\d,]*(?:\.\d+)?", text)
    if found is None:
        raise ValueError(f"there is no number in {text!r}")
    return Decimal(found[0].replace(",", ""))


def _exactly(label: str) -> re.Pattern[str]:
    """Match a field by its whole name; what must be filled in has a star behind it."""
    return re.compile(rf"^{re.escape(label)}\*?$")
