"""What a book must satisfy beyond its types: names that exist, slots in range, windows that fit."""

from collections.abc import Iterable

from .book import BUSBAR, BlockBid, Book, BookError, Feeder, FixedBid, FlexibleBid, Offer, Order
from .reading import shown


def describe(order: Order) -> str:
    """Name an order in a message."""
    return f"{'offer' if isinstance(order, Offer) else 'bid'} {shown(order.id)}"


def check_book(book: Book) -> None:
    """Raise BookError for the first thing that is wrong with the book."""
    _check_tariff(book)
    check_feeders(book.feeders, book.slots)
    _refuse_repeats("order", (order.id for order in book.orders))
    nodes = book.nodes
    for order in book.orders:
        if order.feeder not in nodes:
            raise BookError(f"{describe(order)}: feeder: {shown(order.feeder)} is not among the feeders")
        problem = _window_problem(order, book.slots)
        if problem:
            raise BookError(f"{describe(order)}: {problem}")


def check_feeders(feeders: tuple[Feeder, ...], slots: int) -> None:
    """Raise BookError unless the feeders form a tree under the busbar with one limit per slot."""
    _refuse_repeats("feeder", (feeder.id for feeder in feeders))
    parents = {feeder.id: feeder.parent for feeder in feeders}
    for feeder in feeders:
        name = f"feeder {shown(feeder.id)}"
        if feeder.id == BUSBAR:
            raise BookError(f"{name}: id: the empty name is the busbar's")
        if feeder.parent != BUSBAR and feeder.parent not in parents:
            raise BookError(f"{name}: parent: {shown(feeder.parent)} is not among the feeders")
        for field, limits in (("up_limit_wh", feeder.up_limit_wh), ("down_limit_wh", feeder.down_limit_wh)):
            if len(limits) != slots:
                raise BookError(f"{name}: {field}: has {len(limits)} values for {slots} slots")
    _refuse_cycles(parents)


def _refuse_cycles(parents: dict[str, str]) -> None:
    rooted = {BUSBAR}
    for feeder in parents:
        path: dict[str, None] = {}
        place = feeder
        while place not in rooted:
            if place in path:
                raise BookError(f"feeder {shown(place)}: parent: the feeder is its own ancestor")
            path[place] = None
            place = parents[place]
        rooted |= path.keys()


def _refuse_repeats(kind: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise BookError(f"{kind} {shown(name)}: id: is used twice")
        seen.add(name)


def _check_tariff(book: Book) -> None:
    tariff = book.tariff
    for field in ("price_floor", "price_cap", "grid_fee"):
        length = len(getattr(tariff, field))
        if length != book.slots:
            raise BookError(f"tariff: {field}: has {length} values for {book.slots} slots")
    for slot, (floor, cap) in enumerate(zip(tariff.price_floor, tariff.price_cap, strict=True)):
        if floor > cap:
            raise BookError(f"tariff: price_floor: {floor} is above price_cap {cap} in slot {slot}")


def _window_problem(order: Order, slots: int) -> str:
    if isinstance(order, (Offer, FixedBid)):
        outside = [slot for slot in order.slots if not 0 <= slot < slots]
        return f"slots: {outside[0]} is outside 0 … {slots - 1}" if outside else ""
    if order.deadline > slots:
        return f"deadline: {order.deadline} is beyond the last slot's end {slots}"
    if order.earliest >= order.deadline:
        return f"earliest: {order.earliest} is not before the deadline {order.deadline}"
    return _length_problem(order)


def _length_problem(bid: FlexibleBid | BlockBid) -> str:
    window = bid.deadline - bid.earliest
    if isinstance(bid, BlockBid):
        needed = len(bid.profile_wh)
        if not needed:
            return "profile_wh: is empty"
        return f"profile_wh: {needed} slots do not fit a window of {window}" if needed > window else ""
    room = window * bid.max_wh_per_slot
    if bid.taken_wh:
        room = sum(bid.room_wh(slot) for slot in range(bid.earliest, bid.deadline))
    if bid.energy_wh > room:
        return f"energy_wh: {bid.energy_wh} Wh do not fit a window that holds {room} Wh at most"
    return ""
