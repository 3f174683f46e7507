"""What an event means for the money of accounts and of the community: the lines of their statements.

One table says which events move money and how. Over all accounts and the community fund the amounts of an
event add up to what it changed the money ever issued by, so statements add up to the ledger's balances.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from energy_ledger.ledger.events import Event

COMMUNITY: Final = "community"
"""Stands for the community fund where others have an address."""

type LineKind = Literal[
    "bought", "sold", "issued", "redeemed", "transfer_in", "transfer_out", "community_in", "community_out"
]

type Facts = Mapping[str, Any]


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """What an event did to one account; money in nano-units.

    `amount` is by how much the balance changed: `energy` and the penalties, less `fee`. `wh` is energy paid
    for at `price` per Wh, `passed_wh` the part of it that only passed through. A `correction` states by how
    much a trade came to something else than before, so its figures may be negative.
    """

    account: str
    kind: LineKind
    amount: int
    energy: int = 0
    fee: int = 0
    penalty_paid: int = 0
    penalty_received: int = 0
    wh: int = 0
    passed_wh: int = 0
    price: int | None = None
    trade: str | None = None
    slot: int | None = None
    correction: bool = False
    other: str | None = None
    text: str | None = None


def lines_of(kind: str, facts: Facts) -> tuple[Line, ...]:
    """Return the lines of an event of a type, from its data."""
    write = _LINES.get(kind)
    return tuple(write(facts)) if write else ()


_FIGURES: Final = ("settled_wh", "passed_wh", "paid", "received", "seller_penalty", "buyer_penalty")


def _trade(facts: Facts) -> Iterable[Line]:
    """Write what a trade came to, or by how much that changed: to the buyer, the seller and the community."""
    before = facts.get("before") or {}
    more = {name: (facts.get(name) or 0) - (before.get(name) or 0) for name in _FIGURES}
    wh = more["settled_wh"] + more["passed_wh"]
    fee, correction = wh * facts["fee"], bool(before)
    if not any(more.values()) and correction:
        return
    common: dict[str, Any] = {
        "wh": wh,
        "passed_wh": more["passed_wh"],
        "trade": facts["id"],
        "slot": facts["slot"],
        "correction": correction,
    }
    penalty = more["seller_penalty"] - more["buyer_penalty"]
    yield Line(
        account=facts["buyer"],
        kind="bought",
        amount=penalty - more["paid"],
        energy=fee - more["paid"],
        fee=fee,
        penalty_paid=more["buyer_penalty"],
        penalty_received=more["seller_penalty"],
        price=facts["buyer_price"],
        other=facts["seller"],
        **common,
    )
    yield Line(
        account=facts["seller"],
        kind="sold",
        amount=more["received"] - penalty,
        energy=more["received"],
        penalty_paid=more["seller_penalty"],
        penalty_received=more["buyer_penalty"],
        price=facts["seller_price"],
        other=facts["buyer"],
        **common,
    )
    yield Line(
        account=COMMUNITY, kind="community_in", amount=more["paid"] - more["received"], other=None, **common
    )


def _transfer(facts: Facts) -> Iterable[Line]:
    giver, taker, amount, memo = facts["from"], facts["to"], facts["amount"], facts["memo"]
    yield Line(account=giver, kind="transfer_out", amount=-amount, other=taker, text=memo)
    yield Line(account=taker, kind="transfer_in", amount=amount, other=giver, text=memo)


def _issue(facts: Facts) -> Iterable[Line]:
    amount, text = facts["amount"], facts["reference"]
    yield Line(account=facts["to"], kind="issued", amount=amount, other=facts["from"], text=text)


def _redeem(facts: Facts) -> Iterable[Line]:
    amount, text = facts["amount"], facts["reference"]
    yield Line(account=facts["account"], kind="redeemed", amount=-amount, text=text)


def _pay_from_fund(facts: Facts) -> Iterable[Line]:
    amount, text = facts["amount"], facts["reference"]
    yield Line(account=COMMUNITY, kind="community_out", amount=-amount, other=facts["to"], text=text)
    yield Line(account=facts["to"], kind="community_in", amount=amount, other=facts["from"], text=text)


_LINES: Final[dict[str, Callable[[Facts], Iterable[Line]]]] = {
    "trade.settled": _trade,
    "trade.reviewed": _trade,
    "transfer": _transfer,
    "voucher.issued": _issue,
    "voucher.paid": _redeem,
    "community.paid": _pay_from_fund,
}
"""How each event that moves money is written; `before` has what a reviewed trade came to until then."""

KEY_EVENTS: Final = frozenset({"member.joined", "key.rotated"})
"""Events that give an account its keys: whoever checks its signatures must find them."""


def touched(event: Event) -> dict[str, int]:
    """Return the accounts whose money or keys an event changed, each with its amount (nano-units)."""
    amounts = dict.fromkeys(event.accounts, 0) if event.type in KEY_EVENTS else {}
    for line in lines_of(event.type, event.row) if event.type in _LINES else ():
        amounts[line.account] = amounts.get(line.account, 0) + line.amount
    return amounts
