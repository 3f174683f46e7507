"""An asset as its subentry describes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from homeassistant.config_entries import ConfigEntry, ConfigSubentry

from .const import (
    CONF_ASSET_TYPE,
    CONF_BEHIND,
    CONF_FEEDER,
    CONF_MAX_BUY_PRICE,
    CONF_METER,
    CONF_MIN_SELL_PRICE,
    CONF_RATED_EXPORT_W,
    CONF_RATED_IMPORT_W,
    CONF_SCAN_INTERVAL_S,
    DEFAULT_SCAN_INTERVAL_S,
    SUBENTRY_ASSET,
)


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
        )

    @property
    def is_connection_point(self) -> bool:
        """Whether this asset sits on the public grid, where settlement happens."""
        return self.behind is None


def assets_of(entry: ConfigEntry) -> list[HomeAsset]:
    """Return a member's assets, connection points first, so that what hangs behind them finds them."""
    assets = [
        HomeAsset.of(subentry)
        for subentry in entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_ASSET
    ]
    return sorted(assets, key=lambda asset: not asset.is_connection_point)
