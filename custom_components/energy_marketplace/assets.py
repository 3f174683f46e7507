"""An asset as its subentry describes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback

from .const import (
    CONF_ASSET_TYPE,
    CONF_BEHIND,
    CONF_CONTROL,
    CONF_FEEDER,
    CONF_HEAT,
    CONF_MAX_BUY_PRICE,
    CONF_METER,
    CONF_MIN_SELL_PRICE,
    CONF_RATED_EXPORT_W,
    CONF_RATED_IMPORT_W,
    CONF_SCAN_INTERVAL_S,
    CONF_SETTINGS,
    DEFAULT_SCAN_INTERVAL_S,
    HEAT_COP,
    HEAT_HIGH,
    HEAT_LITRES,
    HEAT_LOW,
    HEAT_REST,
    HEAT_RUN,
    HEAT_SENSOR,
    HEATERS,
    LEAST_MINUTES,
    LOADS,
    SUBENTRY_ASSET,
)
from .trading.heat import Band, Rhythm
from .trading.home import Strategy

_SETTABLE = frozenset({CONF_MIN_SELL_PRICE, CONF_MAX_BUY_PRICE, CONF_SETTINGS})
"""What entities change while the member runs; everything else needs it to start again."""


@dataclass(frozen=True, kw_only=True)
class TradingSettings:
    """How an asset trades by itself, as its entities set it.

    `energy_wh` is what a load needs until `ready_by` (a time of day), or a run of an appliance, which takes
    `run_minutes`; `reserve_percent` stays in a battery of `capacity_wh`; `daily_limit` (nano) is the most
    that the home spends in a day, None for no limit; `only_below` (nano per Wh) lets a load wait until
    energy costs so little, None means that it must be served.
    """

    automatic: bool = False
    strategy: Strategy = "save_money"
    energy_wh: int = 1_000
    ready_by: str = "07:00:00"
    run_minutes: int = 60
    capacity_wh: int = 10_000
    reserve_percent: int = 20
    daily_limit: int | None = None
    only_below: int | None = None

    @property
    def ready_at(self) -> time:
        """The time of day by which a load must have its energy."""
        return time.fromisoformat(self.ready_by)


@dataclass(frozen=True, kw_only=True)
class HomeAsset:
    """One asset of this home: limits in nano per Wh, power in W, `behind` None at a connection point."""

    id: str
    subentry_id: str
    name: str
    asset_type: str
    rated_import_w: int
    rated_export_w: int
    behind: str | None
    feeder: str
    min_sell_price: int | None
    max_buy_price: int | None
    scan_interval_s: int
    meter: Mapping[str, Any]
    settings: TradingSettings = field(default_factory=TradingSettings)
    control: Mapping[str, Any] = field(default_factory=dict)
    heat: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subentry: ConfigSubentry) -> Self:
        """Read a subentry; its unique id is the asset's id on the ledger."""
        data = subentry.data
        return cls(
            id=subentry.unique_id or "",
            subentry_id=subentry.subentry_id,
            name=subentry.title,
            asset_type=data[CONF_ASSET_TYPE],
            rated_import_w=data[CONF_RATED_IMPORT_W],
            rated_export_w=data[CONF_RATED_EXPORT_W],
            behind=data[CONF_BEHIND],
            feeder=data[CONF_FEEDER],
            min_sell_price=data[CONF_MIN_SELL_PRICE],
            max_buy_price=data[CONF_MAX_BUY_PRICE],
            scan_interval_s=data[CONF_METER].get(CONF_SCAN_INTERVAL_S, DEFAULT_SCAN_INTERVAL_S),
            meter=data[CONF_METER],
            settings=TradingSettings(**data.get(CONF_SETTINGS, {})),
            control=data.get(CONF_CONTROL, {}),
            heat=data.get(CONF_HEAT, {}),
        )

    @property
    def is_connection_point(self) -> bool:
        """Whether this asset sits on the public grid, where settlement happens."""
        return self.behind is None

    @property
    def is_load(self) -> bool:
        """Whether it needs some energy by some time, whenever it suits."""
        return self.asset_type in LOADS and self.rated_import_w > 0

    @property
    def band(self) -> Band | None:
        """Between which temperatures it keeps its tank; None where nothing measures them."""
        if not self.is_load or self.asset_type not in HEATERS or not self.heat.get(HEAT_SENSOR):
            return None
        return Band(
            low_c=self.heat[HEAT_LOW],
            high_c=self.heat[HEAT_HIGH],
            litres=self.heat.get(HEAT_LITRES, 0),
            cop=self.heat.get(HEAT_COP) or HEATERS[self.asset_type],
        )

    @property
    def rhythm(self) -> Rhythm:
        """How long it runs and rests at least; of something that warms nothing no time at all."""
        usual = LEAST_MINUTES.get(self.asset_type, 0)
        run, rest = (self.heat.get(key, usual) for key in (HEAT_RUN, HEAT_REST))
        return Rhythm(run_s=round(run * 60), rest_s=round(rest * 60))


def assets_of(entry: ConfigEntry) -> list[HomeAsset]:
    """Return a member's assets, connection points first, so that what hangs behind them finds them."""
    assets = [
        HomeAsset.of(subentry)
        for subentry in entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_ASSET
    ]
    return sorted(assets, key=lambda asset: not asset.is_connection_point)


def wiring_of(entry: ConfigEntry) -> Mapping[str, Any]:
    """Return what a member is built from: a change of this, and of nothing else, makes it start again."""
    return {
        "entry": (entry.title, dict(entry.data)),
        **{
            subentry.subentry_id: (
                subentry.title,
                subentry.unique_id,
                {key: value for key, value in subentry.data.items() if key not in _SETTABLE},
            )
            for subentry in entry.subentries.values()
        },
    }


@callback
def async_set_limits(hass: HomeAssistant, entry: ConfigEntry, subentry_id: str, **limits: int | None) -> None:
    """Keep an asset's price limits: `min_sell_price`, `max_buy_price` (nano per Wh)."""
    subentry = entry.subentries[subentry_id]
    hass.config_entries.async_update_subentry(entry, subentry, data={**subentry.data, **limits})


@callback
def async_set(hass: HomeAssistant, entry: ConfigEntry, subentry_id: str, **changes: Any) -> None:
    """Keep changes of an asset's `TradingSettings`."""
    subentry = entry.subentries[subentry_id]
    settings = {**subentry.data.get(CONF_SETTINGS, {}), **changes}
    hass.config_entries.async_update_subentry(
        entry, subentry, data={**subentry.data, CONF_SETTINGS: settings}
    )


@callback
def async_remove(hass: HomeAssistant, entry: ConfigEntry, asset: str) -> None:
    """Remove the subentry of an asset (its id), with its device and entities."""
    for subentry_id in [one.subentry_id for one in entry.subentries.values() if one.unique_id == asset]:
        hass.config_entries.async_remove_subentry(entry, subentry_id)
