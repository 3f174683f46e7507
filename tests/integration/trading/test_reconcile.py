"""Orders that are still right stay; the rest is replaced; promises of money are kept."""

from datetime import UTC

import pytest

from custom_components.energy_marketplace.trading.reconcile import beside, reconcile, standing
from custom_components.energy_marketplace.trading.sentences import ENGLISH, Sentence
from custom_components.energy_marketplace.trading.wanted import Budget, affordable
from custom_components.energy_marketplace.trading.wishes import RunWish, SlotWish, WindowWish
from tests.integration.trading.market import NOW_SLOT, placed, trade

WHY = Sentence("rests")
FIRST = NOW_SLOT + 2
OFFER = SlotWish("roof", True, 100_000, {FIRST: 500, FIRST + 1: 600}, WHY)
WINDOW = WindowWish("roof", 250_000, 2_000, FIRST, FIRST + 20, 500, WHY)
RUN = RunWish("roof", 250_000, (300, 200), FIRST, FIRST + 20, WHY)


def stand(*wishes, trades=()):
    orders = [placed(str(number), wish.order().as_dict()) for number, wish in enumerate(wishes)]
    return standing(orders, trades, FIRST)


@pytest.mark.parametrize("wish", [OFFER, WINDOW, RUN])
def test_what_stands_is_not_ordered_again(wish):
    changes = reconcile([wish], stand(wish))
    assert (changes.place, changes.cancel, len(changes.keep)) == ((), (), 1)


@pytest.mark.parametrize("wish", [OFFER, WINDOW, RUN])
def test_what_nobody_wants_any_more_is_taken_back(wish):
    changes = reconcile([], stand(wish))
    assert [order.id for order in changes.cancel] == ["0"]


@pytest.mark.parametrize(
    ("stands", "wanted"),
    [
        (OFFER, SlotWish("roof", True, 104_000, OFFER.slots, WHY)),  # it sells too cheaply
        (OFFER, SlotWish("roof", True, 90_000, OFFER.slots, WHY)),  # nobody would buy
        (OFFER, SlotWish("roof", True, 100_000, {FIRST: 400, FIRST + 1: 600}, WHY)),  # too much
        (OFFER, SlotWish("other", True, 100_000, OFFER.slots, WHY)),
        (OFFER, SlotWish("roof", False, 100_000, OFFER.slots, WHY)),
        (WINDOW, WindowWish("roof", 240_000, 2_000, FIRST, FIRST + 20, 500, WHY)),  # it pays too much
        (WINDOW, WindowWish("roof", 250_000, 1_500, FIRST, FIRST + 20, 500, WHY)),  # too much
        (WINDOW, WindowWish("roof", 250_000, 2_600, FIRST, FIRST + 20, 500, WHY)),  # too little
        (WINDOW, WindowWish("roof", 250_000, 2_000, FIRST, FIRST + 19, 500, WHY)),  # too late
        (WINDOW, WindowWish("roof", 250_000, 2_000, FIRST - 1, FIRST + 20, 500, WHY)),  # it opens too late
        (RUN, RunWish("roof", 250_000, (300, 300), FIRST, FIRST + 20, WHY)),
        (RUN, WINDOW),
        (WINDOW, RUN),
    ],
)
def test_an_order_that_is_not_right_is_replaced(stands, wanted):
    changes = reconcile([wanted], stand(stands))
    assert ([order.id for order in changes.cancel], changes.place) == (["0"], (wanted,))


@pytest.mark.parametrize(
    ("stands", "wanted"),
    [
        (OFFER, SlotWish("roof", True, 98_000, {FIRST: 495, FIRST + 1: 590}, WHY)),
        (OFFER, SlotWish("roof", True, 100_000, {FIRST: 510, FIRST + 1: 640}, WHY)),
        (WINDOW, WindowWish("roof", 253_000, 2_100, FIRST + 3, FIRST + 20, 500, WHY)),
    ],
)
def test_a_small_difference_is_let_pass_unless_money_is_short(stands, wanted):
    changes = reconcile([wanted], stand(stands))
    assert (changes.cancel, changes.place) == ((), ())
    less = SlotWish("roof", True, 100_000, {FIRST: 490, FIRST + 1: 600}, WHY)
    assert reconcile([less], stand(OFFER), exact=True).cancel
    fewer = WindowWish("roof", 250_000, 1_990, FIRST, FIRST + 20, 500, WHY)
    assert reconcile([fewer], stand(WINDOW), exact=True).cancel


def test_only_what_is_missing_is_ordered():
    wanted = SlotWish("roof", True, 100_000, {FIRST: 800, FIRST + 1: 600, FIRST + 2: 70}, WHY)
    changes = reconcile([wanted], stand(OFFER))
    assert changes.cancel == ()
    assert [wish.slots for wish in changes.place] == [{FIRST: 300, FIRST + 2: 70}]


def test_what_was_filled_is_not_standing_any_more():
    sold = trade(FIRST, 500, sell_order="0")
    (rest,) = stand(OFFER, trades=[sold])
    assert (rest.slots, rest.rest_wh) == ({FIRST + 1: 600}, 600)
    bid = [placed("0", WINDOW.order().as_dict())]
    assert standing(bid, [], FIRST)[0].rest_wh == 2_000
    assert standing(bid, [], FIRST + 20) == []
    assert standing([placed("0", OFFER.order().as_dict())], [], FIRST + 2) == []


def test_orders_of_the_people_count_as_if_they_were_wished_for():
    theirs = [
        placed("a", OFFER.order().as_dict()),
        placed("b", WINDOW.order().as_dict()),
    ]
    more = SlotWish("roof", True, 100_000, {FIRST: 700, FIRST + 1: 600}, WHY)
    window = WindowWish("roof", 250_000, 2_300, FIRST, FIRST + 20, 500, WHY)
    rest = beside([more, window, RUN], theirs, [], own=(), first_open=FIRST)
    assert [getattr(wish, "slots", None) or wish.energy_wh for wish in rest] == [{FIRST: 200}, 300]
    assert beside([OFFER, WINDOW, RUN], theirs, [], own=("a", "b"), first_open=FIRST) == [OFFER, WINDOW, RUN]
    assert beside([OFFER, WINDOW], theirs, [], own=(), first_open=FIRST) == []


def budget(daily, total=None, trades=(), others=()):
    return Budget.of(daily, total, slot_s=900, zone=UTC, trades=trades, others=others, point="home")


def test_wishes_are_cut_where_the_money_ends():
    bid = SlotWish("home", False, 200_000, {FIRST: 500, FIRST + 1: 500}, WHY)
    money = 700 * 200_000
    (cut,) = affordable([bid], budget(money))
    assert cut.slots == {FIRST: 500, FIRST + 1: 200}
    assert affordable([OFFER, bid], budget(0)) == [OFFER]
    (window,) = affordable([WINDOW], budget(None, 1_000 * 250_000))
    assert (window.energy_wh, window.max_wh_per_slot) == (1_000, 500)
    assert affordable([WINDOW], budget(10 * 250_000)) == []
    assert affordable([RUN], budget(500 * 250_000)) == [RUN]
    assert affordable([RUN], budget(499 * 250_000)) == []


def test_what_was_bought_and_what_others_ordered_is_spent_already():
    bought = trade(FIRST, 500, buy_point="home", buyer_price=200_000, fee=0)
    bid = SlotWish("home", False, 200_000, {FIRST: 500}, WHY)
    assert affordable([bid], budget(600 * 200_000, trades=[bought]))[0].slots == {FIRST: 100}
    held = placed("a", bid.order().as_dict())
    held = type(held)(**{**{name: getattr(held, name) for name in held.__dataclass_fields__}, "held": 10**8})
    assert affordable([bid], budget(10**8, others=[held])) == []


def test_every_sentence_can_be_said():
    values = {"energy_wh": 1_234, "missing_wh": 1, "start_ms": 0, "end_ms": 5_400_000, "finish_ms": 0,
              "price": 123_456, "outside": 305_000, "money": 2_500_000_000,
              "low_c": 45, "high_c": 60}  # fmt: skip
    said = {key: Sentence(key, values).english(UTC, "EUR") for key in ENGLISH}
    assert all(text.endswith(".") and "{" not in text for text in said.values())
    assert said["offers_surplus"] == (
        "Offers 1.23 kWh of surplus from 00:00 to 01:30 for 0.123 EUR/kWh or more, "
        "because the supplier would pay 0.305 EUR/kWh only."
    )
    assert said["kept_warm"] == "It is kept between 45 °C and 60 °C."
    assert Sentence("x", {"name": "Roof", "money": 5 * 10**8}).placeholders() == {
        "name": "Roof",
        "money": "0.50 EUR",
    }
