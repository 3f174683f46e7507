"""The trades of a cleared round: whom each filled Wh goes from and to, at which prices."""

from energy_ledger.ledger import orders
from energy_ledger.ledger.rows import Proposal, Round, Trade
from energy_ledger.ledger.settlement import add_trade
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import TRADE, advance
from energy_ledger.market.book import Book, Fills


def match(state: State, book: Book, row: Round, proposal: Proposal) -> None:
    """Make the trades of the winning proposal, hold the buyers' money for them, and fill the orders."""
    fills = Fills(proposal.ranks, proposal.slots, proposal.wh)
    for number, (sell, buy, slot, wh) in enumerate(_pair(book, fills), 1):
        add_trade(state, _trade(state, book, proposal, row, number, sell, buy, slot, wh))
    by_rank: dict[int, dict[int, int]] = {}
    for rank, slot, wh in zip(fills.rank, fills.slot, fills.wh, strict=True):
        by_rank.setdefault(rank, {})[row.first_slot + slot] = wh
    for rank, filled in by_rank.items():
        orders.fill(state, state.orders[book.orders[rank].id], filled)


def _pair(book: Book, fills: Fills) -> list[tuple[int, int, int, int]]:
    """Pair sellers and buyers of each slot in ledger order."""
    pairs: list[tuple[int, int, int, int]] = []
    entries = list(zip(fills.slot, fills.rank, fills.wh, strict=True))
    for slot in sorted(dict.fromkeys(fills.slot)):
        here = sorted(entry for entry in entries if entry[0] == slot)
        sellers = [[rank, wh] for _, rank, wh in here if rank < len(book.offers)]
        for _, rank, wh in here:
            rest = wh if rank >= len(book.offers) else 0
            while rest:
                amount = min(rest, sellers[0][1])
                pairs.append((sellers[0][0], rank, slot, amount))
                rest -= amount
                sellers[0][1] -= amount
                if not sellers[0][1]:
                    del sellers[0]
    return pairs


def _trade(
    state: State,
    book: Book,
    proposal: Proposal,
    row: Round,
    number: int,
    sell_rank: int,
    buy_rank: int,
    slot: int,
    wh: int,
) -> Trade:
    sell, buy = (state.orders[book.orders[rank].id] for rank in (sell_rank, buy_rank))
    prices = [
        proposal.prices[book.nodes[book.orders[rank].feeder]][slot] or 0 for rank in (sell_rank, buy_rank)
    ]
    source = state.assets[sell.asset]
    return Trade(
        id=f"{row.round}.{number}",
        round=row.round,
        slot=row.first_slot + slot,
        wh=wh,
        seller_price=prices[0],
        buyer_price=prices[1],
        fee=book.tariff.grid_fee[slot],
        state=advance(TRADE, None, "match"),
        seller=sell.account,
        buyer=buy.account,
        sell_order=sell.id,
        buy_order=buy.id,
        sell_asset=sell.asset,
        buy_asset=buy.asset,
        sell_point=source.point,
        buy_point=state.assets[buy.asset].point,
        source=source.source,
    )
