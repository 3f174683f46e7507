"""What may enter the book, what an order holds, and how it ends."""

import pytest

from energy_ledger.units import MAX_MONEY
from tests.ledger_node.ledger.street import (
    ADA,
    EUR,
    FIRST_SLOT,
    START,
    Street,
    fixed,
    flexible,
    offer,
    person,
)

BO, CY = person("Bo"), person("Cy")


def block(price, profile, earliest, deadline):
    window = {"earliest": FIRST_SLOT + earliest, "deadline": FIRST_SLOT + deadline}
    return {"type": "block", "price": price, "profile_wh": profile} | window


class Home(Street):
    """A street in which Bo has a home of 100 Wh a slot both ways, and some money."""

    def __init__(self, **genesis):
        super().__init__(**genesis)
        self.joins("Bo")
        self.gets(BO, EUR)
        self.home = self.asset(BO)

    def place(self, terms):
        return self.must(BO, "order.place", asset=self.home, order=terms)

    def denies(self, terms):
        return self.refuses(BO, "order.place", asset=self.home, order=terms)


@pytest.fixture
def street():
    return Home()


def test_an_order_is_open_and_known_by_its_transaction(street):
    street.at(1)
    order = street.place(offer(90_000, {5: 10, 6: 20}, prefer_sources=["solar"], prefer=[ADA.address]))
    row = street.row("orders", order)
    assert row["order"]["prefer"] == (ADA.address,)
    del row["order"]
    assert row == {
        "id": order, "account": BO.address, "asset": street.home, "state": "open", "filled_wh": 0, "held": 0,
        "placed": START + 1000, "number": 1, "fills": {}, "commit": street.ledger.commit,
    }  # fmt: skip
    assert street.events("order.placed")[0]["id"] == order


@pytest.mark.parametrize(
    ("terms", "held"),
    [
        (offer(90_000, {5: 10}), 0),
        (fixed(6_000, {5: 10, 6: 5}), 90_000),
        (flexible(6_000, 30, 5, 9, 10), 180_000),
        (flexible(6_000, 30, 5, 9, 10, min_fill="all"), 180_000),
        (block(6_000, [10, 20], 5, 9), 180_000),
    ],
)
def test_a_bid_holds_what_it_may_cost_and_an_offer_nothing(street, terms, held):
    order = street.place(terms)
    assert street.row("orders", order)["held"] == held == street.account(BO).held
    street.must(BO, "order.cancel", order=order)
    assert street.account(BO).held == 0
    assert street.row("orders", order)["held"] == 0


def test_a_bid_must_be_paid_by_balance_and_credit_that_nothing_else_holds(street):
    whole = fixed(100_000, {5: 100, 6: 100})
    street.must(BO, "transfer", to=ADA.address, amount=EUR - 19_999_999)
    assert street.denies(whole) == ("not_enough_money", "order.price")
    street.must(ADA, "credit.set", member=BO.address, limit=1)
    street.place(whole)
    assert street.account(BO).available == 0
    assert street.denies(fixed(1, {5: 1})) == ("not_enough_money", "order.price")
    street.place(fixed(0, {5: 1}))
    street.place(offer(90_000, {5: 10}))


def test_who_owes_can_place_no_bid_not_even_for_nothing(street):
    street.must(ADA, "credit.set", member=BO.address, limit=1)
    street.must(BO, "transfer", to=ADA.address, amount=EUR + 1)
    street.must(ADA, "credit.set", member=BO.address, limit=0)
    assert street.denies(fixed(0, {5: 1})) == ("not_enough_money", "order.price")


def test_a_slot_is_open_as_long_as_a_round_to_come_trades_it(street):
    """With a gate of 20 s, the round that closes at 50 s trades from slot 1 on, that at 100 s from slot 2."""
    street.at(49)
    street.place(offer(1, {1: 1}))
    assert street.denies(offer(1, {0: 1})) == ("slot_closed", "order.slots")
    street.at(50)
    assert street.denies(offer(1, {2: 1, 1: 1})) == ("slot_closed", "order.slots")
    street.place(offer(1, {2: 1}))


def test_a_slot_opens_a_horizon_before_the_first_slot_that_is_open(street):
    street.place(offer(1, {20: 1}))
    assert street.denies(offer(1, {20: 1, 21: 1})) == ("beyond_horizon", "order.slots")


@pytest.mark.parametrize("make", [lambda a, d: flexible(1, 1, a, d, 1), lambda a, d: block(1, [1], a, d)])
def test_a_window_lies_within_the_open_slots(street, make):
    assert street.denies(make(0, 5)) == ("slot_closed", "order.earliest")
    assert street.denies(make(2, 22)) == ("beyond_horizon", "order.deadline")
    street.place(make(1, 21))


@pytest.mark.parametrize(
    "terms",
    [
        flexible(1, 31, 2, 5, 10),
        flexible(1, 1, 5, 5, 10),
        flexible(1, 1, 6, 5, 10),
        block(1, [1, 1, 1, 1], 2, 5),
        block(1, [1], 5, 2),
    ],
)
def test_a_window_must_be_long_enough_for_the_energy(street, terms):
    assert street.denies(terms) == ("window_too_short", "order.deadline")


def test_a_window_just_long_enough_is_taken(street):
    placed = [street.place(flexible(1, 30, 2, 5, 10)), street.place(block(1, [1, 1, 1], 2, 5))]
    assert [street.row("orders", one)["state"] for one in placed] == ["open", "open"]


def test_no_slot_takes_more_than_the_asset_is_rated_for():
    street = Home()
    small = street.asset(BO, rated_import_w=359, rated_export_w=36)

    def answer(terms):
        return street.do(BO, "order.place", asset=small, order=terms)

    for good, bad, field in [
        (offer(0, {5: 1}), offer(0, {6: 1, 5: 2}), "order.slots"),
        (fixed(0, {5: 9}), fixed(0, {5: 10}), "order.slots"),
        (flexible(0, 9, 2, 5, 9), flexible(0, 9, 2, 5, 10), "order.max_wh_per_slot"),
        (block(0, [1, 9], 2, 5), block(0, [10, 1], 2, 5), "order.profile_wh"),
    ]:
        assert answer(good).state == "applied"
        assert (answer(bad).code, answer(bad).field) == ("exceeds_rating", field)


def test_an_order_that_would_lapse_at_once_is_refused(street):
    street.at(10)
    assert street.denies(offer(1, {5: 1}, expires=street.time)) == ("bad_value", "order.expires")
    street.place(offer(1, {5: 1}, expires=street.time + 1))


def test_a_price_beyond_all_money_is_refused(street):
    huge = 2**63 - 1
    assert street.denies(fixed(huge, {5: 2})) == ("bad_value", "order.price")
    assert street.denies(offer(huge, {5: 2})) == ("bad_value", "order.price")
    assert street.denies(fixed(MAX_MONEY, {5: 1})) == ("not_enough_money", "order.price")
    street.place(offer(huge, {5: 1}))


def test_only_its_owner_cancels_an_order_and_only_while_it_is_open(street):
    street.joins("Cy")
    order = street.place(fixed(1, {5: 1}))
    assert street.refuses(CY, "order.cancel", order=order) == ("not_your_order", "order")
    assert street.refuses(BO, "order.cancel", order="00" * 32) == ("unknown_order", "order")
    street.must(BO, "order.cancel", order=order)
    assert street.row("orders", order)["state"] == "cancelled"
    assert street.events("order.cancelled")[0]["id"] == order
    assert street.refuses(BO, "order.cancel", order=order) == ("order_closed", "order")
    assert street.refuses(CY, "order.cancel", order=order) == ("not_your_order", "order")


def test_a_finished_order_is_forgotten_after_a_day(street):
    order = street.place(fixed(1, {5: 1}))
    street.must(BO, "order.cancel", order=order)
    street.at(86_399)
    assert street.refuses(BO, "order.cancel", order=order) == ("order_closed", "order")
    street.at(86_400)
    assert street.refuses(BO, "order.cancel", order=order) == ("unknown_order", "order")


def lapse_of(street, terms):
    """Place an order and return the last second at which it is still open."""
    order = street.place(terms)
    for second in range(1, 2000):
        street.at(second)
        if street.row("orders", order)["state"] == "lapsed":
            assert street.events("order.lapsed")[-1]["id"] == order
            assert street.account(BO).held == 0
            return second - 1
    return None


@pytest.mark.parametrize(
    ("terms", "last"),
    [
        (offer(1, {2: 1, 5: 1}), 450),
        (fixed(1, {4: 1}), 350),
        (fixed(1, {4: 1}, expires=START + 123_000), 123),
        (fixed(1, {4: 1}, expires=START + 999_000), 350),
        (flexible(1, 20, 2, 9, 10), 750),
        (flexible(1, 11, 2, 9, 10, min_fill="all"), 650),
        (block(1, [1, 1, 1], 2, 9), 550),
    ],
)
def test_an_order_lapses_after_the_last_close_that_could_fill_any_of_it(street, terms, last):
    """Slot n starts at 100 n seconds; with a gate of 20 s the last close before it is at 100 n - 50."""
    assert lapse_of(street, terms) == last


def test_the_ledger_asks_for_a_commit_when_an_order_lapses(street):
    assert street.ledger.next_due() is None
    street.place(offer(1, {5: 1}))
    order = street.place(fixed(1, {4: 1}, expires=START + 30_000))
    assert street.ledger.next_due() == START + 30_001
    street.must(BO, "order.cancel", order=order)
    assert street.ledger.next_due() == START + 450_001
