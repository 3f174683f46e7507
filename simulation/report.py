"""What a run of the demo proves, as one JSON object."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from custom_components.energy_marketplace.ledger.answers import Trade
from custom_components.energy_marketplace.ledger.client import NodeClient
from simulation.home_assistant.client import HomeAssistant
from simulation.home_assistant.config import DOMAIN
from simulation.registers import Recorder

type Json = dict[str, Any]

TRIES = 50
PAUSE_S = 0.1


@dataclass(frozen=True)
class Balances:
    """All money of the network at one commit, in nano: each account's balance and what is held of it."""

    accounts: Mapping[str, Json]
    community: int
    issued: int

    @property
    def total(self) -> int:
        """All accounts (what is held is a part of them) and the community's fund."""
        return sum(int(account["balance"]) for account in self.accounts.values()) + self.community

    def as_dict(self) -> Json:
        """Return it as it is reported."""
        return {**self.accounts, "community fund": {"balance": self.community, "held": 0}}


async def take_balances(client: NodeClient, people: Mapping[str, str]) -> Balances:
    """Read every account (address: name) at one and the same commit.

    Raises:
        TimeoutError: the ledger did not stand still for the time of a few requests.

    """
    for _ in range(TRIES):
        before = await client.network()
        rows = {name: await client.account(address) for address, name in people.items()}
        if (await client.network()).commit == before.commit:
            accounts = {name: {"balance": row.balance, "held": row.held} for name, row in rows.items()}
            return Balances(accounts, before.money.community, before.money.issued)
        await asyncio.sleep(PAUSE_S)
    raise TimeoutError("the ledger moved on during every reading of the balances")


@dataclass(frozen=True)
class Witness:
    """Who can tell about the Home Assistant home's trades: its asset ids by name, the meters, the ledger."""

    home: HomeAssistant
    client: NodeClient
    address: str
    assets: Mapping[str, str]
    recorder: Recorder

    async def settled(self) -> list[Trade]:
        """Return the home's settled trades."""
        return await self.client.trades(account=self.address, state="settled")

    async def origins(self) -> dict[str, str]:
        """Return who placed each order that led to a trade, as the integration remembers it."""
        answer = await self.home.call(f"{DOMAIN}.get_trades", {}, answers=True)
        return {trade["order"]: trade["placed_by"] for trade in answer["trades"]}

    async def trade_rows(self, trades: list[Trade]) -> list[Json]:
        """Return the trades as they are reported; prices in nano per Wh, money in nano."""
        origins = await self.origins()
        return [self._row(trade, origins) for trade in sorted(trades, key=lambda trade: trade.slot)]

    def _row(self, trade: Trade, origins: Mapping[str, str]) -> Json:
        sells = trade.seller == self.address
        order = trade.sell_order if sells else trade.buy_order
        asset = trade.sell_asset if sells else trade.buy_asset
        names = {identity: name for name, identity in self.assets.items()}
        return {
            "trade": trade.id,
            "order": order,
            "asset": names.get(asset, asset),
            "slot": trade.slot,
            "wh_agreed": trade.wh,
            "wh_settled": trade.settled_wh,
            "price": trade.seller_price if sells else trade.buyer_price,
            "fee": trade.fee,
            "amount": trade.received if sells else trade.paid,
            "state": trade.state,
            "placed_by": origins.get(order),
            "registers": {name: self.recorder.slot(name, trade.slot) for name in self.assets},
        }

    def asset_slots(self, name: str, trades: list[Trade]) -> list[Json]:
        """Return what an asset's own meter counted in each slot of the run, beside what was agreed for it."""
        agreed: dict[int, int] = {}
        for trade in trades:
            if trade.buy_asset == self.assets[name]:
                agreed[trade.slot] = agreed.get(trade.slot, 0) + trade.wh
        rows = []
        for slot in self.recorder.slots(name):
            start, end = (self.recorder.seen[name][edge] for edge in (slot, slot + 1))
            measured = end.imported_wh - start.imported_wh
            rows.append({"slot": slot, "wh_agreed": agreed.get(slot, 0), "wh_measured": measured})
        return rows


async def states_of(home: HomeAssistant, entity_ids: list[str]) -> Json:
    """Return the states of entities with their units."""
    rows = {row["entity_id"]: row for row in await home.get("/api/states")}
    return {
        entity_id: {"state": row["state"], "unit": row["attributes"].get("unit_of_measurement")}
        for entity_id in entity_ids
        if (row := rows.get(entity_id))
    }
