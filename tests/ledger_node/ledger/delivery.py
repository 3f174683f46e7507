"""A street on which Bo sold 10 Wh to Cy in slot 3, at 142,500 a Wh and a fee of 5,000."""

from tests.ledger_node.ledger.street import ADA, EUR, FIRST_SLOT, START, TARIFF, Street, person

BO, CY, DI = person("Bo"), person("Cy"), person("Di")
SLOT = FIRST_SLOT + 3
PRICE, FEE = 142_500, TARIFF["grid_fee"]
CAP, FLOOR = TARIFF["price_cap"], TARIFF["price_floor"]
GRACE_OVER, FINAL = 500, 500 + 86_400
"""Seconds after the founding at which slot 3 takes no more readings, and no more claims."""


class Delivery(Street):
    """Bo has a roof, Cy a house, each a connection point of 3.6 kW."""

    def __init__(self, **genesis):
        super().__init__(**genesis)
        self.joins("Bo")
        self.joins("Cy")
        self.gets(CY, EUR)
        self.roof, self.house = self.asset(BO), self.asset(CY)
        self.offers(BO, self.roof, 90_000, {3: 10})
        self.bids(CY, self.house, 200_000, {3: 10})
        self.at(50)
        self.clears()

    def trade(self):
        """Return what a trade came to last."""
        told = ("trade.settled", "trade.reviewed")
        return [event.row for outcome in self.outcomes for event in outcome.events if event.type in told][-1]

    def types(self):
        return [event.type for event in self.outcomes[-1].events]

    def ends(self):
        self.time = START + 400_000

    def exports(self, wh):
        return self.reads(BO, self.roof, SLOT, exported_wh=wh)

    def imports(self, wh):
        return self.reads(CY, self.house, SLOT, imported_wh=wh)

    def settles(self, exported_wh=None, imported_wh=None):
        """Let the slot end with these readings (None: missing), and its grace."""
        self.ends()
        if exported_wh is not None:
            self.exports(exported_wh)
        if imported_wh is not None:
            self.imports(imported_wh)
        self.at(GRACE_OVER)

    def claims(self, who, asset, imported_wh=0, exported_wh=0, **more):
        """Have somebody claim about slot 3; return the claim's id."""
        return self.must(who, "claim.open", **claim(asset, imported_wh, exported_wh), **more)

    def decides(self, name, *, upheld=True, **more):
        return self.must(ADA, "claim.decide", claim=name, upheld=upheld, **more)

    def gains(self):
        """Return what Bo, Cy and the community have gained since the trade."""
        return self.account(BO).balance, self.account(CY).balance - EUR, self.ledger.money.community

    def parts(self):
        """Return asset, first, end, state, holder and consumer of every certificate, lowest numbers first."""
        rows = {
            change.key: change.row
            for outcome in self.outcomes
            for change in outcome.changes
            if change.table == "certificates"
        }
        fields = ("asset", "first", "end", "state", "holder", "consumer")
        return sorted(tuple(row[field] for field in fields) for row in rows.values())


def claim(asset, imported_wh=0, exported_wh=0, slot=SLOT):
    return {
        "asset": asset, "slot": slot, "imported_wh": imported_wh, "exported_wh": exported_wh,
        "reason": "the display said so",
    }  # fmt: skip
