"""The rules of the auction, one small book per rule, with figures that can be checked by hand."""

from collections.abc import Mapping

from energy_ledger.market.book import (
    Bid,
    BlockBid,
    Book,
    Clearing,
    Feeder,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from energy_ledger.market.solver import solve
from energy_ledger.market.verifier import verify


def offer(name: str, price: int, *wh: int, feeder: str = "") -> Offer:
    """An offer of so many Wh in slot 0, 1, …"""
    return Offer(name, feeder, price, amounts(wh))


def bid(name: str, price: int, *wh: int, feeder: str = "") -> FixedBid:
    """A fixed bid for so many Wh in slot 0, 1, …"""
    return FixedBid(name, feeder, price, amounts(wh))


def amounts(wh: tuple[int, ...]) -> Mapping[int, int]:
    return {slot: amount for slot, amount in enumerate(wh) if amount}


def book(*orders: Offer | Bid, slots: int = 1, fee: int = 0, feeders: tuple[Feeder, ...] = ()) -> Book:
    return Book(
        slots,
        Tariff.flat(slots, 10, 100, fee),
        feeders,
        tuple(order for order in orders if isinstance(order, Offer)),
        tuple(order for order in orders if not isinstance(order, Offer)),
    )


def clear(street: Book) -> Clearing:
    clearing = solve(street)
    assert verify(street, clearing).valid
    return clearing


def filled(street: Book) -> dict[str, dict[int, int]]:
    """What each order gets, by slot."""
    fills = clear(street).fills
    result: dict[str, dict[int, int]] = {}
    for rank, slot, wh in zip(fills.rank, fills.slot, fills.wh, strict=True):
        result.setdefault(street.orders[rank].id, {})[slot] = wh
    return result


def test_both_sides_of_a_fully_filled_slot_meet_in_the_middle_rounded_down() -> None:
    clearing = clear(book(offer("roof", 20, 5), bid("oven", 51, 5)))
    assert clearing.prices == ((35,),)
    assert (clearing.welfare, clearing.volume_wh) == (5 * 31, 5)


def test_a_half_filled_offer_sets_the_price() -> None:
    assert clear(book(offer("roof", 20, 5), bid("oven", 50, 3))).prices == ((20,),)


def test_a_half_filled_bid_sets_the_price() -> None:
    assert clear(book(offer("roof", 20, 5), bid("oven", 50, 8))).prices == ((50,),)


def test_unfilled_orders_narrow_the_interval() -> None:
    street = book(offer("roof", 20, 5), offer("dear", 40, 5), bid("oven", 90, 5), bid("late", 30, 5))
    assert filled(street) == {"roof": {0: 5}, "oven": {0: 5}}
    assert clear(street).prices == ((35,),)


def test_the_fee_comes_off_what_a_bid_can_pay() -> None:
    street = book(offer("roof", 20, 5), bid("oven", 50, 5), fee=10)
    assert clear(street).prices == ((30,),)
    assert filled(book(offer("roof", 20, 5), bid("oven", 29, 5), fee=10)) == {}


def test_sellers_below_the_floor_and_buyers_above_the_cap_count_as_at_them() -> None:
    clearing = clear(book(offer("gift", 1, 5), bid("rich", 400, 5)))
    assert (clearing.prices, clearing.welfare) == (((55,),), 5 * 90)


def test_sellers_above_the_cap_and_buyers_below_the_floor_take_no_part() -> None:
    clearing = clear(book(offer("roof", 101, 5), bid("rich", 400, 5)))
    assert (clearing.prices, clearing.volume_wh) == (((None,),), 0)
    assert filled(book(offer("gift", 1, 5), bid("mean", 9, 5))) == {}


def test_a_market_of_one_side_has_no_price() -> None:
    assert clear(book(offer("roof", 20, 5))).prices == ((None,),)
    assert clear(book(bid("oven", 20, 5))).prices == ((None,),)


def test_at_equal_prices_the_most_is_traded_and_the_earlier_order_comes_first() -> None:
    street = book(
        offer("one", 30, 4), offer("two", 30, 4), bid("three", 30, 2), bid("four", 30, 3), bid("five", 30, 9)
    )
    assert filled(street) == {
        "one": {0: 4},
        "two": {0: 4},
        "three": {0: 2},
        "four": {0: 3},
        "five": {0: 3},
    }


def test_behind_a_full_feeder_the_price_differs() -> None:
    feeder = Feeder("east", (2,), (None,))
    street = book(
        offer("roof", 20, 9, feeder="east"),
        offer("wind", 60, 9),
        bid("oven", 90, 5),
        bid("lamp", 30, 1, feeder="east"),
        feeders=(feeder,),
    )
    assert filled(street) == {"roof": {0: 3}, "wind": {0: 3}, "oven": {0: 5}, "lamp": {0: 1}}
    assert clear(street).prices == ((60,), (20,))


def test_a_limit_into_a_feeder_binds_as_well() -> None:
    feeder = Feeder("east", (None,), (2,))
    street = book(offer("wind", 20, 9), bid("oven", 90, 5, feeder="east"), feeders=(feeder,))
    assert filled(street) == {"wind": {0: 2}, "oven": {0: 2}}
    assert clear(street).prices == ((20,), (90,))


def test_a_flexible_bid_takes_the_cheapest_slots_it_can() -> None:
    street = book(
        offer("dawn", 50, 9), offer("noon", 20, 0, 9), FlexibleBid("car", "", 90, 8, 0, 2, 6), slots=2
    )
    assert filled(street)["car"] == {0: 2, 1: 6}


def test_a_flexible_bid_leaves_slots_below_the_floor_alone() -> None:
    tariff = Tariff((10, 40), (100, 100), (0, 0))
    street = Book(2, tariff, (), (offer("roof", 5, 3, 9),), (FlexibleBid("car", "", 30, 8, 0, 2, 6),))
    assert filled(street) == {"roof": {0: 3}, "car": {0: 3}}


def test_what_earlier_rounds_filled_is_no_longer_free() -> None:
    car = FlexibleBid("car", "", 90, 4, 0, 2, 6, taken_wh={0: 5})
    street = book(offer("roof", 20, 9, 9), car, slots=2)
    assert filled(street)["car"] == {0: 1, 1: 3}


def test_all_or_nothing_gets_all_or_nothing() -> None:
    pool = FlexibleBid("pool", "", 90, 8, 0, 2, 6, "all")
    assert filled(book(offer("roof", 20, 4, 4), pool, slots=2))["pool"] == {0: 4, 1: 4}
    assert filled(book(offer("roof", 20, 4, 3), pool, slots=2)) == {}


def test_an_all_or_nothing_bid_pays_its_limit_on_average() -> None:
    """4 Wh at 20 and 4 Wh at 60 are 40 on average: worth it at 40, not at 39."""
    offers = offer("noon", 20, 4), offer("dusk", 60, 0, 4)
    assert filled(book(*offers, FlexibleBid("pool", "", 40, 8, 0, 2, 4, "all"), slots=2))["pool"] == {
        0: 4,
        1: 4,
    }
    assert filled(book(*offers, FlexibleBid("pool", "", 39, 8, 0, 2, 4, "all"), slots=2)) == {}


def test_a_block_runs_in_one_piece_where_it_is_cheapest() -> None:
    wash = BlockBid("wash", "", 90, (2, 1), 0, 4)
    street = book(offer("roof", 50, 2, 2, 2, 2), offer("noon", 20, 0, 0, 2, 1), wash, slots=4)
    assert filled(street)["wash"] == {2: 2, 3: 1}


def test_of_equal_starts_a_block_takes_the_first() -> None:
    street = book(offer("roof", 50, 2, 2, 2, 2), BlockBid("wash", "", 90, (2, 1), 1, 4), slots=4)
    assert filled(street)["wash"] == {1: 2, 2: 1}


def test_of_equal_blocks_the_earlier_is_accepted() -> None:
    blocks = BlockBid("one", "", 90, (2,), 0, 1), BlockBid("two", "", 90, (2,), 0, 1)
    assert filled(book(offer("roof", 50, 3), *blocks))["one"] == {0: 2}


def test_a_block_that_would_lose_at_the_midpoint_brings_the_price_down() -> None:
    """The interval is [20, 90]; at its middle the block, worth 40 a Wh, would lose, at 20 it gains."""
    street = book(offer("roof", 20, 5), bid("oven", 90, 2), BlockBid("wash", "", 40, (3,), 0, 1))
    assert filled(street) == {"roof": {0: 5}, "oven": {0: 2}, "wash": {0: 3}}
    assert clear(street).prices == ((20,),)


def test_other_slots_keep_their_midpoints_when_a_block_brings_one_down() -> None:
    street = book(
        offer("roof", 20, 5, 5), bid("oven", 90, 2, 5), BlockBid("wash", "", 40, (3,), 0, 1), slots=2
    )
    assert clear(street).prices == ((20, 55),)


def test_a_block_that_loses_at_every_price_is_left_out_and_shows_as_a_gap() -> None:
    """Served half by the roof at 30, half by the wind at 46, it is good for the street; but 46 would be the
    price, above the block's 40. Could it be split, the roof's half would bring 20: that is the bound.
    """
    street = book(offer("roof", 30, 2), offer("wind", 46, 4), BlockBid("wash", "", 40, (4,), 0, 1))
    clearing = clear(street)
    assert filled(street) == {}
    assert (clearing.welfare, clearing.bound, clearing.status) == (0, 20, "feasible")
    assert clearing.gap_ppm == 1_000_000
