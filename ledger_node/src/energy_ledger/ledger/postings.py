"""What an event means for the money of accounts and of the community: the lines of their statements.

One table says which events move money and how. Over all accounts and the community fund the amounts of an
event add up to what it changed the money ever issued by, so statements add up to the ledger's balances.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from energy_ledger.ledger.events import Event

COMMUNITY: Final = "community"
"""Stands for the community fund where others have an address."""

type LineKind = Literal["bought", "sold", "issued", "transfer_in", "transfer_out", "community"]

type Facts = Mapping[str, Any]


class Line(Struct, frozen=True, kw_only=True, gc=False):
    """What an event did to one account: nano-units, negative where it paid.

    `amount` is all of it; `fee` and `penalty` are parts of it. `wh` is paid energy at `price` per Wh,
    `passed_wh` the part of it that the account only passed on. `other` is the counterparty, `text` a memo or
    reference.
    """

    account: str
    kind: LineKind
    amount: int
    fee: int = 0
    penalty: int = 0
    wh: int = 0
    passed_wh: int = 0
    price: int | None = None
    trade: str | None = None
    slot: int | None = None
    other: str | None = None
    text: str | None = None


def lines_of(kind: str, facts: Facts) -> tuple[Line, ...]:
    """Return the lines of an event of a type, from its data."""
    write = _LINES.get(kind)
    return tuple(write(facts)) if write else ()


def _trade(facts: Facts) -> Iterable[Line]:
    """Write a settled trade: to the buyer, to the seller, and what lies between to the community."""
    passed = facts.get("passed_wh") or 0
    wh = facts["settled_wh"] + passed
    fee = wh * facts["fee"]
    penalty = facts["seller_penalty"] - facts["buyer_penalty"]
    common: dict[str, Any] = {"wh": wh, "trade": facts["id"], "slot": facts["slot"]}
    yield Line(
        account=facts["buyer"],
        kind="bought",
        amount=penalty - facts["paid"],
        fee=-fee,
        penalty=penalty,
        passed_wh=passed,
        price=facts["buyer_price"],
        other=facts["seller"],
        **common,
    )
    yield Line(
        account=facts["seller"],
        kind="sold",
        amount=facts["received"] - penalty,
        penalty=-penalty,
        passed_wh=passed,
        price=facts["seller_price"],
        other=facts["buyer"],
        **common,
    )
    yield Line(
        account=COMMUNITY, kind="community", amount=facts["paid"] - facts["received"], fee=fee, **common
    )


def _review(facts: Facts) -> Iterable[Line]:
    """Write the difference that a decided claim made to a trade."""
    before = _trade({**facts, **facts["before"]})
    for was, now in zip(before, _trade(facts), strict=True):
        yield replace(now, **{name: getattr(now, name) - getattr(was, name) for name in _DIFFER})


_DIFFER: Final = ("amount", "fee", "penalty", "wh", "passed_wh")


def _transfer(facts: Facts) -> Iterable[Line]:
    giver, taker, amount, memo = facts["from"], facts["to"], facts["amount"], facts["memo"]
    yield Line(account=giver, kind="transfer_out", amount=-amount, other=taker, text=memo)
    yield Line(account=taker, kind="transfer_in", amount=amount, other=giver, text=memo)


def _issue(facts: Facts) -> Iterable[Line]:
    yield Line(
        account=facts["to"],
        kind="issued",
        amount=facts["amount"],
        other=facts["from"],
        text=facts["reference"],
    )


_LINES: Final[dict[str, Callable[[Facts], Iterable[Line]]]] = {
    "trade.settled": _trade,
    "trade.reviewed": _review,
    "transfer": _transfer,
    "voucher.issued": _issue,
}

KEY_EVENTS: Final = frozenset({"member.joined", "key.rotated"})
"""Events that give an account its keys: whoever checks its signatures must find them."""


def touched(event: Event) -> dict[str, int]:
    """Return the accounts whose money or keys an event changed, each with its amount (nano-units)."""
    amounts = dict.fromkeys(event.accounts, 0) if event.type in KEY_EVENTS else {}
    for line in lines_of(event.type, event.row) if event.type in _LINES else ():
        amounts[line.account] = amounts.get(line.account, 0) + line.amount
    return amounts
