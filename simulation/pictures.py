"""Takes the documentation's pictures of a running demo with a real browser."""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
)
WIDTH, HEIGHT = 1360, 900
SETTLE_MS = 2_500


@dataclass(frozen=True)
class Picture:
    """A page of the frontend: where it is, and what to do there before the picture is taken."""

    name: str
    path: str
    height: int = HEIGHT
    prepare: Callable[[Page], None] = lambda page: None


def _open_washing_machine(page: Page) -> None:
    page.get_by_text("Washing machine", exact=True).last.click()
    page.wait_for_timeout(SETTLE_MS)


PICTURES = (
    Picture("dashboard", "/sunny-street/0", 980),
    Picture("integration", "/config/integrations/integration/energy_marketplace"),
    Picture("device", "/config/integrations/integration/energy_marketplace", 1000, _open_washing_machine),
)


def take(url: str, username: str, password: str) -> list[Path]:
    """Log in and take all pictures; return their files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=1.5)
        _log_in(page, url, username, password)
        files = [_take(page, url, picture) for picture in PICTURES]
        browser.close()
    return files


def _log_in(page: Page, url: str, username: str, password: str) -> None:
    page.goto(url)
    page.locator("input[name=username]").fill(username)
    page.locator("input[name=password]").fill(password)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url("**/sunny-street/**")


def _take(page: Page, url: str, picture: Picture) -> Path:
    page.set_viewport_size({"width": WIDTH, "height": picture.height})
    page.goto(url + picture.path)
    page.wait_for_timeout(2 * SETTLE_MS)
    picture.prepare(page)
    file = FOLDER / f"{picture.name}.png"
    page.screenshot(path=file)
    return file


def main() -> int:
    """Take the pictures."""
    parser = argparse.ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--username", required=True)
    parser.add_argument("--password", required=True)
    given = parser.parse_args()
    for file in take(given.url, given.username, given.password):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
