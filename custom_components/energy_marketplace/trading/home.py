"""A home as its agent sees it: what is in it, how it stands, and what its people want.

Energies are Wh of electricity at the meter of the asset, unless said otherwise; powers W; prices nano per Wh,
those to pay all-in (grid fee included); times ms since the epoch; slots absolute numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from .forecast import Forecast

type Strategy = Literal["save_money", "own_sunshine", "help_street", "only_sell", "only_buy"]
"""What an asset's trading is to achieve.

- `save_money`: the lowest bill; every order leaves a margin for what may come otherwise than expected.
- `own_sunshine`: what the roof gives is used at home as far as possible; only what is left is sold.
- `help_street`: offers and bids up to the very price of the supplier, so that neighbours get most.
- `only_sell`, `only_buy`: one side of the market, otherwise as `save_money`.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSettings:
    """What the people of a home set for one asset.

    `automatic`: the agent places orders for it; otherwise it is only reckoned with. `min_sell_price` and
    `max_buy_price` (all-in) bound its orders. `only_below`: it takes energy only when that costs at most so
    much all-in, be it from the roof, from neighbours or from the supplier; None means that it must be served.
    """

    automatic: bool = True
    strategy: Strategy = "save_money"
    min_sell_price: int | None = None
    max_buy_price: int | None = None
    only_below: int | None = None

    @property
    def sells(self) -> bool:
        """Whether the agent may offer for it."""
        return self.automatic and self.strategy != "only_buy"

    @property
    def buys(self) -> bool:
        """Whether the agent may bid for it."""
        return self.automatic and self.strategy != "only_sell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The connection point: it buys what the home needs anyway, and sells for roofs that are no assets."""

    id: str
    rated_import_w: int
    rated_export_w: int
    settings: AssetSettings = AssetSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """Something that produces by itself; what all roofs give together is forecast for the home."""

    id: str
    rated_w: int
    settings: AssetSettings = AssetSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """A battery: what it holds, never goes below (`reserve_wh`) and can hold, inside, in Wh.

    `efficiency_pct` is of the whole way in and out, `wear` what each Wh given costs in life (nano per Wh).
    """

    id: str
    stored_wh: int
    capacity_wh: int
    reserve_wh: int
    charge_w: int
    discharge_w: int
    efficiency_pct: int = 90
    wear: int = 20_000
    settings: AssetSettings = AssetSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Car:
    """A car at its charger. It still needs `needs_wh` by `ready_ms` (None: any time within the horizon)."""

    id: str
    needs_wh: int
    power_w: int
    ready_ms: int | None = None
    plugged_in: bool = True
    settings: AssetSettings = AssetSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatStore:
    """A heat pump or boiler with something that keeps the heat: a tank, or the house within its comfort band.

    It holds `stored_wh` of heat between `low_wh` and `high_wh`; `draw_wh` is the heat taken from it per slot
    (slots left out take nothing), `loss_w` what it loses by itself. A Wh of electricity gives
    `heat_pct` / 100 Wh of heat (boiler 100, heat pump about 300).
    """

    id: str
    stored_wh: int
    low_wh: int
    high_wh: int
    power_w: int
    heat_pct: int = 100
    loss_w: int = 0
    draw_wh: Mapping[int, int] = field(default_factory=dict)
    settings: AssetSettings = AssetSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appliance:
    """A run of a machine that somebody asked for: Wh per slot in one piece, between two times."""

    id: str
    profile_wh: tuple[int, ...]
    ready_ms: int
    earliest_ms: int = 0
    settings: AssetSettings = AssetSettings()


type Load = Car | HeatStore | Appliance
type Asset = Point | Roof | Battery | Car | HeatStore | Appliance


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplierPrices:
    """What the home's own supplier charges (all-in) and pays per slot, where it is not what the tariff says.

    A slot that is left out costs the network's cap and fee, and earns its floor.
    """

    buy: Mapping[int, int] = field(default_factory=dict)
    sell: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeModel:
    """Everything behind one connection point that the agent reckons with.

    `base` is what the home uses apart from the assets named here, `production` what its roofs give together.
    """

    point: Point
    base: Forecast
    production: Forecast
    roofs: tuple[Roof, ...] = ()
    batteries: tuple[Battery, ...] = ()
    loads: tuple[Load, ...] = ()
    supplier: SupplierPrices = SupplierPrices()

    @property
    def assets(self) -> Iterator[Asset]:
        """Every asset, the connection point first."""
        yield self.point
        yield from self.roofs
        yield from self.batteries
        yield from self.loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the people of a home set for all of it.

    `daily_limit`: the most (nano) that the agent may commit to pay for energy of one local day; `available`:
    the most that new orders may hold now, None where nobody asks.
    """

    daily_limit: int | None = None
    available: int | None = None
