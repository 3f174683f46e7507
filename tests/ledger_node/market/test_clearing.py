"""Clearings of tiny books are what brute force over all possible clearings finds."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy_ledger.market import acceptance
from energy_ledger.market.book import (
    Bid,
    BlockBid,
    Book,
    Clearing,
    Feeder,
    FixedBid,
    FlexibleBid,
    Tariff,
)
from energy_ledger.market.solver import clearings, solve
from energy_ledger.market.verifier import verify
from energy_ledger.market.verify_book import read_terms
from energy_ledger.market.verify_bound import bound_of
from tests.ledger_node.market.books import books
from tests.ledger_node.market.reference import Reference, Score

thorough = settings(max_examples=120, deadline=None)


def score_of(clearing: Clearing) -> Score:
    """Welfare, volume, and the two sums that break ties, negated."""
    fills = clearing.fills
    return (
        clearing.welfare,
        clearing.volume_wh,
        -sum(rank * wh for rank, wh in zip(fills.rank, fills.wh, strict=True)),
        -sum(slot * wh for slot, wh in zip(fills.slot, fills.wh, strict=True)),
    )


def fills_by_order(clearing: Clearing) -> dict[int, tuple[tuple[int, int], ...]]:
    """The (slot, Wh) of every order that is filled, by rank."""
    found: dict[int, tuple[tuple[int, int], ...]] = {}
    fills = clearing.fills
    for rank, slot, wh in zip(fills.rank, fills.slot, fills.wh, strict=True):
        found[rank] = (*found.get(rank, ()), (slot, wh))
    return found


def totals(clearing: Clearing) -> dict[int, int]:
    """Wh of every order that is filled, by rank."""
    return {rank: sum(wh for _, wh in fills) for rank, fills in fills_by_order(clearing).items()}


def check_against_brute_force(book: Book) -> Clearing:
    clearing = solve(book)
    reference = Reference(book)
    results = reference.clear()
    assert score_of(clearing) in {result.score for result in results}
    filled = fills_by_order(clearing)
    accepted = tuple((rank, fills) for rank, fills in sorted(filled.items()) if reference.is_choice(rank))
    (result,) = (result for result in results if result.choice.fills == accepted)
    traded = {
        (book.nodes[book.orders[rank].feeder], slot) for rank, fills in filled.items() for slot, _ in fills
    }
    for row in range(len(book.nodes)):
        for slot in range(book.slots):
            expected = result.prices[row * book.slots + slot] if (row, slot) in traded else None
            assert clearing.prices[row][slot] == expected
    verdict = verify(book, clearing)
    assert (verdict.valid, verdict.reason) == (True, "")
    assert (verdict.welfare, verdict.bound, verdict.gap_ppm) == (
        clearing.welfare,
        clearing.bound,
        clearing.gap_ppm,
    )
    return clearing


@thorough
@given(books(choices=False))
def test_divisible_orders_clear_at_the_best_fills_ties_and_prices_with_a_full_proof(book: Book) -> None:
    assert check_against_brute_force(book).status == "optimal"


@thorough
@given(books(choices=True))
def test_blocks_and_all_or_nothing_bids_clear_as_brute_force_says(book: Book) -> None:
    clearing = check_against_brute_force(book)
    assert verify(book, clearing).valid


@thorough
@given(books(choices=True))
def test_the_program_chooses_as_brute_force_does(book: Book) -> None:
    with patch.object(acceptance, "FEW_CHOICES", 1):
        clearing = check_against_brute_force(book)
    assert verify(book, clearing).valid


@thorough
@given(books(choices=True))
def test_large_programs_clear_validly_and_no_better_than_brute_force(book: Book) -> None:
    with patch.object(acceptance, "FEW_CHOICES", 1), patch.object(acceptance, "LARGE", 0):
        clearing = solve(book)
    assert verify(book, clearing).valid
    assert clearing.welfare <= max(score for score, _ in Reference(book).best(frozenset()))[0]


@thorough
@given(books(choices=True))
def test_clearings_for_who_cannot_wait_are_right_and_get_better(book: Book) -> None:
    found = list(clearings(book))
    for clearing in found:
        verdict = verify(book, clearing)
        assert verdict.valid, verdict.reason
    merits = [(one.welfare, one.volume_wh) for one in found]
    assert merits == sorted(merits)
    assert found[-1].welfare >= solve(book).welfare


@thorough
@given(books(choices=True))
def test_a_full_search_that_gives_up_early_still_lends_its_proof(book: Book) -> None:
    first, best = next(clearings(book)), solve(book)
    poor = replace(best, fills=first.fills, welfare=first.welfare - 1)
    with patch("energy_ledger.market.solver.solve", return_value=poor):
        *guessed, last = clearings(book)
    if guessed:
        assert last.welfare == guessed[-1].welfare
        assert last.bound == min(best.bound, guessed[-1].bound)
        assert verify(book, last).valid


@thorough
@given(books(choices=True))
def test_no_accepted_order_is_worse_than_its_limit(book: Book) -> None:
    clearing = solve(book)
    reference = Reference(book)
    for rank, fills in fills_by_order(clearing).items():
        order = book.orders[rank]
        prices = clearing.prices[book.nodes[order.feeder]]
        sign = -1 if rank < len(book.offers) else 1
        gains = [sign * wh * (reference.worth(order, slot) - (prices[slot] or 0)) for slot, wh in fills]
        divisible = not reference.is_choice(rank)
        assert sum(gains) >= 0
        if divisible:
            assert min(gains) >= 0


def limited(feeder: Feeder) -> Feeder:
    """The feeder with a limit in every slot: without one, not any duals would do."""
    up, down = (
        tuple(3 if limit is None else limit for limit in limits)
        for limits in (feeder.up_limit_wh, feeder.down_limit_wh)
    )
    return replace(feeder, up_limit_wh=up, down_limit_wh=down)


@thorough
@given(books(choices=True), st.randoms(use_true_random=False))
def test_any_duals_bound_the_welfare_of_the_best_clearing(book: Book, random: Random) -> None:
    book = replace(book, feeders=tuple(limited(feeder) for feeder in book.feeders))
    clearing = replace(
        solve(book),
        node_duals=tuple(tuple(random.randint(-3, 15) for _ in range(book.slots)) for _ in book.nodes),
        flexible_duals=tuple(random.randint(0, 9) for _ in book.flexible),
    )
    best = max(score for score, _ in Reference(book).best(frozenset()))
    assert bound_of(read_terms(book), clearing) >= best[0]


@thorough
@given(books(choices=True))
def test_the_same_book_gives_the_same_clearing(book: Book) -> None:
    assert solve(book) == solve(replace(book))


@thorough
@given(books(choices=False), st.randoms(use_true_random=False))
def test_after_a_permutation_only_ranks_decide(book: Book, random: Random) -> None:
    """Welfare and volume stay, and the sums that break ties are the least that the new places allow."""
    offers, bids = list(book.offers), list(book.bids)
    random.shuffle(offers)
    random.shuffle(bids)
    permuted = replace(book, offers=tuple(offers), bids=tuple(bids))
    assert score_of(solve(permuted))[:2] == score_of(solve(book))[:2]
    ((best, _),) = Reference(permuted).best(frozenset())
    assert score_of(solve(permuted)) == best


def scaled(book: Book, wh: int, money: int) -> Book:
    """The same book in other units of energy and money."""

    def amounts(values: Mapping[int, int]) -> dict[int, int]:
        return {slot: amount * wh for slot, amount in values.items()}

    def column(values: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(value * money for value in values)

    def limits(values: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(None if value is None else value * wh for value in values)

    def bid(order: Bid) -> Bid:
        price = order.price * money
        match order:
            case FixedBid():
                return replace(order, price=price, slots=amounts(order.slots))
            case BlockBid():
                return replace(order, price=price, profile_wh=tuple(part * wh for part in order.profile_wh))
            case FlexibleBid():
                return replace(
                    order,
                    price=price,
                    energy_wh=order.energy_wh * wh,
                    max_wh_per_slot=order.max_wh_per_slot * wh,
                    taken_wh=amounts(order.taken_wh),
                )

    tariff = book.tariff
    return replace(
        book,
        tariff=Tariff(column(tariff.price_floor), column(tariff.price_cap), column(tariff.grid_fee)),
        feeders=tuple(
            replace(
                feeder, up_limit_wh=limits(feeder.up_limit_wh), down_limit_wh=limits(feeder.down_limit_wh)
            )
            for feeder in book.feeders
        ),
        offers=tuple(
            replace(offer, price=offer.price * money, slots=amounts(offer.slots)) for offer in book.offers
        ),
        bids=tuple(bid(order) for order in book.bids),
    )


@pytest.mark.parametrize(
    ("wh", "money"),
    [
        (2**45, 1),
        (2**54, 1),
        (2**57, 1),
        (2**60, 1),
        (1, 2**40),
        (1, 2**51),
        (1, 2**55),
        (1, 2**58),
        (2**60, 2**58),
    ],
)
@settings(max_examples=25, deadline=None)
@given(book=books(choices=True))
def test_numbers_up_to_64_bits_clear_like_small_ones(book: Book, wh: int, money: int) -> None:
    book = scaled(book, 1, 2)  # even prices, whose midpoints need no rounding in any unit
    small, huge = solve(book), scaled(book, wh, money // 2 or 1)
    money = max(1, money // 2)
    large = solve(huge)
    assert score_of(large) == (
        small.welfare * wh * money,
        small.volume_wh * wh,
        score_of(small)[2] * wh,
        score_of(small)[3] * wh,
    )
    assert totals(large) == {rank: total * wh for rank, total in totals(small).items()}
    assert verify(huge, large).valid


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [2**25, 2**37])
@settings(max_examples=25, deadline=None)
@given(book=books(choices=True))
def test_the_program_chooses_alike_in_units_whose_products_pass_64_bits(unit: int, book: Book) -> None:
    book = scaled(book, 1, 2)
    with patch.object(acceptance, "FEW_CHOICES", 1):
        small, large = solve(book), solve(scaled(book, unit, unit))
    assert large.welfare == small.welfare * unit**2
    assert large.volume_wh == small.volume_wh * unit


@thorough
@given(books(choices=True))
def test_a_book_beyond_floating_point_clears_validly_however_many_choices_it_has(book: Book) -> None:
    huge = scaled(book, 2**60, 2**58)
    with patch.object(acceptance, "FEW_CHOICES", 1):
        clearing = solve(huge)
    assert verify(huge, clearing).valid
    assert clearing.welfare <= solve(huge).bound
