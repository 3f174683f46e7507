"""The JSON of the command line: orders to a book, a clearing to its result and back.

The formats are fixed, because outside programs use them; `docs/market.md` shows them.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

from .book import (
    BUSBAR,
    Bid,
    BlockBid,
    Book,
    BookError,
    Clearing,
    Feeder,
    Fills,
    FixedBid,
    FlexibleBid,
    Offer,
    Tariff,
)
from .checks import check_book
from .reading import JsonObject, Place, ReadingError, load, shown

MAX_SLOTS = 1_000_000
"""A book of more slots than this (28 years of quarter hours) is a slip of the pen."""


class ClearingError(ValueError):
    """A result that is not written as a result of its book; the message is one line."""


def read_book(text: str | bytes) -> Book:
    """Read and check the orders of a round. Raises BookError naming the order and the field."""
    try:
        book = _book(load(text))
    except ReadingError as error:
        raise BookError(str(error)) from None
    check_book(book)
    return book


def read_clearing(book: Book, text: str | bytes) -> Clearing:
    """Read a result of this book, without judging it. Raises ClearingError."""
    try:
        return _clearing(book, load(text))
    except ReadingError as error:
        raise ClearingError(str(error)) from None


def clearing_json(book: Book, clearing: Clearing) -> dict[str, object]:
    """Write a clearing as the object that `energy-ledger clear` prints."""
    fills = clearing.fills
    return {
        "status": clearing.status,
        "welfare": clearing.welfare,
        "bound": clearing.bound,
        "gap_ppm": clearing.gap_ppm,
        "volume_wh": clearing.volume_wh,
        "fills": [
            {"order": book.orders[rank].id, "slot": slot, "wh": wh}
            for rank, slot, wh in zip(fills.rank, fills.slot, fills.wh, strict=True)
        ],
        "prices": {node: list(clearing.prices[row]) for node, row in book.nodes.items()},
        "duals": {
            "node": {node: list(clearing.node_duals[row]) for node, row in book.nodes.items()},
            "flexible": {
                bid.id: dual for (_, bid), dual in zip(book.flexible, clearing.flexible_duals, strict=True)
            },
        },
    }


def _book(value: object) -> Book:
    place = Place("")
    found = place.fields(value, ("slots", "tariff", "offers", "bids"), ("feeders",))
    slots = place.number(found["slots"], "slots", least=1)
    if slots > MAX_SLOTS:
        raise place.fault("slots", f"must not be more than {MAX_SLOTS}, not {slots}")
    return Book(
        slots=slots,
        tariff=_tariff(found["tariff"], slots),
        feeders=tuple(
            _feeder(item, Place(f"feeders[{index}]"), slots)
            for index, item in enumerate(place.items(found.get("feeders", []), "feeders"))
        ),
        offers=tuple(
            _offer(item, Place(f"offers[{index}]"))
            for index, item in enumerate(place.items(found["offers"], "offers"))
        ),
        bids=tuple(
            _bid(item, Place(f"bids[{index}]"))
            for index, item in enumerate(place.items(found["bids"], "bids"))
        ),
    )


def _tariff(value: object, slots: int) -> Tariff:
    place = Place("tariff")
    names = ("price_floor", "price_cap", "grid_fee")
    found = place.fields(value, names)
    columns = {
        name: place.column(found[name], name, place.number)
        if isinstance(found[name], list)
        else (place.number(found[name], name),) * slots
        for name in names
    }
    return Tariff(**columns)


def _named(value: object, place: Place, kind: str) -> Place:
    """Name an order or feeder by its id as soon as that can be read, so that messages can."""
    name = value.get("id") if isinstance(value, JsonObject) and value.repeated != "id" else None
    return Place(f"{kind} {shown(name)}") if isinstance(name, str) else place


def _feeder(value: object, place: Place, slots: int) -> Feeder:
    place = _named(value, place, "feeder")
    found = place.fields(value, ("id",), ("parent", "up_limit_wh", "down_limit_wh"))
    return Feeder(
        id=place.text(found["id"], "id"),
        parent=place.text(found.get("parent", BUSBAR), "parent"),
        up_limit_wh=_limits(found.get("up_limit_wh"), "up_limit_wh", place, slots),
        down_limit_wh=_limits(found.get("down_limit_wh"), "down_limit_wh", place, slots),
    )


def _limits(value: object, field: str, place: Place, slots: int) -> tuple[int | None, ...]:
    def limit(item: object, name: str) -> int | None:
        return None if item is None else place.number(item, name)

    if isinstance(value, list):
        return place.column(value, field, limit)
    return (limit(value, field),) * slots


def _offer(value: object, place: Place) -> Offer:
    place = _named(value, place, "offer")
    found = place.fields(value, ("id", "price", "slots"), ("feeder",))
    name, feeder, price = _head(found, place)
    return Offer(name, feeder, price, _slot_amounts(found["slots"], place))


def _bid(value: object, place: Place) -> Bid:
    place = _named(value, place, "bid")
    found = place.fields(value, ("id", "price"), ("feeder", "slots", "flexible", "block"))
    kinds = [kind for kind in ("slots", "flexible", "block") if kind in found]
    if len(kinds) != 1:
        raise place.fault("slots", "a bid has exactly one of slots, flexible and block")
    name, feeder, price = _head(found, place)
    match kinds[0]:
        case "slots":
            return FixedBid(name, feeder, price, _slot_amounts(found["slots"], place))
        case "flexible":
            return _flexible(name, feeder, price, found["flexible"])
        case _:
            return _block(name, feeder, price, found["block"])


def _head(found: JsonObject, place: Place) -> tuple[str, str, int]:
    return (
        place.text(found["id"], "id"),
        place.text(found.get("feeder", BUSBAR), "feeder"),
        place.number(found["price"], "price"),
    )


def _slot_amounts(value: object, place: Place) -> dict[int, int]:
    return {
        place.slot_number(key, "slots"): place.number(wh, f"slots.{key}", least=1)
        for key, wh in place.mapping(value, "slots").items()
    }


def _flexible(name: str, feeder: str, price: int, value: object) -> FlexibleBid:
    place = Place(f"bid {shown(name)}: flexible")
    found = place.fields(value, ("energy_wh", "earliest", "deadline", "max_wh_per_slot"), ("min_fill",))
    return FlexibleBid(
        name,
        feeder,
        price,
        energy_wh=place.number(found["energy_wh"], "energy_wh", least=1),
        earliest=place.number(found["earliest"], "earliest"),
        deadline=place.number(found["deadline"], "deadline"),
        max_wh_per_slot=place.number(found["max_wh_per_slot"], "max_wh_per_slot", least=1),
        min_fill=_min_fill(found.get("min_fill", "any"), place),
    )


def _min_fill(value: object, place: Place) -> Literal["any", "all"]:
    if value == "any":
        return "any"
    if value == "all":
        return "all"
    raise place.fault("min_fill", f'must be "any" or "all", not {shown(value)}')


def _block(name: str, feeder: str, price: int, value: object) -> BlockBid:
    place = Place(f"bid {shown(name)}: block")
    found = place.fields(value, ("profile_wh", "earliest", "deadline"))
    return BlockBid(
        name,
        feeder,
        price,
        profile_wh=place.column(found["profile_wh"], "profile_wh", partial(place.number, least=1)),
        earliest=place.number(found["earliest"], "earliest"),
        deadline=place.number(found["deadline"], "deadline"),
    )


def _clearing(book: Book, value: object) -> Clearing:
    place = Place("")
    fields = ("status", "welfare", "bound", "gap_ppm", "volume_wh", "fills", "prices", "duals")
    found = place.fields(value, fields)
    duals = Place("duals").fields(found["duals"], ("node", "flexible"))
    clearing = Clearing(
        fills=_fills(book, place.items(found["fills"], "fills")),
        prices=_rows(book, found["prices"], Place("prices"), _price),
        node_duals=_rows(book, duals["node"], Place("duals.node"), Place("duals.node").whole),
        flexible_duals=_flexible_duals(book, duals["flexible"], Place("duals.flexible")),
        welfare=place.whole(found["welfare"], "welfare"),
        bound=place.whole(found["bound"], "bound"),
        gap_ppm=place.whole(found["gap_ppm"], "gap_ppm"),
        volume_wh=place.whole(found["volume_wh"], "volume_wh"),
    )
    if found["status"] != clearing.status:
        raise place.fault("status", f"must be {shown(clearing.status)} for these figures")
    return clearing


def _fills(book: Book, items: list[object]) -> Fills:
    ranks = {order.id: rank for rank, order in enumerate(book.orders)}
    rows: list[tuple[int, int, int]] = []
    for index, item in enumerate(items):
        place = Place(f"fills[{index}]")
        found = place.fields(item, ("order", "slot", "wh"))
        name = place.text(found["order"], "order")
        if name not in ranks:
            raise place.fault("order", f"{shown(name)} is not an order of the book")
        rows.append((ranks[name], place.whole(found["slot"], "slot"), place.whole(found["wh"], "wh")))
    rows.sort()
    return Fills(
        rank=tuple(rank for rank, _, _ in rows),
        slot=tuple(slot for _, slot, _ in rows),
        wh=tuple(wh for _, _, wh in rows),
    )


def _price(value: object, field: str) -> int | None:
    return None if value is None else Place("prices").whole(value, field)


def _rows[T](
    book: Book, value: object, place: Place, read: Callable[[object, str], T]
) -> tuple[tuple[T, ...], ...]:
    found = place.fields(value, tuple(book.nodes))
    rows = tuple(place.column(found[node], shown(node), read) for node in book.nodes)
    for node, row in zip(book.nodes, rows, strict=True):
        if len(row) != book.slots:
            raise place.fault(shown(node), f"has {len(row)} values for {book.slots} slots")
    return rows


def _flexible_duals(book: Book, value: object, place: Place) -> tuple[int, ...]:
    names = tuple(bid.id for _, bid in book.flexible)
    found = place.fields(value, names)
    return tuple(place.whole(found[name], shown(name)) for name in names)
