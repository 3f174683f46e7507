"""A month of a ten-home street in quick motion: the real ledger, market and disk, hour by hour.

Six homes have roofs, one of them a battery too; all of them buy. A reading is forgotten now and then, and
put right by a claim a day later. At the end everybody's vouchers are paid out and nothing is left.
"""

import csv
from collections import Counter, defaultdict
from random import Random

import msgspec
import pytest

from energy_ledger.api import types
from energy_ledger.api.certificate_table import certificates_csv, certificates_json
from energy_ledger.ledger.postings import COMMUNITY
from energy_ledger.node import founding
from energy_ledger.node.statements import Statements
from energy_ledger.node.tracing import Tracing
from energy_ledger.storage import database
from energy_ledger.storage.reader import Party, Reader
from energy_ledger.storage.writer import CommitEntry, Entry, Writer
from tests.ledger_node.ledger.street import ADA, COMMITMENT, NODE, START, Street, fixed, offer

HOURS, DAYS = 24, 30
DAY_S, HOUR_S = 86_400, 3_600
NAMES = ("Ben", "Cleo", "Dora", "Emil", "Fred", "Gina", "Hugo", "Ida", "Jan", "Kim")
ROOFS = NAMES[:6]
MONEY = 100 * 10**9
NOON = (11, 12, 13)
FORGOTTEN = 97
"""One reading of so many is forgotten."""


class Month(Street):
    """Orders for a whole day are placed the evening before and cleared at once."""

    def __init__(self, folder):
        self.random = Random(7)
        super().__init__(
            created=START - START % (DAY_S * 1000), slot_s=HOUR_S, horizon_slots=72, round_s=HOUR_S * 6,
            proposal_window_s=60, gate_s=60, grace_slots=2, claim_window_s=DAY_S * 2,
            tariff={"price_floor": 80_000, "price_cap": 300_000, "grid_fee": 5_000},
        )  # fmt: skip
        self.begin = self.genesis.rules.created
        self.time = self.begin
        path = folder / "ledger.db"
        database.open_or_set_aside(path)
        self.writer, self.reader = Writer(path, durable=False), Reader(path)
        founding.begin(self.writer, self.genesis)
        self.forgotten = defaultdict(list)
        self.readings = 0
        self.promised = 0
        self.folk = {name: self.settles(name) for name in NAMES}
        self.battery = self.asset(
            self.folk["Ben"][0], name="Battery", behind=self.folk["Ben"][1], source="storage",
            storage_efficiency=900, rated_import_w=9_000, rated_export_w=9_000,
        )  # fmt: skip

    def commit(self, transactions=(), verified=()):
        outcome = super().commit(transactions, verified)
        self.outcomes.clear()
        self.writer.write(Entry(commits=[CommitEntry(
            index=self.ledger.commit, time=self.ledger.time, epoch=0, leader=b"", root=outcome.root,
            events=outcome.events, lines=outcome.lines, changes=outcome.changes, leaves=outcome.leaves,
        )]))  # fmt: skip
        return outcome

    def together(self, *transactions):
        """Commit at once, taking signatures as good; nothing may be refused."""
        outcome = self.commit(transactions, [one.id for one in transactions])
        assert all(one.state == "applied" for one in outcome.results), outcome.results

    def settles(self, name):
        who = self.joins(name)
        self.gets(who, MONEY)
        source = "solar" if name in ROOFS else None
        return who, self.asset(who, source=source, rated_import_w=9_000, rated_export_w=9_000)

    def lives(self):
        self.plans(1)
        for day in range(1, DAYS + 1):
            for hour in range(HOURS):
                slot = self.slot(day, hour)
                self.time = (slot + 1) * HOUR_S * 1000
                self.shows(slot)
                if hour == 16 and day < DAYS:
                    self.plans(day + 1)
            self.puts_right(day)
        self.time += 4 * DAY_S * 1000
        self.commit()

    def slot(self, day, hour):
        return self.begin // 1000 // HOUR_S + day * HOURS + hour

    def plans(self, day):
        """Let everybody order the day ahead, six hours before it begins, and the market clear it."""
        self.time = self.begin + (day * DAY_S - 7 * HOUR_S) * 1000
        orders = []
        for name, (who, home) in self.folk.items():
            if name in ROOFS:
                sun = {self.slot(day, hour): self.random.randint(500, 3_000) for hour in range(8, 17)}
                orders.append(self.order(who, home, offer(self.random.randint(80_000, 120_000), {}), sun))
            need = {self.slot(day, hour): self.random.randint(100, 900) for hour in range(HOURS)}
            orders.append(self.order(who, home, fixed(self.random.randint(150_000, 290_000), {}), need))
        orders += self.storage(day)
        self.together(*orders)
        self.time = self.begin + (day * DAY_S - 6 * HOUR_S) * 1000
        self.commit()
        if self.ledger.open_book() is not None:
            self.together(self.write(NODE, "clearing.propose", sign=False, **self.proposal()))

    def storage(self, day):
        """Let the battery buy at noon, and sell in the evening what it holds by the ledger's own count.

        What it promised for this evening is still in it when the next day is planned.
        """
        ben, _ = self.folk["Ben"]
        noon = {self.slot(day, hour): 800 for hour in NOON}
        yield self.order(ben, self.battery, fixed(200_000, {}), noon)
        tally = self.state.tallies.get(self.battery)
        held = sum(tally.held_wh.values()) - self.promised if tally else 0
        self.promised = max(0, held // 2 * 2)
        if self.promised:
            evening = {self.slot(day, hour): self.promised // 2 for hour in (19, 20)}
            yield self.order(ben, self.battery, offer(100_000, {}), evening)

    def order(self, who, asset, terms, slots):
        terms["slots"] = {str(slot): wh for slot, wh in slots.items()}
        return self.write(who, "order.place", sign=False, asset=asset, order=terms)

    def traded(self, point, slot):
        trades = (self.state.trades[name] for name in self.state.index.at(point, slot))
        sums = Counter()
        for trade in trades:
            if not trade.internal:
                sums["exported_wh" if trade.sell_point == point else "imported_wh"] += trade.wh
        return sums

    def shows(self, slot):
        """Let every meter show what was traded, or a little less; some homes forget to say so.

        Not Ben, who sells by what his battery is certified to hold, nor when he buys and sells at once: what
        a claim sends another way is withdrawn, not certified anew.
        """
        said = []
        for name, (who, home) in self.folk.items():
            sums = self.traded(home, slot)
            if not sums:
                continue
            shown = {field: sums[field] * self.random.choice([100, 100, 100, 93]) // 100 for field in
                     ("imported_wh", "exported_wh")}  # fmt: skip
            self.readings += 1
            plain = name != "Ben" and slot % HOURS not in NOON
            if self.readings % FORGOTTEN == 0 and plain:
                self.forgotten[name].append((slot, shown))
            else:
                fields = {"asset": home, "slot": slot, "commitment": COMMITMENT, **shown}
                said.append(self.write(who, "reading.attest", sign=False, **fields))
        self.together(*said)

    def puts_right(self, day):
        """Let yesterday's forgotten readings be claimed, and Ada uphold the claims."""
        for name, missed in self.forgotten.items():
            who, home = self.folk[name]
            for slot, shown in [one for one in missed if one[0] < self.slot(day, 0)]:
                fields = {"asset": home, "slot": slot, "reason": "my router was off", **shown}
                claim = self.write(who, "claim.open", sign=False, **fields)
                self.together(claim)
                self.together(self.write(ADA, "claim.decide", sign=False, claim=claim.id, upheld=True))
                missed.remove((slot, shown))

    def statement(self, account):
        return Statements(self.reader, self.genesis).of(account, 0, self.ledger.time + 1)

    def green(self, party):
        tracing = Tracing(self.reader, lambda: self.ledger.tariffs)
        return tracing.green(party, 0, 2**40)


@pytest.fixture(scope="module")
def month(tmp_path_factory):
    month = Month(tmp_path_factory.mktemp("month"))
    month.lives()
    yield month
    month.reader.close()
    month.writer.close()


def test_statements_add_up_to_the_ledger(month):
    closings = 0
    for who in (ADA, *(who for who, _ in month.folk.values())):
        statement = month.statement(who.address)
        assert statement.closing == month.account(who).balance
        assert statement.opening + sum(line.amount for line in statement.lines) == statement.closing
        closings += statement.closing
    fund = month.statement(COMMUNITY)
    money = month.ledger.money
    assert fund.closing == money.community > 0
    assert closings + fund.closing == money.issued
    assert any(
        line.correction for who, _ in month.folk.values() for line in month.statement(who.address).lines
    )


def test_certificates_of_consumption_add_up_to_local_purchases(month):
    used = brought = 0
    for who, _ in month.folk.values():
        green = month.green(Party("account", who.address))
        assert green.consumed_wh == sum(green.by_source.values()) == sum(green.by_asset.values()) > 0
        assert green.green_wh == green.by_source["solar"] == green.consumed_wh
        used += green.consumed_wh
        brought += green.by_asset.get(month.battery, 0)
    assert used > 500_000
    charged = month.green(Party("asset", month.battery)).consumed_wh
    held = sum(month.state.tallies[month.battery].store.values())
    issued = month.state.tallies[month.battery].next
    assert brought <= issued
    assert charged * 900 == issued * 1000 + held


def test_no_range_of_certificates_has_a_gap_and_none_is_used_twice(month):
    ranges = defaultdict(list)
    place = None
    while page := month.reader.page("certificates", {}, place, 500):
        place = page[-1].n
        for found in page:
            part = _certificate(found.row)
            ranges[part.asset].append((part.first, part.end))
    assert len(ranges) == len(ROOFS) + 1
    for asset, parts in ranges.items():
        starts, ends = zip(*sorted(parts), strict=True)
        assert (0, *ends) == (*starts, month.state.tallies[asset].next)


def test_every_trade_says_why_it_came_to_what_it_came_to(month):
    tracing = Tracing(month.reader, lambda: month.ledger.tariffs)
    seen = Counter()
    for found in month.reader.page("trades", {}, None, 5_000):
        trade = tracing.trade(msgspec.json.decode(found.row)["id"])
        seller, buyer = trade.explanation.seller, trade.explanation.buyer
        assert seller.share_wh <= min(seller.traded_wh, seller.read_wh or 0)
        assert buyer.share_wh <= min(buyer.traded_wh, buyer.read_wh or 0)
        assert trade.settled_wh == min(seller.share_wh, buyer.share_wh)
        assert trade.passed_wh == seller.passed_wh + buyer.passed_wh
        assert seller.penalty == seller.short_wh * max(0, seller.outside - seller.inside)
        assert buyer.penalty == buyer.short_wh * max(0, buyer.inside - buyer.outside)
        seen["passed"] += trade.passed_wh > 0
        seen["seller short"] += seller.short_wh > 0
        seen["buyer short"] += buyer.short_wh > 0
        seen["claimed"] += bool(trade.explanation.claims)
    assert all(seen[what] for what in ("passed", "seller short", "buyer short", "claimed"))
    assert tracing.trade("1.1") is None


def test_certificates_can_be_exported_with_the_names_of_energytag(month):
    found = month.reader.page("certificates", {"asset": month.battery}, None, 3)
    page = types.Page([_certificate(one.row) for one in found], "7")
    table = certificates_csv(page, HOUR_S)
    assert table.next == "7"
    lines = list(csv.DictReader(table.body.decode().splitlines()))
    first, part = lines[0], page.items[0]
    assert first["certificate_issuance_id"] == part.id
    assert int(first["certificate_bundle_id_range_end"]) == part.end - 1
    assert (first["energy_source"], first["is_storage"]) == ("solar", "true")
    assert first["production_starting_interval"].endswith(":00:00Z")
    assert first["consumption_starting_interval"] == first["production_starting_interval"]
    written = msgspec.json.decode(certificates_json(page, HOUR_S).body)
    assert written["next"] == "7"
    assert [list(item) for item in written["items"]] == [list(first)] * 3
    for item, line in zip(written["items"], lines, strict=True):
        cells = {name: "" if value is None else str(value) for name, value in item.items()}
        assert cells | {"is_storage": str(item["is_storage"]).lower()} == line
        assert item["is_storage"] is True


def test_redemption_ends_at_zero(month):
    """Everybody asks for his balance, the fund is handed out and redeemed too, and all of it is paid out."""
    last = month.folk["Kim"][0]
    fund = month.ledger.money.community
    month.must(ADA, "community.pay", to=last.address, amount=fund, reference="the street's feast")
    for who, _ in month.folk.values():
        amount = month.account(who).balance
        asked = month.must(who, "voucher.redeem", amount=amount, reference="AT61 1904 3002 3457 3201")
        month.must(ADA, "voucher.settle", redemption=asked, paid=True)
        assert month.statement(who.address).closing == 0
    money = month.ledger.money
    assert (money.issued, money.balances, money.held, money.community) == (0, 0, 0, 0)


def _certificate(row):
    return msgspec.json.decode(row, type=types.Certificate)
