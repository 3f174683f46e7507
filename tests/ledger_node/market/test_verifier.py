"""The verifier accepts exactly the right clearings: any change of a result is refused."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import assume, given, settings

from energy_ledger.market.book import (
    BlockBid,
    Book,
    Clearing,
    Feeder,
    Fills,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from energy_ledger.market.solver import solve
from energy_ledger.market.verifier import verify
from tests.ledger_node.market.books import books
from tests.ledger_node.market.reference import Reference, Score, Surplus

thorough = settings(max_examples=120, deadline=None)
type Row = tuple[int, int, int]


def with_rows(clearing: Clearing, rows: list[Row]) -> Clearing:
    """The clearing with other fills, given as (rank, slot, Wh)."""
    rank, slot, wh = zip(*sorted(rows), strict=True) if rows else ((), (), ())
    return replace(clearing, fills=Fills(rank, slot, wh))


def rows_of(clearing: Clearing) -> list[Row]:
    return list(zip(clearing.fills.rank, clearing.fills.slot, clearing.fills.wh, strict=True))


def changed_fills(book: Book, clearing: Clearing) -> Iterator[Clearing]:
    """Every change of one fill by one Wh, slot or order, and one fill too few or too many.

    But not to or from a block or all-or-nothing bid: which are accepted is taken as given.
    """
    rows = rows_of(clearing)
    is_choice = Reference(book).is_choice
    for index, (rank, slot, wh) in enumerate(rows):
        rest = rows[:index] + rows[index + 1 :]
        yield with_rows(clearing, rest)
        yield with_rows(clearing, [*rows, (rank, slot, wh)])
        for row in (
            (rank, slot, wh + 1),
            (rank, slot, wh - 1),
            (rank, slot + 1, wh),
            (rank, slot - 1, wh),
            *(
                (other, slot, wh)
                for other in range(len(book.orders))
                if other != rank and not (is_choice(other) or is_choice(rank))
            ),
        ):
            yield with_rows(clearing, [*rest, row])


def changed_figures(clearing: Clearing) -> Iterator[Clearing]:
    """Every figure one up or down."""
    for name in ("welfare", "bound", "gap_ppm", "volume_wh"):
        for step in (-1, 1):
            yield replace(clearing, **{name: getattr(clearing, name) + step})


def changed_prices(clearing: Clearing) -> Iterator[Clearing]:
    """Every price one up, one down, missing, or there where nobody trades."""
    for row, prices in enumerate(clearing.prices):
        for slot, price in enumerate(prices):
            for other in (0,) if price is None else (price - 1, price + 1, None):
                changed = (*prices[:slot], other, *prices[slot + 1 :])
                rows = (*clearing.prices[:row], changed, *clearing.prices[row + 1 :])
                yield replace(clearing, prices=rows)


@thorough
@given(books(choices=True))
def test_any_change_of_a_fill_a_figure_or_a_price_is_refused(book: Book) -> None:
    clearing = solve(book)
    for changes in (changed_fills(book, clearing), changed_figures(clearing), changed_prices(clearing)):
        for changed in changes:
            verdict = verify(book, changed)
            assert not verdict.valid
            assert verdict.reason
            assert "\n" not in verdict.reason


@thorough
@given(books(choices=True))
def test_a_changed_dual_is_refused_unless_it_proves_as_much(book: Book) -> None:
    clearing = solve(book)
    for row, duals in enumerate(clearing.node_duals):
        for slot, step in product(range(book.slots), (-1, 1)):
            changed = (*duals[:slot], duals[slot] + step, *duals[slot + 1 :])
            rows = (*clearing.node_duals[:row], changed, *clearing.node_duals[row + 1 :])
            verdict = verify(book, replace(clearing, node_duals=rows))
            assert verdict.bound == clearing.bound if verdict.valid else verdict.reason


def every_clearing(book: Book, clearing: Clearing) -> Iterator[tuple[Score, Clearing]]:
    """All possible fills of a book of divisible orders, with true figures and the right prices."""
    reference = Reference(book)
    options = [
        [reference.option(rank, amounts) for amounts in reference.amounts(rank)]
        for rank in range(len(book.orders))
    ]
    for chosen in product(*options):
        surplus: Surplus = tuple(map(sum, zip(reference.none, *(each[1] for each in chosen), strict=True)))
        if reference.carries(surplus):
            score = [sum(parts) for parts in zip((0, 0, 0, 0), *(each[2] for each in chosen), strict=True)]
            rows = [(rank, slot, wh) for rank, each in enumerate(chosen) for slot, wh in each[0]]
            welfare, volume, ranks, slots = score
            gap = -((welfare - clearing.bound) * 10**6 // max(1, clearing.bound))
            figures = replace(clearing, welfare=welfare, volume_wh=volume, gap_ppm=gap)
            yield (welfare, volume, ranks, slots), with_rows(figures, rows)


@thorough
@given(books(choices=False))
def test_of_all_possible_fills_only_the_best_are_accepted(book: Book) -> None:
    reference = Reference(book)
    count = 1
    for rank in range(len(book.orders)):
        count *= sum(1 for _ in reference.amounts(rank))
    assume(count < 400)
    clearing = solve(book)
    best = (
        clearing.welfare,
        clearing.volume_wh,
        -sum(rank * wh for rank, _, wh in rows_of(clearing)),
        -sum(slot * wh for _, slot, wh in rows_of(clearing)),
    )
    for score, other in every_clearing(book, clearing):
        verdict = verify(book, other)
        if score == best:
            assert verdict.valid
        else:
            assert not verdict.valid


TARIFF = Tariff.flat(2, 2, 20, 1)


def offer(name: str, price: int, slots: dict[int, int], feeder: str = "") -> Offer:
    return Offer(name, feeder, price, slots)


def bid(name: str, price: int, slots: dict[int, int], feeder: str = "") -> FixedBid:
    return FixedBid(name, feeder, price, slots)


def refusal(book: Book, rows: list[Row]) -> str:
    verdict = verify(book, with_rows(solve(book), rows))
    assert not verdict.valid
    return verdict.reason


FEEDERS = (Feeder("east", (4, None), (None, 3)), Feeder("shed", (None, None), (None, None), "east"))
STREET = Book(
    2,
    TARIFF,
    FEEDERS,
    (
        offer("roof", 5, {0: 10, 1: 10}, "shed"),
        offer("wind", 6, {0: 10, 1: 10}),
        offer("dear", 21, {0: 5}),
    ),
    (
        bid("oven", 15, {0: 5, 1: 5}),
        bid("mean", 2, {0: 5}),
        FlexibleBid("car", "shed", 12, 6, 0, 2, 4),
        FlexibleBid("pool", "", 12, 4, 0, 2, 3, "all"),
        BlockBid("wash", "", 14, (2, 3), 0, 2),
    ),
)
ROOF, WIND, DEAR, OVEN, MEAN, CAR, POOL, WASH = range(8)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(9, 0, 1)], "a fill names an order that is not in the book"),
        ([(-1, 0, 1)], "a fill names an order that is not in the book"),
        ([(ROOF, 0, 0)], 'offer "roof" has a fill that is not above 0 Wh (slot 0)'),
        ([(ROOF, 0, -3)], 'offer "roof" has a fill that is not above 0 Wh (slot 0)'),
        ([(ROOF, 2, 1)], 'offer "roof" is filled outside the book (slot 2)'),
        ([(ROOF, -1, 1)], 'offer "roof" is filled outside the book (slot -1)'),
        ([(ROOF, 0, 1), (ROOF, 0, 2)], 'offer "roof" has two fills in one slot (slot 0)'),
        ([(ROOF, 0, 2**63)], "a fill holds a number beyond 64 bits"),
        ([(DEAR, 1, 1)], 'offer "dear" is filled where it does not ask (slot 1)'),
        ([(DEAR, 0, 1)], 'offer "dear" takes no part at its price (slot 0)'),
        ([(MEAN, 0, 1)], 'bid "mean" takes no part at its price (slot 0)'),
        ([(ROOF, 0, 11)], 'offer "roof" is filled beyond its limit (slot 0)'),
        ([(CAR, 0, 5)], 'bid "car" is filled beyond its limit (slot 0)'),
        ([(CAR, 0, 4), (CAR, 1, 3)], 'bid "car" is filled with 7 Wh, beyond its 6 Wh'),
        ([(POOL, 0, 3)], 'bid "pool" wants all or nothing and is filled with 3 Wh'),
        ([(WASH, 0, 2)], 'bid "wash" is not filled with its whole profile in one run'),
        ([(WASH, 0, 3), (WASH, 1, 2)], 'bid "wash" is not filled with its whole profile in one run'),
        ([(ROOF, 0, 1)], "slot 0: sold and bought energy differ by 1 Wh"),
        ([(ROOF, 0, 5), (OVEN, 0, 5)], 'feeder "east": 5 Wh up in slot 0, above its limit'),
        ([(WIND, 1, 4), (CAR, 1, 4)], 'feeder "east": 4 Wh down in slot 1, above its limit'),
        ([], "the fills are not the best: other fills of the same orders are worth more"),
    ],
)
def test_an_impossible_fill_is_named(rows: list[Row], reason: str) -> None:
    assert refusal(STREET, rows) == reason


def test_a_block_outside_its_window_is_refused() -> None:
    book = Book(
        3,
        Tariff.flat(3, 0, 9, 0),
        (),
        (offer("o", 1, {0: 1, 1: 1, 2: 1}),),
        (BlockBid("b", "", 5, (1,), 1, 2),),
    )
    assert refusal(book, [(0, 2, 1), (1, 2, 1)]) == 'bid "b" runs outside its window (slot 2)'


def test_a_friend_at_a_tie_is_refused() -> None:
    book = Book(
        1,
        Tariff.flat(1, 0, 9, 0),
        (),
        (offer("first", 3, {0: 5}), offer("friend", 3, {0: 5})),
        (bid("b", 7, {0: 5}),),
    )
    assert rows_of(solve(book)) == [(0, 0, 5), (2, 0, 5)]
    wanted = "of equally good fills these are not the first: greatest volume, then earlier orders, then slots"
    assert refusal(book, [(1, 0, 5), (2, 0, 5)]) == wanted
    assert refusal(book, [(0, 0, 4), (1, 0, 1), (2, 0, 5)]) == wanted


def test_less_volume_at_a_tie_is_refused() -> None:
    book = Book(1, Tariff.flat(1, 0, 9, 0), (), (offer("o", 3, {0: 5}),), (bid("b", 3, {0: 4}),))
    assert rows_of(solve(book)) == [(0, 0, 4), (1, 0, 4)]
    assert "greatest volume" in refusal(book, [])


def test_a_later_slot_at_a_tie_is_refused() -> None:
    book = Book(
        2, Tariff.flat(2, 0, 9, 0), (), (offer("o", 3, {0: 5, 1: 5}),), (FlexibleBid("b", "", 4, 5, 0, 2, 5),)
    )
    assert rows_of(solve(book)) == [(0, 0, 5), (1, 0, 5)]
    assert "then slots" in refusal(book, [(0, 1, 5), (1, 1, 5)])


def test_an_all_or_nothing_bid_in_dearer_slots_is_refused() -> None:
    book = Book(
        2,
        Tariff.flat(2, 0, 9, 0),
        (),
        (offer("cheap", 3, {0: 5}), offer("dear", 4, {1: 5})),
        (FlexibleBid("b", "", 7, 5, 0, 2, 5, "all"),),
    )
    assert rows_of(solve(book)) == [(0, 0, 5), (2, 0, 5)]
    wrong = replace(solve(book), welfare=15)
    assert verify(book, with_rows(wrong, [(1, 1, 5), (2, 1, 5)])).reason == (
        "an accepted all-or-nothing bid is not filled in its best slots"
    )


def test_an_accepted_order_that_loses_at_every_price_is_refused() -> None:
    """A block worth 8 a Wh, served by offers of 3 and 10, would pay 10 where another bid sets the price."""
    book = Book(
        1,
        Tariff.flat(1, 0, 20, 0),
        (),
        (offer("cheap", 3, {0: 4}), offer("dear", 10, {0: 4})),
        (bid("rich", 15, {0: 4}), BlockBid("block", "", 8, (2,), 0, 1)),
    )
    assert rows_of(solve(book)) == [(0, 0, 4), (2, 0, 4)]
    wrong = [(0, 0, 4), (1, 0, 2), (2, 0, 4), (3, 0, 2)]
    assert refusal(book, wrong) == 'bid "block" loses 4 at the prices and must not be accepted'


def test_results_of_another_shape_are_refused() -> None:
    clearing = solve(STREET)
    short = clearing.prices[:-1]
    for wrong, reason in (
        (replace(clearing, prices=short), "the prices do not have one list per node"),
        (replace(clearing, prices=(*short, (None,))), 'node "shed" has 1 prices for 2 slots'),
        (
            replace(clearing, node_duals=clearing.node_duals[:-1]),
            "the node duals do not have one value per node and slot",
        ),
        (
            replace(clearing, node_duals=(*clearing.node_duals[:-1], (1,))),
            "the node duals do not have one value per node and slot",
        ),
        (
            replace(clearing, flexible_duals=()),
            "the flexible duals do not have one value per flexible bid",
        ),
        (replace(clearing, flexible_duals=(-1, 0)), "a flexible dual is below 0"),
        (
            replace(clearing, node_duals=((9, 9), (9, 9), (0, 0))),
            "the node duals rise along a link that has no limit",
        ),
        (
            replace(clearing, fills=replace(clearing.fills, slot=clearing.fills.slot[:-1])),
            "the columns of the fills differ in length",
        ),
    ):
        assert verify(STREET, wrong).reason == reason


def test_duals_of_any_size_are_weighed_exactly() -> None:
    clearing = solve(STREET)
    huge = 10**30
    weak = replace(
        clearing,
        node_duals=((huge, 0), (huge, 0), (huge, 0)),
        flexible_duals=(0, 0),
    )
    bound = (
        (huge - 5) * 10
        + (huge - 6) * 10
        + sum([5 * (14 - 0), 4 * 11, 3 * 11, 0, max(0, 2 * (13 - huge) + 3 * 13)])
    )
    verdict = verify(STREET, replace(weak, bound=bound, gap_ppm=10**6))
    assert (verdict.valid, verdict.reason) == (True, "")
    assert verdict.bound == bound


@pytest.mark.parametrize("huge", [2**59, 2**62, 2**63 - 1, 2**63, 10**30])
def test_flexible_duals_of_any_size_are_weighed_exactly(huge: int) -> None:
    clearing = solve(STREET)
    plain = verify(STREET, clearing)
    energy = [bid.energy_wh for _, bid in STREET.flexible]
    verdict = verify(STREET, replace(clearing, flexible_duals=(huge, huge)))
    bound = int(verdict.reason.removeprefix("bound is ").split(",")[0])
    assert sum(energy) * (huge - 100) <= bound - plain.bound <= sum(energy) * huge
    assert verify(STREET, replace(clearing, flexible_duals=(huge, huge), bound=bound, gap_ppm=10**6)).valid


def test_the_interval_of_prices_comes_with_the_verdict() -> None:
    book = Book(
        1,
        Tariff.flat(1, 2, 20, 0),
        (Feeder("f", (None,), (None,)),),
        (offer("o", 5, {0: 5}),),
        (bid("b", 9, {0: 5}),),
    )
    verdict = verify(book, solve(book))
    assert (verdict.least, verdict.greatest) == (((5,), (5,)), ((9,), (9,)))
