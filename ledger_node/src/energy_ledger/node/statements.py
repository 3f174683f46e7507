"""Statements: what moved an account's money over a time, line by line, from the events on the disk."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from energy_ledger.api import types
from energy_ledger.api.problems import ProblemError
from energy_ledger.genesis import Genesis
from energy_ledger.ledger.postings import Line, lines_of
from energy_ledger.node.pruned import check_until
from energy_ledger.storage.reader import Reader

MOST_LINES: Final = 50_000
"""Longest statement that is written."""
_PAGE: Final = 1_000

_event = msgspec.json.Decoder(types.Event)
_account = msgspec.json.Decoder(types.Account)


class Statements:
    """Writes statements; its methods are called in threads."""

    def __init__(self, reader: Reader, genesis: Genesis) -> None:
        self._reader = reader
        self._genesis = genesis

    def of(self, account: str, since: int, until: int) -> types.Statement | None:
        """Return an account's statement over ledger times (ms) in [since, until); None for no account.

        It begins with the history that is kept here, if that is later. Raises ProblemError for a time with
        too many lines, or one of which nothing is kept.
        """
        start = self._reader.start()
        check_until(start, until, "until")
        since = max(since, start.time)
        opening = self._reader.balance_at(account, since)
        if opening is None:
            return None
        lines = list(_running(opening, self._lines(account, since, until)))
        return types.Statement(
            account=account,
            name=self._name(account),
            network=self._genesis.network,
            currency=self._genesis.rules.currency,
            start=since,
            until=until,
            opening=opening,
            closing=lines[-1].balance if lines else opening,
            totals=_totals(lines),
            lines=lines,
        )

    def _name(self, account: str) -> str:
        row = self._reader.one("accounts", account)
        return "Community fund" if row is None else _account.decode(row).name

    def _lines(self, account: str, since: int, until: int) -> Iterator[tuple[types.Event, Line]]:
        count = 0
        for event in self._events(account, since, until):
            for line in lines_of(event.type, event.data):
                if line.account == account:
                    count += 1
                    if count > MOST_LINES:
                        text = f"a statement has at most {MOST_LINES} lines; ask for a shorter time"
                        raise ProblemError("bad_request", text, "until")
                    yield event, line

    def _events(self, account: str, since: int, until: int) -> Iterator[types.Event]:
        after = self._reader.start().cursor
        while found := self._reader.events_of_account(account, since, until, after, _PAGE):
            after = found[-1][0]
            yield from (_event.decode(body) for _, body in found)


def _running(balance: int, lines: Iterable[tuple[types.Event, Line]]) -> Iterator[types.StatementLine]:
    """Show lines with the balance that each leads to."""
    for event, line in lines:
        balance += line.amount
        yield types.StatementLine(
            cursor=event.cursor,
            commit=event.commit,
            time=event.time,
            transaction=event.transaction,
            kind=line.kind,
            trade=line.trade,
            slot=line.slot,
            correction=line.correction,
            other=line.other,
            text=line.text,
            wh=line.wh,
            passed_wh=line.passed_wh,
            price=line.price,
            energy=line.energy,
            fee=line.fee,
            penalty_paid=line.penalty_paid,
            penalty_received=line.penalty_received,
            amount=line.amount,
            balance=balance,
        )


_ENERGY: Final = {"bought": ("bought_wh", "paid", -1), "sold": ("sold_wh", "received", 1)}
"""Of lines of energy: where their Wh and their money are counted, and which sign makes that positive."""
_MONEY: Final = {
    "issued": ("issued", 1),
    "redeemed": ("redeemed", -1),
    "transfer_in": ("transferred_in", 1),
    "transfer_out": ("transferred_out", -1),
    "community_in": ("community_in", 1),
    "community_out": ("community_out", -1),
}
"""Of all other lines: where their amount is counted, and its sign there."""


def _totals(lines: Iterable[types.StatementLine]) -> types.StatementTotals:
    """Add lines up by what they are; each figure is positive in the direction that its name says."""
    totals = dict.fromkeys(types.StatementTotals.__struct_fields__, 0)
    for line in lines:
        if line.kind in _MONEY:
            name, sign = _MONEY[line.kind]
            totals[name] += sign * line.amount
        else:
            energy, money, sign = _ENERGY[line.kind]
            totals[energy] += line.wh
            totals[money] += sign * line.energy
            totals["passed_on_wh"] += line.passed_wh
            totals["fees"] += line.fee
            totals["penalties_paid"] += line.penalty_paid
            totals["penalties_received"] += line.penalty_received
    return types.StatementTotals(**totals)
