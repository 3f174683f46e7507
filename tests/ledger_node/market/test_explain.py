"""What a member is told about an order is true: at the stated price the same book fills it."""

from dataclasses import replace

from hypothesis import assume, given, settings

from energy_ledger.market.book import (
    BlockBid,
    Book,
    Clearing,
    Feeder,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from energy_ledger.market.depth import Depth, Step, depth
from energy_ledger.market.explain import Explanation, Interval, explain, find_interval, is_whole
from energy_ledger.market.solver import solve
from energy_ledger.market.verifier import verify
from energy_ledger.market.verify_book import read_terms
from energy_ledger.market.verify_fills import fill
from tests.ledger_node.market.books import books

thorough = settings(max_examples=200, deadline=None)


def middle(interval: Interval) -> tuple[tuple[int, ...], ...]:
    return tuple(
        tuple((low + high) // 2 for low, high in zip(*rows, strict=True))
        for rows in zip(interval.least, interval.greatest, strict=True)
    )


def explained(book: Book) -> tuple[Clearing, tuple[Explanation, ...]]:
    """Clear a book and explain it, at the charged prices where there are any."""
    clearing = solve(book)
    interval = find_interval(book, clearing.fills)
    prices = tuple(
        tuple(between if price is None else price for price, between in zip(charged, row, strict=True))
        for charged, row in zip(clearing.prices, middle(interval), strict=True)
    )
    return clearing, explain(book, clearing.fills, prices)


def at_price(book: Book, rank: int, price: int) -> Book:
    """The same book, one order with another limit."""
    offers, bids = list(book.offers), list(book.bids)
    if rank < len(offers):
        offers[rank] = replace(offers[rank], price=price)
    else:
        bids[rank - len(offers)] = replace(bids[rank - len(offers)], price=price)
    return replace(book, offers=tuple(offers), bids=tuple(bids))


def fills_of(clearing: Clearing, rank: int) -> dict[int, int]:
    fills = clearing.fills
    rows = zip(fills.rank, fills.slot, fills.wh, strict=True)
    return {slot: wh for owner, slot, wh in rows if owner == rank}


@thorough
@given(books(choices=False))
def test_at_the_stated_price_an_order_gets_more_and_one_short_of_it_nothing_more(book: Book) -> None:
    clearing, explanations = explained(book)
    for one in explanations:
        before = fills_of(clearing, one.rank)
        if one.price is None:
            continue
        after = fills_of(solve(at_price(book, one.rank, one.price)), one.rank)
        assert any(wh > before.get(slot, 0) for slot, wh in after.items())
        short = one.price + 1 if one.rank < len(book.offers) else one.price - 1
        nearly = fills_of(solve(at_price(book, one.rank, short)), one.rank)
        assert sum(nearly.values()) <= sum(before.values())


@thorough
@given(books(choices=False))
def test_where_no_price_is_stated_no_price_helps(book: Book) -> None:
    clearing, explanations = explained(book)
    for one in explanations:
        if one.price is None:
            best = 0 if one.rank < len(book.offers) else 1_000
            after = fills_of(solve(at_price(book, one.rank, best)), one.rank)
            assert sum(after.values()) == one.filled_wh
            assert one.filled_wh == sum(fills_of(clearing, one.rank).values())
            assert (one.reason == "filled") == (one.filled_wh == one.asked_wh)


def unlimited(book: Book) -> Book:
    """The same book without any feeder limit."""
    none = (None,) * book.slots
    feeders = (replace(feeder, up_limit_wh=none, down_limit_wh=none) for feeder in book.feeders)
    return replace(book, feeders=tuple(feeders))


@thorough
@given(books(choices=False))
def test_a_feeder_is_named_only_where_it_is_full_and_nobody_only_where_no_feeder_matters(book: Book) -> None:
    clearing, explanations = explained(book)
    carried = fill(read_terms(book), clearing.fills).carried
    for one in explanations:
        if one.reason == "feeder":
            feeder, row = next((f, book.nodes[f.id]) for f in book.feeders if f.id == one.feeder)
            flow = int(carried[row, one.slot])
            assert flow == feeder.up_limit_wh[one.slot] or -flow == feeder.down_limit_wh[one.slot]
        if one.reason == "no_counterpart":
            best = 0 if one.rank < len(book.offers) else 1_000
            anywhere = unlimited(at_price(book, one.rank, best))
            assert sum(fills_of(solve(anywhere), one.rank).values()) <= one.filled_wh


@thorough
@given(books(choices=True))
def test_at_the_stated_price_a_bid_that_wants_all_gets_all(book: Book) -> None:
    """With one such bid among orders that may be filled in part; more of them may do for less."""
    first = next((bid for bid in book.bids if not isinstance(bid, FixedBid) and is_whole(bid)), None)
    assume(first is not None)
    others = tuple(bid for bid in book.bids if isinstance(bid, FixedBid) or not is_whole(bid))
    book = replace(book, bids=(*others, first))
    one = explained(book)[1][-1]
    if one.price is not None and one.reason == "price":
        assert one.price > first.price
        assert sum(fills_of(solve(at_price(book, one.rank, one.price)), one.rank).values()) == one.asked_wh
    if one.reason == "indivisible":
        assert not fills_of(solve(at_price(book, one.rank, 1_000)), one.rank)


@thorough
@given(books(choices=True))
def test_the_interval_is_the_one_that_the_check_of_a_clearing_finds(book: Book) -> None:
    clearing = solve(book)
    verdict = verify(book, clearing)
    interval = find_interval(book, clearing.fills)
    assert (interval.least, interval.greatest) == (verdict.least, verdict.greatest)


FLAT = Tariff.flat(2, 10, 100, 5)
SUN = Offer("sun", "", 20, {0: 4})


def reasons(book: Book) -> dict[str, Explanation]:
    return {book.orders[one.rank].id: one for one in explained(book)[1]}


def test_a_bid_below_the_margin_is_told_the_price_of_its_best_slot() -> None:
    """The early bid at 50 has all of the sun: a later one comes first with one nano more."""
    early = FixedBid("early", "", 50, {0: 4})
    late = FixedBid("late", "", 40, {0: 1, 1: 1})
    book = Book(2, FLAT, (), (SUN,), (early, late))
    assert reasons(book)["late"] == Explanation(2, 2, 0, "price", slot=0, price=51)
    assert reasons(book)["early"].reason == "filled"


def test_prices_that_need_more_than_64_bits_on_the_way_are_told_exactly() -> None:
    most = 2**60
    bids = (FixedBid("early", "", most, {0: 4}), FixedBid("late", "", 7, {0: 1}))
    found = reasons(Book(2, Tariff.flat(2, 0, 2**61, 0), (), (SUN,), bids))
    assert found["late"] == Explanation(2, 1, 0, "price", slot=0, price=most + 1)


def test_an_offer_above_the_margin_is_told_at_which_price_it_would_have_sold() -> None:
    dear = Offer("dear", "", 60, {0: 2})
    book = Book(2, FLAT, (), (SUN, dear), (FixedBid("bid", "", 50, {0: 5}),))
    assert reasons(book)["dear"] == Explanation(1, 2, 0, "price", slot=0, price=45)
    assert reasons(book)["bid"] == Explanation(2, 5, 4, "price", slot=0, price=65)


def test_the_fee_of_the_slot_is_in_the_price() -> None:
    tariff = replace(FLAT, grid_fee=(5, 9))
    book = Book(2, tariff, (), (Offer("sun", "", 30, {0: 4, 1: 4}),), (FixedBid("bid", "", 20, {1: 1}),))
    assert reasons(book)["bid"].price == 39


def test_who_comes_late_at_the_cap_is_told_so() -> None:
    bids = tuple(FixedBid(name, "", 500, {0: 4}) for name in ("early", "late"))
    assert reasons(Book(2, FLAT, (), (SUN,), bids))["late"] == Explanation(2, 4, 0, "priority", slot=0)


def test_a_full_feeder_is_named() -> None:
    hill = Feeder("hill", (3, 3), (0, 0))
    valley = Feeder("valley", (None, None), (None, None), "hill")
    offer = Offer("sun", "valley", 20, {0: 4})
    found = reasons(Book(2, FLAT, (hill, valley), (offer,), (FixedBid("bid", "", 500, {0: 9}),)))
    assert found["bid"] == Explanation(1, 9, 3, "feeder", slot=0, feeder="hill")
    assert found["sun"] == Explanation(0, 4, 3, "feeder", slot=0, feeder="hill")


def test_who_finds_nobody_is_told_so() -> None:
    found = reasons(Book(2, FLAT, (), (SUN,), (FixedBid("night", "", 500, {1: 4}),)))
    assert found["night"] == Explanation(1, 4, 0, "no_counterpart")
    assert found["sun"] == Explanation(0, 4, 0, "no_counterpart")


def test_all_or_nothing_that_cannot_be_had_whole_is_told_so() -> None:
    for bid in (
        FlexibleBid("all", "", 500, 5, 0, 2, 5, "all"),
        BlockBid("all", "", 500, (4, 1), 0, 2),
    ):
        found = reasons(Book(2, FLAT, (), (SUN,), (bid,)))["all"]
        assert found == Explanation(1, 5, 0, "indivisible")


def test_a_block_that_takes_from_others_is_told_what_that_is_worth() -> None:
    """The price lies between 20 and 45; whoever would gain at it and is not accepted is so paradoxically."""
    others = FixedBid("others", "", 50, {0: 4})
    for price, reason in ((37, "price"), (38, "paradoxical")):
        book = Book(2, FLAT, (), (SUN,), (others, BlockBid("block", "", price, (2,), 0, 1)))
        assert reasons(book)["block"] == Explanation(2, 2, 0, reason, slot=0, price=51)


def test_the_curves_of_a_slot_count_what_the_tariff_makes_of_prices() -> None:
    book = Book(
        2,
        FLAT,
        (),
        (SUN, Offer("cheap", "", 1, {0: 3}), Offer("low", "", 10, {0: 2}), Offer("dear", "", 101, {0: 9})),
        (
            FixedBid("rich", "", 500, {0: 2, 1: 9}),
            FixedBid("poor", "", 14, {0: 9}),
            FlexibleBid("car", "", 105, 6, 0, 2, 4),
            BlockBid("wash", "", 60, (3, 2), 0, 2),
        ),
    )
    assert depth(book, 0) == Depth(
        supply=(Step(10, 5), Step(20, 4)), demand=(Step(100, 6, 4), Step(55, 3, 3))
    )
    assert depth(book, 1).supply == ()


@thorough
@given(books(choices=True))
def test_the_curves_hold_what_takes_part_in_a_slot(book: Book) -> None:
    for slot in range(book.slots):
        curves = depth(book, slot)
        for steps, sign in ((curves.supply, 1), (curves.demand, -1)):
            prices = [sign * step.price for step in steps]
            assert prices == sorted(set(prices))
            assert all(0 <= step.movable_wh <= step.wh and step.wh > 0 for step in steps)
        filled = sum(
            wh
            for rank, at, wh in zip(*vars(solve(book).fills).values(), strict=True)
            if at == slot and rank < len(book.offers)
        )
        assert filled <= sum(step.wh for step in curves.supply)
        assert filled <= sum(step.wh for step in curves.demand)
