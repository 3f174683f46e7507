"""What the trades of a slot come to, given what the meters showed: pure functions, energy in Wh.

A connection point's meter is shared over its trades in proportion: what it exported over its sales, what it
imported over its purchases, never more than was traded. A trade settles the lesser of its two shares. A point
that sold on what it bought moves nothing itself; what its seller delivered and its buyer took is *passed on*
and paid for like settled energy, in a figure of its own, for no meter of the point saw it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.tariffs import SlotTariff


class Meter(NamedTuple):
    """What a connection point's meter counted in a slot."""

    imported_wh: int
    exported_wh: int


SILENT: Final = Meter(0, 0)
"""How a meter counts of which there is no reading."""


class Flow(NamedTuple):
    """Energy of an asset that reached its consumer by a trade, perhaps through others that passed it on."""

    asset: str
    trade: Trade
    wh: int


def share(total: int, amounts: Sequence[int]) -> list[int]:
    """Share `total` in proportion to `amounts`, the sum of which it must not exceed, in whole units.

    Everybody gets the rounded-down share; what is left goes one by one to the largest remainders, of equals
    to the earlier (the method of the largest remainder).
    """
    whole = sum(amounts)
    if total == whole:
        return list(amounts)
    shares = [total * amount // whole for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda place: (-(total * amounts[place] % whole), place))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return shares


def by_point(trades: Iterable[Trade]) -> dict[str, list[Trade]]:
    """Group trades between different connection points by both of them."""
    groups: dict[str, list[Trade]] = defaultdict(list)
    for trade in trades:
        if not trade.internal:
            groups[trade.sell_point].append(trade)
            groups[trade.buy_point].append(trade)
    return groups


def measured(point: str, trades: Sequence[Trade], meter: Meter) -> list[Trade]:
    """Return a point's trades with its side of each: what it delivered or took of it."""
    sold = [trade for trade in trades if trade.sell_point == point]
    bought = [trade for trade in trades if trade.buy_point == point]
    return [
        *(replace(one, delivered_wh=wh) for one, wh in _shared(meter.exported_wh, sold)),
        *(replace(one, taken_wh=wh) for one, wh in _shared(meter.imported_wh, bought)),
    ]


def _shared(counted_wh: int, trades: Sequence[Trade]) -> Iterable[tuple[Trade, int]]:
    amounts = [trade.wh for trade in trades]
    return zip(trades, share(min(counted_wh, sum(amounts)), amounts), strict=True)


def is_two_sided(point: str, trades: Iterable[Trade]) -> bool:
    """Tell whether a point both sells and buys in these trades, which are all its own."""
    return len({trade.sell_point == point for trade in trades}) > 1


def passed_on(point: str, trades: Sequence[Trade]) -> dict[str, int]:
    """Return how much of each of a point's trades it passed on, by trade; both meters must be known.

    It can pass on no more than its sellers delivered beyond what it took, and no more than its buyers took
    beyond what it delivered.
    """
    if not is_two_sided(point, trades):
        return {}
    came = {one.id: max(0, _short(one)) for one in trades if one.buy_point == point}
    went = {one.id: max(0, -_short(one)) for one in trades if one.sell_point == point}
    most = min(sum(came.values()), sum(went.values()))
    return {
        name: wh
        for side in (came, went)
        for name, wh in zip(side, share(most, list(side.values())), strict=True)
        if wh
    }


def _short(trade: Trade) -> int:
    """How much more was delivered than taken; negative when more was taken."""
    return (trade.delivered_wh or 0) - (trade.taken_wh or 0)


def settled(trade: Trade, passed_wh: int, tariff: SlotTariff) -> Trade:
    """Return a measured trade with what it comes to: energy, payment, what the one that fell short owes."""
    delivered, taken = trade.delivered_wh or 0, trade.taken_wh or 0
    agreed = min(delivered, taken)
    paid_wh = agreed + passed_wh
    return replace(
        trade,
        delivered_wh=delivered,
        taken_wh=taken,
        settled_wh=agreed,
        passed_wh=passed_wh,
        paid=paid_wh * (trade.buyer_price + trade.fee),
        received=paid_wh * trade.seller_price,
        seller_penalty=max(0, taken - paid_wh) * max(0, tariff.price_cap - trade.buyer_price),
        buyer_penalty=max(0, delivered - paid_wh) * max(0, trade.seller_price - tariff.price_floor),
    )


def settle_slot(trades: Sequence[Trade], meters: Mapping[str, Meter], tariff: SlotTariff) -> list[Trade]:
    """Return all trades of a slot with what they come to; a point that was not read counts as zero."""
    known = {trade.id: replace(trade, delivered_wh=0, taken_wh=0) for trade in trades}
    for point, group in by_point(trades).items():
        ours = measured(point, [known[trade.id] for trade in group], meters.get(point, SILENT))
        known |= {trade.id: trade for trade in ours}
    passed: dict[str, int] = {}
    for point, group in by_point(known.values()).items():
        passed |= passed_on(point, group)
    return [settled(trade, passed.get(trade.id, 0), tariff) for trade in known.values()]


def flows(trades: Sequence[Trade]) -> list[Flow]:
    """Return whose energy settled trades of one slot brought to whom, in the order of trades.

    What a point passed on goes from its sellers to its buyers in the order of its trades.
    """
    handed: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for trade in trades:
        if trade.passed_wh and _short(trade) > 0:
            handed[trade.buy_point].append((trade.sell_asset, trade.passed_wh))
    found: list[Flow] = []
    for trade in trades:
        if trade.settled_wh:
            found.append(Flow(trade.sell_asset, trade, trade.settled_wh))
        if trade.passed_wh and _short(trade) < 0:
            taken = _taken(handed[trade.sell_point], trade.passed_wh)
            found += (Flow(asset, trade, wh) for asset, wh in taken)
    return found


def _taken(queue: list[tuple[str, int]], wanted_wh: int) -> list[tuple[str, int]]:
    """Take so much from the front of a queue, which holds enough."""
    found: list[tuple[str, int]] = []
    while wanted_wh:
        asset, wh = queue[0]
        taken = min(wh, wanted_wh)
        found.append((asset, taken))
        wanted_wh -= taken
        queue[:1] = [(asset, wh - taken)] if wh > taken else []
    return found
