"""Transactions that this node took but cannot order itself: passed on to validators until they are ordered.

One validator at a time gets them, the next one after a while, so that one that is off or silent only costs
that while.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from energy_ledger.mempool import Waiting
from energy_ledger.network.frames import Envelopes, in_pages
from energy_ledger.network.link import Link
from energy_ledger.node.chain import Placed

AGAIN_MS: Final = 3_000


@dataclass(slots=True)
class _Parcel:
    waiting: Waiting
    due: int
    tries: int = 0


class Forwarder:
    """Remembers what was passed on, until it is ordered or void."""

    def __init__(self) -> None:
        self._parcels: dict[str, _Parcel] = {}

    def __len__(self) -> int:
        """Return how many transactions are on their way through others."""
        return len(self._parcels)

    def add(self, homeless: Iterable[Waiting], now: int) -> None:
        """Take transactions to be passed on."""
        for waiting in homeless:
            self._parcels.setdefault(waiting.transaction.id, _Parcel(waiting, now))

    def settle(self, placed: Iterable[Placed]) -> None:
        """Forget what is ordered."""
        for one in placed:
            self._parcels.pop(one.result.id, None)

    def take_void(self, time: int) -> list[Waiting]:
        """Forget and return what no validator will take any more at this ledger time (ms)."""
        void = [
            one.waiting for one in self._parcels.values() if one.waiting.transaction.payload.expires < time
        ]
        for waiting in void:
            del self._parcels[waiting.transaction.id]
        return void

    def send(self, validators: Sequence[Link], now: int) -> None:
        """Pass on what is due, each transaction to the validator whose turn it is."""
        if not validators:
            return
        shares: dict[int, list[bytes]] = {}
        for parcel in self._parcels.values():
            if parcel.due <= now:
                shares.setdefault(parcel.tries % len(validators), []).append(parcel.waiting.data)
                parcel.tries, parcel.due = parcel.tries + 1, now + AGAIN_MS
        for place, envelopes in shares.items():
            for page in in_pages(envelopes):
                validators[place].send(Envelopes(page))
