"""Fills become trades: every Wh once, preferences first, money flowing only one way."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.market.book import Bid, Book, Clearing, Feeder, FixedBid, Offer, Tariff
from energy_ledger.market.pairing import FEW_PAIRS, NOBODY, Party, SlotPairs, _Side, _Table, apportion, pair
from energy_ledger.market.solver import solve
from tests.ledger_node.market.books import books

thorough = settings(max_examples=150, deadline=None)
HOUSES = ("ada", "bob", "eve")


class Pair(NamedTuple):
    """A seller and a buyer in a slot."""

    offer: str
    bid: str
    slot: int
    wh: int
    seller_price: int
    buyer_price: int


def all_pairs(book: Book, clearing: Clearing, known: Mapping[str, Party]) -> list[Pair]:
    """The pairs of all slots, with who they are and what they pay."""
    return [
        Pair(
            found.sellers[seller],
            found.buyers[buyer],
            found.slot,
            wh,
            found.seller_prices[seller],
            found.buyer_prices[buyer],
        )
        for found in pair(book, clearing, known)
        for seller, buyer, wh in found.pairs
    ]


def parties(book: Book, random: Random) -> dict[str, Party]:
    """Somebody behind every order, with some wishes."""
    return {
        order.id: Party(
            member=random.choice(HOUSES),
            asset=f"asset of {order.id}",
            source=random.choice(["solar", "wind"]) if isinstance(order, Offer) else None,
            prefer=tuple(random.sample([*HOUSES, "asset of o0", "asset of b0"], random.randint(0, 2))),
            prefer_sources=tuple(random.sample(["solar", "wind"], random.randint(0, 1))),
        )
        for order in book.orders
    }


@thorough
@given(books(choices=True), st.randoms(use_true_random=False))
def test_every_filled_wh_is_paired_once_with_somebody_of_the_same_slot(book: Book, random: Random) -> None:
    clearing = solve(book)
    sold: Counter[tuple[str, int]] = Counter()
    for found in all_pairs(book, clearing, parties(book, random)):
        assert found.wh > 0
        sold[found.offer, found.slot] += found.wh
        sold[found.bid, found.slot] += found.wh
    fills = clearing.fills
    assert sold == {
        (book.orders[rank].id, slot): wh
        for rank, slot, wh in zip(fills.rank, fills.slot, fills.wh, strict=True)
    }


@thorough
@given(books(choices=True), st.randoms(use_true_random=False))
def test_each_side_has_the_price_of_its_feeder_and_no_pair_costs_the_community(
    book: Book, random: Random
) -> None:
    clearing = solve(book)
    feeder = {order.id: book.nodes[order.feeder] for order in book.orders}
    for found in all_pairs(book, clearing, parties(book, random)):
        assert found.seller_price == clearing.prices[feeder[found.offer]][found.slot]
        assert found.buyer_price == clearing.prices[feeder[found.bid]][found.slot]
        assert found.buyer_price >= found.seller_price


@thorough
@given(books(choices=True), st.randoms(use_true_random=False))
def test_pairs_are_the_same_every_time_and_sorted(book: Book, random: Random) -> None:
    known = parties(book, random)
    clearing = solve(book)
    pairs = all_pairs(book, clearing, known)
    assert pairs == all_pairs(replace(book), clearing, dict(reversed(known.items())))
    rank = {order.id: place for place, order in enumerate(book.orders)}
    assert [(each.slot, rank[each.offer], rank[each.bid]) for each in pairs] == sorted(
        {(each.slot, rank[each.offer], rank[each.bid]) for each in pairs}
    )


def offer(name: str, wh: int, price: int = 20, feeder: str = "") -> Offer:
    return Offer(name, feeder, price, {0: wh})


def bid(name: str, wh: int, price: int = 80, feeder: str = "") -> FixedBid:
    return FixedBid(name, feeder, price, {0: wh})


def pairs(
    *orders: Offer | Bid, known: dict[str, Party] | None = None, feeders: tuple[Feeder, ...] = ()
) -> set[tuple[str, str, int]]:
    """The pairs of a one-slot street."""
    offers = tuple(order for order in orders if isinstance(order, Offer))
    bids = tuple(order for order in orders if not isinstance(order, Offer))
    book = Book(1, Tariff.flat(1, 10, 100, 0), feeders, offers, bids)
    found = all_pairs(book, solve(book), known or {})
    return {(each.offer, each.bid, each.wh) for each in found}


def test_without_wishes_everybody_gets_a_share_of_everybody() -> None:
    assert pairs(offer("a", 6), offer("b", 3), bid("x", 3), bid("y", 6)) == {
        ("a", "x", 2),
        ("b", "x", 1),
        ("a", "y", 4),
        ("b", "y", 2),
    }


def test_a_preferred_member_comes_first() -> None:
    known = {"b": Party("bob", "roof"), "y": Party("eve", "car", prefer=("bob",))}
    assert pairs(offer("a", 6), offer("b", 3), bid("x", 3), bid("y", 6), known=known) == {
        ("a", "x", 3),
        ("a", "y", 3),
        ("b", "y", 3),
    }


def test_a_seller_may_prefer_too() -> None:
    known = {"a": Party("ada", "roof", prefer=("car",)), "y": Party("eve", "car")}
    assert ("a", "y", 6) in pairs(offer("a", 6), offer("b", 3), bid("x", 3), bid("y", 6), known=known)


def test_of_two_who_prefer_the_same_the_earlier_order_is_served() -> None:
    known = {
        "b": Party("bob", "roof"),
        "x": Party("ada", "oven", prefer=("bob",)),
        "y": Party("eve", "car", prefer=("bob",)),
    }
    assert ("b", "x", 3) in pairs(offer("a", 6), offer("b", 3), bid("x", 3), bid("y", 6), known=known)


def test_a_preferred_source_comes_before_a_share_of_everybody() -> None:
    known = {
        "a": Party("ada", "mill", source="wind"),
        "b": Party("bob", "roof", source="solar"),
        "x": Party("eve", "oven", prefer_sources=("solar",)),
    }
    assert pairs(offer("a", 6), offer("b", 3), bid("x", 3), bid("y", 6), known=known) == {
        ("b", "x", 3),
        ("a", "y", 6),
    }


def test_a_preferred_source_comes_after_a_preferred_member() -> None:
    known = {
        "a": Party("ada", "mill", source="wind"),
        "b": Party("bob", "roof", source="solar"),
        "x": Party("eve", "oven", prefer_sources=("solar",)),
        "y": Party("eve", "car", prefer=("bob",)),
    }
    assert pairs(offer("a", 5), offer("b", 4), bid("x", 6), bid("y", 3), known=known) == {
        ("b", "y", 3),
        ("b", "x", 1),
        ("a", "x", 5),
    }


def test_a_wish_against_the_direction_of_energy_is_not_met() -> None:
    """Behind the full feeder energy is cheap; the dear seller outside cannot serve the cheap buyer inside."""
    known = {"wind": Party("ada", "mill"), "lamp": Party("eve", "lamp", prefer=("ada",))}
    found = pairs(
        offer("roof", 9, 20, "east"),
        offer("wind", 9, 60),
        bid("oven", 5, 90),
        bid("lamp", 1, 30, "east"),
        known=known,
        feeders=(Feeder("east", (2,), (None,)),),
    )
    assert found == {("roof", "lamp", 1), ("roof", "oven", 2), ("wind", "oven", 3)}


def test_a_wish_takes_no_energy_that_only_others_can_reach() -> None:
    """The oven outside would like all of the roof inside, but the lamp inside has no other seller."""
    known = {"roof": Party("ada", "roof"), "oven": Party("eve", "oven", prefer=("ada",))}
    found = pairs(
        offer("roof", 9, 20, "east"),
        offer("wind", 9, 60),
        bid("oven", 5, 90),
        bid("lamp", 1, 30, "east"),
        known=known,
        feeders=(Feeder("east", (2,), (None,)),),
    )
    assert ("roof", "lamp", 1) in found


def test_a_crowd_is_paired_in_portions_so_that_trades_grow_with_the_people() -> None:
    sellers, buyers = 30, 40
    assert sellers * buyers > FEW_PAIRS
    found = pairs(
        *(offer(f"o{index}", 400 + index) for index in range(sellers)),
        *(bid(f"b{index}", 300 + index) for index in range(buyers)),
    )
    assert len(found) <= 3 * (sellers + buyers)


@thorough
@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(1, 9), st.data())
def test_shares_add_up_and_stay_within_portions_of_the_exact_ones(
    rests: list[int], portion: int, data: st.DataObject
) -> None:
    amount = data.draw(st.integers(0, sum(rests)))
    shares = apportion(amount, rests, portion)
    assert sum(shares) == amount
    for share, rest in zip(shares, rests, strict=True):
        assert 0 <= share <= rest
        assert abs(share * sum(rests) - amount * rest) < portion * max(1, sum(rests))


def test_equal_remainders_go_to_the_earlier() -> None:
    assert apportion(2, [1, 1, 1]) == [1, 1, 0]
    assert apportion(3, [4, 2, 2]) == [1, 1, 1]


def test_a_pair_tells_who_pays_what() -> None:
    book = Book(1, Tariff.flat(1, 10, 100, 0), (), (offer("a", 5),), (bid("x", 5),))
    assert pair(book, solve(book), {}) == [SlotPairs(0, ["a"], ["x"], (50,), (50,), [(0, 0, 5)])]


SIDES = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 300)), max_size=14)


@given(sellers=SIDES, buyers=SIDES, levels=st.sampled_from([1, 3]))
def test_sharing_in_portions_is_what_apportioning_seller_by_seller_gives(sellers, buyers, levels):
    """Where many meet, the largest rests are taken from a heap; the result must not show it."""
    sellers, buyers = ([(level % levels, wh) for level, wh in side] for side in (sellers, buyers))

    def table():
        sides = []
        for side in (sellers, buyers):
            names, prices = [str(place) for place in range(len(side))], [level for level, _ in side]
            rests = [wh for _, wh in side]
            sides.append(_Side(names, [NOBODY] * len(side), prices, prices, rests))
        made = _Table(*sides, levels=levels)
        made.spare = [max(0, spare) for spare in made.spare]
        return made

    quick, slow = table(), table()
    quick.share()
    for buyer in sorted(range(len(buyers)), key=lambda buyer: buyers[buyer][0]):
        sold = slow.sellers.rests
        pool = [i for i, level in enumerate(slow.sellers.levels) if sold[i] and level <= buyers[buyer][0]]
        shares = apportion(slow.buyers.rests[buyer], [sold[seller] for seller in pool], slow.portion)
        for seller, wh in zip(pool, shares, strict=True):
            slow.give(seller, buyer, wh)
    assert quick.pairs() == slow.pairs()
