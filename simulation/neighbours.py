"""The six headless members: one founds the network, the others join by invite, all get money to begin."""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from custom_components.energy_marketplace.ledger import membership
from custom_components.energy_marketplace.ledger.answers import Event
from custom_components.energy_marketplace.ledger.client import NodeClient
from custom_components.energy_marketplace.ledger.events import EventFollower
from custom_components.energy_marketplace.ledger.genesis import GenesisOptions, Tariff
from custom_components.energy_marketplace.ledger.member import Member
from custom_components.energy_marketplace.ledger.units import NANO
from custom_components.energy_marketplace.ledger.wallet import Wallet
from custom_components.energy_marketplace.meter.journal import FileStorage, Journal
from custom_components.energy_marketplace.meter.probe import wall_clock
from simulation.resident import Resident
from simulation.strategies import Assets, Strategy
from simulation.street import MAINS_W, House

VOUCHER = 20 * NANO
CREDIT = 5 * NANO

OPTIONS = GenesisOptions(
    name="Sunny Street",
    founder_name="Rosa",
    test=True,
    slot_s=20,
    horizon_slots=60,
    round_s=5,
    proposal_window_s=2,
    gate_s=4,
    grace_slots=2,
    tariff=Tariff(price_floor=80_000, price_cap=300_000, grid_fee=5_000),
)
"""A day in quick motion: slots of twenty seconds, a round every five."""


@dataclass(frozen=True)
class Founder:
    """The member who founded the network; treasurer, too."""

    membership: membership.Membership
    member: Member

    async def invite(self) -> str:
        """Return the text of a new invite."""
        return (await self.member.make_invite(nodes=[self.member.client.url])).text()

    async def welcome(self) -> None:
        """Give everybody who joins a voucher and a credit line, until cancelled."""
        await self._endow(self.member.address)
        follower = EventFollower(self.member.client, cursor=0, types=("member.joined",))
        async with aclosing(follower.follow()) as items:
            async for item in items:
                if isinstance(item, Event) and item.data["account"] != self.member.address:
                    await self._endow(item.data["account"])

    async def _endow(self, address: str) -> None:
        await self.member.issue(address, VOUCHER, "welcome to the street")
        await self.member.set_credit(address, CREDIT)


async def found(client: NodeClient, options: GenesisOptions = OPTIONS) -> Founder:
    """Found the street's network on an empty node; the client carries the setup token."""
    wallet = Wallet.generate()
    joined = await membership.found(client, wallet, options, now=wall_clock())
    return Founder(joined, joined.member(wallet, client))


async def join(client: NodeClient, invite: str, name: str) -> Member:
    """Join the street with an invite and a new wallet."""
    wallet = Wallet.generate()
    return (await membership.join(client, wallet, invite, name)).member(wallet, client)


async def move_in(house: House, member: Member, folder: Path, say: Callable[[str], None]) -> Resident:
    """Register a house's assets and return its resident, ready to live."""
    assets = await _register(house, member)
    parameters = (await member.client.network()).parameters
    name = house.neighbour.name
    journal = await Journal.open(assets.point, FileStorage(folder / f"{name}.jsonl"))
    return Resident(name, member, Strategy(house, assets, parameters), parameters, journal, say)


async def _register(house: House, member: Member) -> Assets:
    """Register what the house has; the main meter is its connection point."""
    neighbour = house.neighbour

    async def register(asset_type: str, what: str, import_w: int, export_w: int, **more: str) -> str:
        receipt = await member.register_asset(
            asset_type=asset_type,
            name=f"{neighbour.name}, {what}",
            rated_import_w=import_w,
            rated_export_w=export_w,
            **more,
        )
        return receipt.id

    roof_w, battery_w, charger_w = neighbour.roof_w, neighbour.battery_w, neighbour.charger_w
    point = await register("home", "main meter", MAINS_W, roof_w + battery_w)
    roof = await register("solar", "roof", 0, roof_w, behind=point, source="solar") if roof_w else None
    charger = await register("charger", "car", charger_w, 0, behind=point) if charger_w else None
    battery = None
    if battery_w:
        battery = await register("battery", "battery", battery_w, battery_w, behind=point, source="storage")
    return Assets(point, roof, battery, charger)
