"""Clearings: which proposal wins a round, what is refused, and the trades that come of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.ledger import matches
from tests.ledger_node.ledger.bourse import BO, CY, DI, ROUND, Market, empty
from tests.ledger_node.ledger.street import ADA, EUR, FIRST_SLOT, NODE, START, person


@pytest.fixture
def street():
    return Market()


def test_the_first_proposal_without_a_gap_clears_the_round_at_once(street):
    sale, purchase = street.sells(90_000, {3: 10}), street.buys(200_000, {3: 20})
    street.at(50)
    outcome = street.clears()
    assert [event.type for event in outcome.events] == [
        "round.cleared",
        *2 * ["trades.matched"],
        "order.filled",
    ]
    row = street.round()
    assert row["state"] == "cleared"
    assert row["volume_wh"] == 10
    assert row["welfare"] == row["bound"] == 10 * (195_000 - 90_000)
    assert row["gap_ppm"] == 0
    assert row["prices"] == {"": (None, None, 195_000)}
    assert row["proposer"] == NODE.address
    assert row["transaction"] == outcome.results[0].id
    assert street.order(sale)["state"] == "filled"
    assert street.order(sale)["fills"] == {str(FIRST_SLOT + 3): 10}
    bid = street.order(purchase)
    assert (bid["state"], bid["filled_wh"], bid["held"]) == ("open", 10, 10 * 200_000)
    assert street.ledger.open_book() is None
    assert street.refuses(NODE, "clearing.propose", **empty(ROUND)) == ("round_over", "round")


def test_a_trade_says_who_deals_with_whom_and_holds_its_price(street):
    sale, purchase = street.sells(90_000, {3: 10}), street.buys(200_000, {3: 10})
    street.at(50)
    street.clears()
    (trade,) = street.matched()
    assert trade == {
        "id": f"{ROUND}.1", "round": ROUND, "slot": FIRST_SLOT + 3, "wh": 10, "seller_price": 142_500,
        "buyer_price": 142_500, "fee": 5_000, "state": "matched", "seller": BO.address, "buyer": CY.address,
        "sell_order": sale, "buy_order": purchase, "sell_asset": street.roof, "buy_asset": street.house,
        "sell_point": street.roof, "buy_point": street.house, "source": "solar", "delivered_wh": None,
        "taken_wh": None, "settled_wh": None, "paid": None, "received": None, "seller_penalty": None,
        "buyer_penalty": None, "passed_wh": None,
    }  # fmt: skip
    assert street.account(CY).held == 10 * 147_500
    assert street.account(BO).held == 0


def test_an_order_with_many_trades_is_told_of_them_in_parts(street, monkeypatch):
    monkeypatch.setattr(matches, "MOST_TOLD", 3)
    street.sells(90_000, {3: 30, 4: 30})
    for name in ("Di", "Ed"):
        street.joins(name)
        street.gets(person(name), EUR)
        street.bids(person(name), street.asset(person(name)), 200_000, {3: 10, 4: 10})
    street.buys(200_000, {3: 10, 4: 10})
    street.at(50)
    street.clears()
    told = street.events("trades.matched")
    sold = [[len(one["trades"]) for one in event["partners"]] for event in told if event["sells"]]
    assert sold == [[2], [2], [2]]
    made = [trade for event in told if event["sells"] for one in event["partners"] for trade in one["trades"]]
    assert sorted(number for number, *_ in made) == [1, 2, 3, 4, 5, 6]


def test_money_that_a_lower_price_saves_is_free_again(street):
    street.joins("Di")
    street.gets(DI, EUR)
    street.buys(300_000, {3: 10})
    street.bids(DI, street.asset(DI), 150_000, {3: 5})
    street.sells(90_000, {3: 12})
    street.at(50)
    street.clears()
    price = street.matched()[0]["buyer_price"]
    assert price < 290_000
    assert street.account(CY).held == 10 * (price + 5_000)


def test_trades_go_through_the_connection_points_of_the_assets(street):
    car = street.asset(CY, behind=street.house)
    street.sells(90_000, {3: 10})
    street.bids(CY, car, 200_000, {3: 10})
    street.at(50)
    street.clears()
    (trade,) = street.matched()
    assert (trade["buy_asset"], trade["buy_point"]) == (car, street.house)
    sold, bought = street.outcomes[-1].events[1:3]
    assert (sold.assets, bought.assets) == ((street.roof,), (car, street.house))
    assert (sold.accounts, bought.accounts) == ((BO.address,), (CY.address,))


def test_an_order_is_told_once_whom_it_met_and_on_which_terms(street):
    car = street.asset(CY, behind=street.house)
    sale = street.sells(90_000, {3: 10, 4: 10})
    purchase = street.bids(CY, car, 200_000, {3: 10, 4: 10})
    street.at(50)
    street.clears()
    roof = {"account": BO.address, "asset": street.roof, "behind": None, "order": sale, "source": "solar"}
    wash = {"account": CY.address, "asset": car, "behind": street.house, "order": purchase, "source": None}
    terms = [(number, FIRST_SLOT + 2 + number, 10, 142_500, 142_500, 5_000) for number in (1, 2)]
    assert street.events("trades.matched") == [
        {"own": roof, "partners": [{"other": wash, "trades": terms}], "round": ROUND, "sells": True},
        {"own": wash, "partners": [{"other": roof, "trades": terms}], "round": ROUND, "sells": False},
    ]


def test_preferences_decide_the_pairing(street):
    street.joins("Di")
    wind = street.asset(DI, source="wind")
    street.sells(90_000, {3: 10})
    street.offers(DI, wind, 90_000, {3: 10})
    street.buys(200_000, {3: 10}, prefer_sources=["wind"])
    street.joins("Ed")
    street.gets(person("Ed"), EUR)
    street.bids(person("Ed"), street.asset(person("Ed")), 200_000, {3: 10}, prefer=[BO.address])
    street.at(50)
    street.clears()
    pairs = [(trade["source"], trade["buyer"], trade["wh"]) for trade in street.matched()]
    assert pairs == [("solar", person("Ed").address, 10), ("wind", CY.address, 10)]


def test_a_proposal_counts_until_the_window_ends(street):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 10})
    street.at(50)
    fields = street.proposal()
    street.time = START + 59_999
    street.must(NODE, "clearing.propose", **fields)
    assert street.round()["state"] == "cleared"
    assert [trade["wh"] for trade in street.matched()] == [10]


def test_a_round_that_has_not_closed_is_unknown(street):
    refusal = ("unknown_round", "round")
    assert street.refuses(NODE, "clearing.propose", **empty(ROUND)) == refusal
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 10})
    street.at(50)
    assert street.refuses(NODE, "clearing.propose", **empty(ROUND + 1)) == refusal


def test_only_nodes_propose(street):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 10})
    street.at(50)
    assert street.refuses(ADA, "clearing.propose", **street.proposal()) == ("not_allowed", "kind")


def changed(fields, **fills):
    return fields | {"fills": fields["fills"] | fills}


WRONG = {
    "another price": lambda good: good | {"prices": {"": [None, None, 195_001]}},
    "a price where nobody trades": lambda good: good | {"prices": {"": [1, None, 195_000]}},
    "no price": lambda good: good | {"prices": {"": [None, None, None]}},
    "one slot too few": lambda good: good | {"prices": {"": [None, 195_000]}},
    "one slot too many": lambda good: good | {"node_duals": {"": [0, 0, 0, 0]}},
    "no busbar": lambda good: good | {"prices": {}},
    "a feeder that is none": lambda good: good | {"prices": good["prices"] | {"\u2603": [None] * 3}},
    "duals for no bid": lambda good: good | {"flexible_duals": {"7": 0}},
    "fewer Wh than possible": lambda good: changed(good, wh=[9, 9]),
    "no balance": lambda good: changed(good, wh=[10, 9]),
    "more than offered": lambda good: changed(good, wh=[11, 11]),
    "another slot": lambda good: changed(good, slot=[1, 1]),
    "a slot beyond the book": lambda good: changed(good, slot=[3, 3]),
    "an order that is none": lambda good: changed(good, order=[0, 2]),
    "an order twice": lambda good: changed(good, order=[0, 0, 1], slot=[2, 2, 2], wh=[5, 5, 10]),
    "numbers beyond bounds": lambda good: changed(good, wh=[2**63 - 1, 2**63 - 1]),
    "nothing at all": lambda good: changed(good, order=[], slot=[], wh=[]) | {"prices": {"": [None] * 3}},
}

PLACES = {
    "one slot too few": ("clearing_wrong", "prices"),
    "one slot too many": ("clearing_wrong", "node_duals"),
    "no busbar": ("clearing_wrong", "prices"),
    "a feeder that is none": ("clearing_wrong", "prices"),
    "duals for no bid": ("clearing_wrong", "flexible_duals"),
}
"""Where a clearing is wrong that has not even the book's form."""


@pytest.mark.parametrize("why", WRONG)
def test_a_wrong_clearing_is_refused_and_counted_against_its_sender(street, why):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 20})
    street.at(50)
    good = street.proposal()
    transaction = street.write(NODE, "clearing.propose", **WRONG[why](good))
    assert street.refuses_this(transaction) == PLACES.get(why, ("clearing_wrong", None))
    (refused,) = street.round()["refused"]
    assert (refused["account"], refused["code"]) == (NODE.address, "clearing_wrong")
    assert len(refused["message"]) > 20
    assert street.events("clearing.refused") == [{"round": ROUND} | refused]
    street.must(NODE, "clearing.propose", **good)
    assert street.round()["refused"] == (refused,)


def test_fills_may_come_in_any_order(street):
    street.sells(90_000, {3: 10, 4: 10})
    street.buys(200_000, {3: 10, 4: 10})
    street.at(50)
    good = street.proposal()
    backwards = {name: column[::-1] for name, column in good["fills"].items()}
    assert backwards != good["fills"]
    street.must(NODE, "clearing.propose", **good | {"fills": backwards})
    assert len(street.matched()) == 2


def test_a_poor_proof_does_not_clear_at_once_but_at_the_end_if_nobody_knows_better(street):
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 20})
    street.at(50)
    good = street.proposal()
    poor = good | {"node_duals": {"": [0, 0, 80_000]}}
    first = street.must(NODE, "clearing.propose", **poor)
    street.must(NODE, "clearing.propose", **good | {"node_duals": {"": [0, 0, 90_000 - 1]}})
    assert street.outcomes[-1].events == ()
    outcome = street.at(60)
    assert [event.type for event in outcome.events] == [
        "round.cleared",
        *2 * ["trades.matched"],
        "order.filled",
    ]
    assert street.round()["transaction"] == first
    assert street.round()["gap_ppm"] > 0


def test_with_all_or_nothing_bids_the_best_proposal_of_the_window_wins(street):
    """Clearing nothing is a clearing too: it accepts no bid that wants all or nothing."""
    street.sells(90_000, {3: 50})
    whole = street.wants(200_000, 20, 3, 4, 100, min_fill="all")
    street.at(50)
    best = street.proposal()
    none = {
        "round": ROUND, "fills": {"order": [], "slot": [], "wh": []}, "prices": {"": [None] * 3},
        "node_duals": best["node_duals"], "flexible_duals": best["flexible_duals"],
    }  # fmt: skip
    street.must(NODE, "clearing.propose", **none)
    winner = street.must(NODE, "clearing.propose", **best)
    street.must(NODE, "clearing.propose", **best | {"node_duals": {"": [300_000] * 3}})
    assert street.round()["state"] == "open"
    street.at(60)
    assert street.round()["transaction"] == winner
    assert street.order(whole)["state"] == "filled"


def test_a_round_decided_after_its_first_slot_began_trades_nothing(street):
    street.sells(90_000, {3: 50})
    street.wants(200_000, 20, 3, 4, 100, min_fill="all")
    street.at(50)
    street.must(NODE, "clearing.propose", **street.proposal())
    street.at(100)
    assert street.round()["state"] == "void"
    assert street.matched() == []


def test_a_feeder_limit_parts_the_prices_and_the_difference_is_the_communitys():
    street = Market(feeders=[{"id": "north", "up_limit_wh": 6, "down_limit_wh": 0}])
    street.joins("Di")
    street.offers(DI, street.asset(DI), 150_000, {3: 10})
    street.sells(90_000, {3: 10})
    street.buys(200_000, {3: 10})
    street.at(50)
    street.clears()
    trades = {trade["seller"]: trade for trade in street.matched()}
    assert trades[BO.address]["wh"] == 6
    assert trades[BO.address]["seller_price"] < trades[BO.address]["buyer_price"]
    assert trades[DI.address]["wh"] == 4
    assert trades[DI.address]["seller_price"] == trades[DI.address]["buyer_price"]
    street.time = START + 400_000
    street.reads(BO, street.roof, FIRST_SLOT + 3, exported_wh=6)
    street.reads(CY, street.house, FIRST_SLOT + 3, imported_wh=6)
    difference = trades[BO.address]["buyer_price"] - trades[BO.address]["seller_price"]
    street.at(500)
    settled = {trade["seller"]: trade for trade in street.events("trade.settled")}
    wh = settled[BO.address]["settled_wh"]
    assert wh > 0
    assert street.ledger.money.community == wh * (difference + 5_000)


FEEDERS = [{"id": "north", "up_limit_wh": 6, "down_limit_wh": None}]
numbers = st.one_of(st.integers(0, 12), st.integers(0, 300_000), st.sampled_from([2**31, 2**60, 2**63 - 1]))
duals = st.one_of(st.integers(0, 300_000), st.sampled_from([2**31, 2**53]))


@st.composite
def bent(draw, good):
    """Bend a right proposal anywhere that its form allows."""
    fills = {name: list(column) for name, column in good["fills"].items()}
    for column in fills.values():
        for place in draw(st.lists(st.integers(0, len(column) - 1), max_size=2)):
            column[place] = draw(numbers.filter(bool) if column is fills["wh"] else numbers)
    rows = {
        name: {
            node: [draw(values) if draw(st.integers(0, 5)) == 0 else value for value in row]
            for node, row in good[name].items()
        }
        for name, values in (("prices", st.none() | numbers), ("node_duals", duals | duals.map(int.__neg__)))
    }
    flexible = {rank: draw(duals | st.just(dual)) for rank, dual in good["flexible_duals"].items()}
    return good | rows | {"fills": fills, "flexible_duals": flexible}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_proposed_clears_the_round_or_is_refused_with_a_reason(data):
    street = Market(feeders=FEEDERS)
    street.sells(90_000, {2: 10, 3: 10})
    street.buys(200_000, {2: 8})
    street.wants(180_000, 12, 2, 4, 9)
    if data.draw(st.booleans()):
        street.wants(190_000, 3, 2, 4, 3, min_fill="all")
    street.at(50)
    good = street.proposal()
    proposal = data.draw(bent(good))
    (result,) = street.commit([street.write(NODE, "clearing.propose", **proposal)]).results
    if result.code is None:
        assert proposal["fills"] == good["fills"]
        assert proposal["prices"] == good["prices"]
    else:
        assert (result.code, len(street.round()["refused"])) == ("clearing_wrong", 1)
