"""A street with a seller and a buyer, for the tests of rounds and clearings."""

from tests.ledger_node.ledger.street import EUR, NODE, START, Street, flexible, person

BO, CY, DI = person("Bo"), person("Cy"), person("Di")
ROUND = START // 50_000 + 1
"""The first round that closes after the founding, at 50 s; its first slot is slot 1, at 100 s."""


class Market(Street):
    """Bo sells and Cy buys, each from a connection point that moves 100 Wh a slot."""

    def __init__(self, **genesis):
        super().__init__(**genesis)
        self.joins("Bo")
        self.joins("Cy")
        self.gets(CY, EUR)
        self.roof = self.asset(BO, feeder=genesis.get("feeders", [{"id": ""}])[0]["id"])
        self.house = self.asset(CY)

    def sells(self, price, slots, **more):
        return self.offers(BO, self.roof, price, slots, **more)

    def buys(self, price, slots, **more):
        return self.bids(CY, self.house, price, slots, **more)

    def wants(self, *terms, **more):
        return self.must(CY, "order.place", asset=self.house, order=flexible(*terms, **more))

    def order(self, order):
        return self.row("orders", order)

    def proposes(self, **changes):
        return self.do(NODE, "clearing.propose", **self.proposal(**changes))

    def round(self, number=ROUND):
        return self.row("rounds", str(number))


def empty(number):
    return {
        "round": number, "fills": {"order": [], "slot": [], "wh": []}, "prices": {"": [None]},
        "node_duals": {"": [0]}, "flexible_duals": {},
    }  # fmt: skip
