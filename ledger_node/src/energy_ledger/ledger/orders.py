"""Orders: what may enter, what is left of one, and how it ends."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Final, Literal

from msgspec.structs import replace

from energy_ledger.ledger.assets import trading_asset
from energy_ledger.ledger.entries import check_rating, check_slots, cost, lapse_time
from energy_ledger.ledger.events import EventType
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import ORDER, advance
from energy_ledger.ledger.trading_rows import ClosedOrder, Order
from energy_ledger.order_terms import OfferTerms
from energy_ledger.payloads import OrderCancel, OrderPlace
from energy_ledger.refusals import Refused
from energy_ledger.units import DAY_MS


def plan_place(request: Request, payload: OrderPlace) -> Action:
    """Check an order and its money; then it is open and its money held."""
    terms = payload.order
    asset = trading_asset(request, payload.asset)
    check_slots(request.state.timing, terms, request.time)
    check_rating(terms, asset, request.state.rules.slot_s)
    if isinstance(terms.expires, int) and terms.expires <= request.time:
        raise Refused("bad_value", "order.expires", "This time has passed: the order would lapse at once.")
    hold = cost(terms)
    available = request.sender.available
    if not isinstance(terms, OfferTerms) and hold > available:
        message = f"The bid may cost {hold}, but only {available} is available (nano-units)."
        raise Refused("not_enough_money", "order.price", message)
    return partial(_place, request, payload, hold)


def plan_cancel(request: Request, payload: OrderCancel) -> Action:
    """Check that the order is the sender's and open; then what is not matched is taken back.

    An order in the book of the round that is being decided is cancelled when that round is over.
    """
    order = _open_order(request, payload.order)
    auction, totals = request.state.auction, request.state.totals
    if auction is None or not auction.holds(order):
        return partial(_cancel, request.state, order.id, request.id)
    if order.id in totals.cancelling:
        raise Refused("order_closed", "order", "This order is being cancelled already.")
    return partial(request.state.count, cancelling=totals.cancelling | {order.id: request.id})


def cancel_all(state: State, account: str, transaction: str) -> None:
    """Cancel a member's open orders: those in the book of the round being decided when that is over."""
    auction, totals = state.auction, state.totals
    orders = [order for order in state.orders.values() if order.account == account]
    held = [order.id for order in orders if auction is not None and auction.holds(order)]
    for order in orders:
        if order.id not in held:
            _cancel(state, order.id, transaction)
    later = {name: transaction for name in held if name not in totals.cancelling}
    if later:
        state.count(cancelling=totals.cancelling | later)


def _open_order(request: Request, name: str) -> Order:
    order = request.state.orders.get(name)
    closed = request.state.closed_orders.get(name)
    known = order or closed
    if known is None:
        raise Refused("unknown_order", "order", "There is no order with this id.")
    if known.account != request.sender.account:
        raise Refused("not_your_order", "order", "This order is another member's.")
    if order is None:
        raise Refused("order_closed", "order", f"This order is {known.state} already.")
    return order


def _place(request: Request, payload: OrderPlace, hold: int) -> None:
    state, terms = request.state, payload.order
    number = state.totals.placed + 1
    state.count(placed=number)
    order = Order(
        id=request.id,
        account=request.sender.account,
        asset=payload.asset,
        order=terms,
        state=advance(ORDER, None, "place"),
        held=0 if isinstance(terms, OfferTerms) else hold,
        placed=state.time,
        number=number,
        commit=state.commit,
    )
    state.orders.put(order)
    note_lapse(state, order)
    if order.held:
        state.change_money(order.account, held=order.held)
    _say(state, "order.placed", order, request.id)


def note_lapse(state: State, order: Order) -> None:
    """Put an open order on the agenda."""
    state.lapses.add(lapse_time(order, state.timing), order.number, order.id)


def fill(state: State, order: Order, fills: dict[int, int]) -> None:
    """Take what a clearing filled (Wh per slot) off an order and off what it holds."""
    merged = dict(order.fills)
    for slot, wh in fills.items():
        merged[slot] = merged.get(slot, 0) + wh
    filled = sum(fills.values())
    released = 0 if order.is_offer else filled * order.order.price
    order = replace(
        order,
        fills=merged,
        filled_wh=order.filled_wh + filled,
        held=order.held - released,
        commit=state.commit,
    )
    state.change_money(order.account, held=-released)
    if order.filled_wh < order.total_wh:
        state.orders.put(order)
    else:
        _finish(state, order, "fill", None)


def end_orders(state: State, names: Sequence[str], cancelling: Mapping[str, str]) -> None:
    """Cancel those orders of a book of which that was asked; the others wait again for their end."""
    for name in names:
        order = state.orders.get(name)
        if order is None:
            continue
        if name in cancelling:
            _cancel(state, name, cancelling[name])
        else:
            note_lapse(state, order)


def lapse_due(state: State, time: int) -> None:
    """Lapse the orders of which no round from `time` on can fill anything; those in a book wait."""
    for name in state.lapses.take(time):
        order = state.orders.get(name)
        if order is not None:
            _finish(state, order, "lapse", None)


def forget_closed(state: State) -> None:
    """Forget orders that were finished a day ago."""
    due = takewhile(lambda closed: closed.until <= state.time, state.closed_orders.values())
    for closed in sorted(due, key=lambda closed: closed.number):
        state.closed_orders.forget(closed.id)


def _cancel(state: State, name: str, transaction: str) -> None:
    _finish(state, state.orders[name], "cancel", transaction)


def _finish(
    state: State, order: Order, event: Literal["fill", "cancel", "lapse"], transaction: str | None
) -> None:
    """End an order: its rest is given up, what it still holds is released."""
    if order.held:
        state.change_money(order.account, held=-order.held)
    order = replace(order, state=advance(ORDER, order.state, event), held=0, commit=state.commit)
    state.orders.finish(order)
    closed = ClosedOrder(
        id=order.id, account=order.account, state=order.state, number=order.number, until=state.time + DAY_MS
    )
    state.closed_orders.put(closed)
    _say(state, _ENDS[event], order, transaction)


_ENDS: Final[Mapping[str, EventType]] = {
    "fill": "order.filled",
    "cancel": "order.cancelled",
    "lapse": "order.lapsed",
}


def _say(state: State, event: EventType, order: Order, transaction: str | None) -> None:
    state.emit(event, order.row(), accounts=[order.account], assets=[order.asset], transaction=transaction)
