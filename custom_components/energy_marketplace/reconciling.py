"""Holding what is known here against what the ledger's state says, each time the node can be reached again.

Events tell what changes. A node that was restored from a backup, began with a snapshot, or belongs to a
ledger that lost its last hours, may never tell of a change that the state shows all the same: an order or
trade that is gone, an asset that was retired. So at each connection what is open is asked for, and where
events are missing, everything.
"""

import asyncio
import logging
from typing import TYPE_CHECKING

from .book import OPEN
from .ledger.answers import Network, Trade
from .ledger.client import RefusedError

if TYPE_CHECKING:
    from .coordinator import MarketCoordinator

_LOGGER = logging.getLogger(__name__)
UNDER_WAY = ("matched", "delivering", "metered", "overdue", "disputed")
"""The states of trades that may still come to something else."""
RETIRED = "retired"
_NOT_FOUND = 404


class Reconciler:
    """Knows whether the home's book and assets are those of the ledger."""

    def __init__(self, market: MarketCoordinator) -> None:
        """Know nothing of the ledger yet."""
        self._market = market
        self._busy = asyncio.Lock()
        self._is_due = True
        self._is_lost = False
        self.times = 0
        """How often it was done, for whoever has more to compare than what is compared here."""

    def note_lost(self) -> None:
        """Note that events are missing: what finished meanwhile is to be asked for too."""
        self._is_due = self._is_lost = True

    def note_connected(self) -> None:
        """Note that the node is there again, maybe with another past."""
        self._is_due = True

    async def async_reconcile(self) -> bool:
        """Compare if that is due; return whether what is known here is what the ledger says.

        Raises:
            NodeError: the node does not say.

        """
        async with self._busy:
            if self._is_due:
                await self._compare()
            return not self._is_due

    async def _compare(self) -> None:
        market, client, account = self._market, self._market.member.client, self._market.member.address
        if self._is_behind(await client.network()):
            _LOGGER.debug("The node at %s catches up; what it says is the past", client.url)
            return
        cursor = market.book.cursor
        orders = await client.orders(account=account, state=OPEN)
        trades = await (client.trades(account=account) if self._is_lost else self._under_way())
        assets = await client.assets(account=account)
        if market.book.cursor != cursor:
            return  # something happened while the lists were read; the next refresh reads them again
        if self._is_lost:
            market.book.cursor = market.heard_until
            _LOGGER.info("The node at %s was restored or began later; its lists were read anew", client.url)
        self._is_due = self._is_lost = False
        self.times += 1
        market.take_over(orders, trades, [asset.id for asset in assets if asset.state == RETIRED])

    def _is_behind(self, network: Network) -> bool:
        """Return whether the node still catches up with what it, or another, told this home before."""
        return not network.in_sync and network.commit < self._market.book.commit

    async def _under_way(self) -> list[Trade]:
        """Return the member's trades that are under way, and what became of those that were."""
        client, account = self._market.member.client, self._market.member.address
        found = [trade for state in UNDER_WAY for trade in await client.trades(account=account, state=state)]
        here = {trade.id for trade in found}
        for gone in [trade.id for trade in self._market.book.unsettled() if trade.id not in here]:
            try:
                found.append(await client.trade(gone))
            except RefusedError as error:
                if error.status != _NOT_FOUND:
                    raise
        return found
