"""Leads through the tour: a person's clicks in a real browser, and a look at what comes of them.

Ada founds a network on her empty node, adds her meter and her car's charger, lets the school join by an
invite, issues herself vouchers, asks for energy by a time, and watches it being matched, delivered and paid.
Each step waits for what a person would wait for; one that does not come ends the tour with a picture of where
it stood.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Error, Locator, Page, expect, sync_playwright

from simulation.pictures import CHROMIUM, FLAGS, FOLDER
from simulation.tour.hands import Hands, amount_in

SIZE = {"width": 1360, "height": 900}
PHONE = {"width": 390, "height": 844}
STEP_MS = 30_000
MATCH_WITHIN_MS = 90_000
DELIVER_WITHIN_MS = 480_000
HOME, CHARGER, SWITCH = "Home", "Car charger", "Wallbox"
REQUEST_KWH = "1.2"
DEPOSIT = "25"
REQUEST_MINUTES = 8
ZONE = ZoneInfo("Europe/Lisbon")
CENT = Decimal("0.01")
STEPS = {
    HOME: ("asset registered", "trades agreed", "reading signed", "trade paid"),
    CHARGER: (
        "asset registered",
        "order placed",
        "trades agreed",
        "delivery begins",
        "delivery measured",
        "trade paid",
    ),
}
"""What the audit logs call the way of one kilowatt-hour; readings are those of the connection point."""


class Stage:
    """The other process: an empty node, a fresh Home Assistant, the meters, and the school."""

    def __init__(self, python: str, port: int) -> None:
        """Start it and wait until it is set."""
        self._python = python
        command = [python, "-m", "simulation.tour.stage", str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self._hear()

    def invite(self, text: str) -> None:
        """Hand the invite to the school and wait until it has joined."""
        assert self._process.stdin
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        while "joined" not in self._hear():
            pass

    def verify(self, file: Path) -> None:
        """Check a saved audit log as anybody can: with the node's program and nothing else.

        Raises:
            RuntimeError: it does not hold.

        """
        command = [str(Path(self._python).parent / "energy-ledger"), "verify-audit", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the saved audit log does not hold: {done.stdout}{done.stderr}")

    def close(self) -> None:
        """Let everything end."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(60)

    def _hear(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the stage is gone; its logs are in .cache/tour/logs")
        facts: dict[str, Any] = json.loads(line)
        return facts


class Tour:
    """One walk through."""

    def __init__(self, page: Page, stage: Stage) -> None:
        """Know the browser's page and the stage."""
        self.page = page
        self.hands = Hands(page)
        self.stage = stage
        self.facts = stage.facts
        self.started = time.monotonic()

    def walk(self) -> None:
        """Do everything, in order."""
        for step in (
            self.log_in,
            self.found_a_network,
            self.add_the_home,
            self.add_the_charger,
            self.invite_the_school,
            self.issue_vouchers,
            self.request_energy,
            self.see_the_match,
            self.see_it_in_the_calendar,
            self.see_the_switch_go_on_and_off,
            self.read_the_payment,
            self.read_the_audit_log,
            self.look_at_it_on_a_phone,
        ):
            step()
            print(f"{time.monotonic() - self.started:6.1f} s  {step.__doc__}", flush=True)

    def picture(self, name: str) -> None:
        """Take a picture for the documentation."""
        self.page.wait_for_timeout(1_000)
        self.page.screenshot(path=FOLDER / f"tour-{name}.png")

    def log_in(self) -> None:
        """Log in as Ada."""
        self.page.goto(self.facts["url"])
        self.page.locator("input[name=username]").fill(self.facts["username"])
        self.page.locator("input[name=password]").fill(self.facts["password"])
        self.page.locator("input[name=password]").press("Enter")
        self.page.wait_for_selector("home-assistant-main")

    def found_a_network(self) -> None:
        """Found a network on the empty node, with a wallet of one's own."""
        hands = self.hands
        hands.sidebar("Settings")
        hands.click_text("Devices & services")
        hands.button("Add integration")
        self.page.wait_for_timeout(1_500)
        self.page.keyboard.type("Energy Mark")
        self.page.get_by_text("Energy Marketplace").last.click()
        hands.click_text("Address and token of a ledger node")
        hands.fill_in_order(self.facts["node"], self.facts["token"])
        hands.submit()
        hands.click_text("Make a new wallet")
        words = self._write_down()
        hands.submit()
        question = self.page.get_by_text("which one is word").inner_text()
        place = int("".join(re.findall(r"\d", question)))
        hands.text(f"Word {place}", words[place - 1])
        hands.submit()
        hands.text("Name of the network", "Sunny Street")
        hands.text("Your name in the network", "Ada")
        self.picture("found")
        hands.click_text("Advanced")
        hands.number("Length of a slot", self.facts["slot_s"])
        hands.submit()

    def _write_down(self) -> list[str]:
        text = self.page.locator("step-flow-form strong").first.inner_text()
        self.picture("wallet")
        return [part.split()[1] for part in text.split("·")]

    def add_the_home(self) -> None:
        """Make the home's main meter an asset."""
        hands = self.hands
        hands.text("Name", HOME)
        hands.pick("Kind", "Home")
        hands.number("Greatest power it takes", 43_000)
        hands.submit()
        self._meter(self.facts["main"], "SDM630")

    def add_the_charger(self) -> None:
        """Make the car's charger an asset, with the switch that its deliveries turn."""
        hands = self.hands
        hands.sidebar("Settings")
        hands.click_text("Devices & services")
        hands.click_text("Energy Marketplace", last=True)
        hands.button("Add asset")
        hands.text("Name", CHARGER)
        hands.pick("Kind", "charger")
        hands.number("Greatest power it takes", 22_000)
        hands.pick("Connected to", HOME)
        hands.click_text("Control")
        self.page.get_by_text("Select an entity").first.click()
        self.page.wait_for_timeout(800)
        self.page.keyboard.type(SWITCH)
        hands.click_text(SWITCH, last=True)
        self.picture("asset")
        hands.submit()
        self._meter(self.facts["charger"], "SDM120")

    def _meter(self, port: int, profile: str) -> None:
        hands = self.hands
        hands.click_text("By a Modbus meter on the network")
        hands.text("Host", "127.0.0.1")
        hands.number("Port", port)
        hands.pick("Kind of meter", profile)
        hands.submit()
        self.page.get_by_text("Compare it with what the meter").wait_for()
        self.picture("meter")
        hands.submit()
        hands.button("Finish")

    def invite_the_school(self) -> None:
        """Let the school join with an invite from the panel."""
        hands = self.hands
        hands.sidebar("Energy Marketplace")
        hands.tab("Neighbours")
        hands.button("Make an invite")
        invite = self.page.locator("code.invite").inner_text()
        self.picture("invite")
        self.stage.invite(invite)

    def issue_vouchers(self) -> None:
        """Issue vouchers against a deposit, as the treasurer."""
        card = self.page.locator("section.card").filter(has_text="Against money that you have received")
        card.locator("input[name=amount]").fill(DEPOSIT)
        card.locator("input[name=reference]").fill("cash, receipt 1")
        card.get_by_role("button", name="Issue vouchers").click()
        card.get_by_text("Done.").wait_for()

    def request_energy(self) -> None:
        """Request 1.2 kWh by a time."""
        self.hands.tab("Overview")
        card = self.page.locator("section.card").filter(has_text="Done by")
        finish = datetime.now(ZONE) + timedelta(minutes=REQUEST_MINUTES)
        card.locator("select[name=device_id]").select_option(label=CHARGER)
        card.locator("input[name=energy]").fill(REQUEST_KWH)
        card.locator("input[name=finish_by]").fill(finish.strftime("%Y-%m-%dT%H:%M:%S"))
        card.get_by_role("button", name="Request energy").click()
        card.get_by_text("The order is placed").wait_for()

    def see_the_match(self) -> None:
        """See the request matched with the school's sun, all 1.2 kWh of it."""
        self.page.locator("section.card table").get_by_text(CHARGER).first.wait_for(timeout=MATCH_WITHIN_MS)
        self.page.wait_for_timeout(8_000)
        self.picture("panel")
        self.hands.tab("Orders and trades")
        self.hands.see("the agreed energy", REQUEST_KWH, lambda: self.hands.sum_of("Agreed", self._trades()))

    def see_it_in_the_calendar(self) -> None:
        """See in the calendar when the car charges, and with how much."""
        self.hands.sidebar("Calendar")
        self.page.get_by_text(f"↓ {REQUEST_KWH} kWh").first.click()
        self.page.get_by_text(re.compile(r"^0\.\d+ EUR/kWh")).first.wait_for()
        self.picture("calendar")
        self.page.keyboard.press("Escape")

    def see_the_switch_go_on_and_off(self) -> None:
        """See the switch go on when the delivery begins, and off when it ends."""
        self.hands.sidebar("Activity")
        newest = self.page.locator("ha-logbook-renderer").get_by_text(SWITCH, exact=True).first.locator("..")
        for state in ("On", "Off"):
            expect(newest).to_have_text(re.compile(rf"{SWITCH}\W*{state}$"), timeout=DELIVER_WITHIN_MS)
        self.picture("activity")

    def read_the_payment(self) -> None:
        """Read the payment: for what the meter saw, out of the wallet, and in the statement."""
        self.hands.sidebar("Energy Marketplace")
        self.hands.tab("Orders and trades")
        trades = self._trades()
        expect(trades.get_by_text("settled", exact=True)).to_have_count(
            trades.locator("tbody tr").count(), timeout=MATCH_WITHIN_MS
        )
        self.picture("payment")
        self.hands.see("the measured energy", REQUEST_KWH, lambda: self.hands.sum_of("Measured", trades))
        paid = self.hands.sum_of("Amount", trades)
        self.hands.tab("Overview")
        wallet = self.page.locator("section.card").filter(has_text="Wallet").locator(".big")
        self.hands.see("the balance", Decimal(DEPOSIT) - paid, lambda: amount_in(wallet.inner_text()), CENT)
        self.hands.tab("Statement")
        closing = self.page.get_by_role("row").filter(has_text="Closing balance")
        self.hands.see(
            "the closing balance", Decimal(DEPOSIT) - paid, lambda: amount_in(closing.inner_text()), CENT
        )
        self.picture("statement")

    def _trades(self) -> Locator:
        cards = self.page.locator("section.card").filter(has=self.page.get_by_role("heading", name="Trades"))
        return cards.get_by_role("table")

    def read_the_audit_log(self) -> None:
        """Read every step in the audit logs, and see that the home itself has verified them."""
        self.hands.tab("Audit log")
        for asset, steps in STEPS.items():
            self.page.locator("section.card select").select_option(label=asset)
            for step in steps:
                self.page.get_by_text(step, exact=True).first.wait_for()
            self.page.get_by_text("Verified", exact=True).wait_for()
        with self.page.expect_download() as saved:
            self.hands.button("Save as a file")
        self.stage.verify(saved.value.path())
        self.picture("audit")

    def look_at_it_on_a_phone(self) -> None:
        """See the same on a phone, with nothing cut off at the side."""
        self.page.set_viewport_size(PHONE)
        for tab in ("Statement", "Neighbours", "Orders and trades"):
            self.hands.tab(tab)
            self.page.wait_for_timeout(1_000)
            wide = self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE["width"], f"{tab} is {wide} pixels wide on a phone of {PHONE['width']}"
        self.picture("phone")


@contextmanager
def _browser() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport=SIZE, device_scale_factor=1.5, timezone_id=str(ZONE))
        page.set_default_timeout(STEP_MS)
        yield page
        browser.close()


def main() -> int:
    """Walk through the tour; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/tour", description=__doc__)
    parser.add_argument("--python", required=True, help="the Python that has Home Assistant")
    parser.add_argument("--port", type=int, default=8141, help="Home Assistant's port (default: %(default)s)")
    given = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    stage = Stage(given.python, given.port)
    try:
        with _browser() as page:
            return _walk(Tour(page, stage))
    finally:
        stage.close()


def _walk(tour: Tour) -> int:
    try:
        tour.walk()
    except (Error, AssertionError, RuntimeError) as error:
        tour.page.screenshot(path=".cache/tour/stuck.png")
        print(f"The tour got stuck: {error}\nThe picture .cache/tour/stuck.png shows where.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
