"""How much is offered and wanted in a slot at which prices: the two curves of a market."""

from collections import Counter
from dataclasses import dataclass

from .book import BlockBid, Book, FlexibleBid
from .explain import is_whole


@dataclass(frozen=True)
class Step:
    """Wh at one price; `movable_wh` of them could as well be taken in another slot."""

    price: int
    wh: int
    movable_wh: int = 0


@dataclass(frozen=True)
class Depth:
    """What a slot's sellers ask, lowest first, and what its buyers would pay, highest first.

    Prices are nano per Wh as the auction counts them: an offer at least at the floor, a bid without the grid
    fee and at most at the cap. Feeder limits are not looked at.
    """

    supply: tuple[Step, ...]
    demand: tuple[Step, ...]


def depth(book: Book, slot: int) -> Depth:
    """Draw both curves of a slot of a book."""
    tariff = book.tariff
    floor, cap, fee = tariff.price_floor[slot], tariff.price_cap[slot], tariff.grid_fee[slot]
    supply: Counter[int] = Counter()
    for offer in book.offers:
        worth = max(offer.price, floor)
        if worth <= cap:
            supply[worth] += offer.slots.get(slot, 0)
    demand: Counter[int] = Counter()
    movable: Counter[int] = Counter()
    for bid in book.bids:
        worth = min(bid.price - fee, cap)
        if isinstance(bid, FlexibleBid | BlockBid):
            movable[worth] += _movable(bid, slot) if worth >= floor or is_whole(bid) else 0
        elif worth >= floor:
            demand[worth] += bid.slots.get(slot, 0)
    wanted = demand + movable
    return Depth(
        supply=tuple(Step(price, wh) for price, wh in sorted(supply.items()) if wh),
        demand=tuple(Step(price, wh, movable[price]) for price, wh in sorted(wanted.items(), reverse=True)),
    )


def _movable(bid: FlexibleBid | BlockBid, slot: int) -> int:
    """Return the most that a bid could take in a slot."""
    if not bid.earliest <= slot < bid.deadline:
        return 0
    if isinstance(bid, FlexibleBid):
        return bid.room_wh(slot)
    latest = bid.deadline - len(bid.profile_wh)
    return max(wh for place, wh in enumerate(bid.profile_wh) if bid.earliest <= slot - place <= latest)
