"""Transactions that this node took but cannot order itself: passed on to validators until they are ordered.

One validator at a time gets what an account has on its way, in the order of its numbers and always all of
it, so that no number is ordered without those before it. The next validator gets it after a while, so that
one that is off or silent only costs that while. When all have had it nothing is ordered at all, and it goes
round less and less often, until a link to a validator comes or goes.

Nobody acknowledges what was passed on. A validator's word that it has something would not free the sender
from keeping it and sending it again, as that validator may be switched off, or lie, before it is ordered.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from energy_ledger.mempool import Waiting
from energy_ledger.network.frames import Envelopes, in_pages
from energy_ledger.network.link import Link
from energy_ledger.node.chain import Placed

AGAIN_MS: Final = 3_000
"""How long the first validators have to get it ordered, each."""
MOST_DOUBLINGS: Final = 4
"""How often that doubles, each time that everybody had it: up to 48 s."""


@dataclass(slots=True)
class _Parcel:
    """What one account has on its way; `due` is when the next validator gets it (ms)."""

    due: int
    waiting: dict[str, Waiting] = field(default_factory=dict)
    tries: int = 0
    is_new: bool = True

    def envelopes(self) -> list[bytes]:
        in_order = sorted(self.waiting.values(), key=lambda one: one.sequence)
        return [one.data for one in in_order]

    def begin_again(self, now: int) -> None:
        """Offer the parcel anew, as to those who have not had it."""
        self.tries, self.due = 0, now

    def turn(self, now: int, size: int) -> int | None:
        """Return whose turn of so many it is to get the parcel; None while nobody needs it again."""
        if self.due <= now:
            self.due = now + (AGAIN_MS << min(self.tries // size, MOST_DOUBLINGS))
            self.tries += 1
        elif not self.is_new:
            return None
        self.is_new = False
        return (self.tries - 1) % size


class Forwarder:
    """Remembers what was passed on, until it is ordered or void."""

    def __init__(self) -> None:
        self._parcels: dict[str, _Parcel] = {}
        self._accounts: dict[str, str] = {}
        self._validators: list[Link] = []

    def __len__(self) -> int:
        """Return how many transactions are on their way through others."""
        return len(self._accounts)

    def add(self, homeless: Iterable[Waiting], now: int) -> None:
        """Take transactions to be passed on."""
        for one in homeless:
            parcel = self._parcels.setdefault(one.account, _Parcel(now))
            parcel.waiting[one.transaction.id] = one
            parcel.is_new = True
            self._accounts[one.transaction.id] = one.account

    def settle(self, placed: Iterable[Placed]) -> None:
        """Forget what is ordered."""
        for one in placed:
            self._forget(one.result.id)

    def take_void(self, time: int) -> list[Waiting]:
        """Forget and return what no validator will take any more at this ledger time (ms)."""
        every = [one for parcel in self._parcels.values() for one in parcel.waiting.values()]
        void = [one for one in every if one.transaction.payload.expires < time]
        for one in void:
            self._forget(one.transaction.id)
        return void

    def send(self, validators: Sequence[Link], now: int) -> None:
        """Pass on what is due, each account's to the validator whose turn it is."""
        if self._validators != list(validators):
            self._validators = list(validators)
            for parcel in self._parcels.values():
                parcel.begin_again(now)
        if not validators:
            return
        shares: dict[int, list[bytes]] = {}
        for parcel in self._parcels.values():
            turn = parcel.turn(now, len(validators))
            if turn is not None:
                shares.setdefault(turn, []).extend(parcel.envelopes())
        for place, envelopes in shares.items():
            for page in in_pages(envelopes):
                validators[place].send(Envelopes(page))

    def _forget(self, identity: str) -> None:
        account = self._accounts.pop(identity, None)
        if account is not None:
            parcel = self._parcels[account]
            del parcel.waiting[identity]
            if not parcel.waiting:
                del self._parcels[account]
