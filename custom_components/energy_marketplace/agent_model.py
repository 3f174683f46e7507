"""A home as its agent sees it, made of its assets' settings and of how they stand now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .assets import HomeAsset
from .const import LOADS, SOURCES
from .trading.heat import Tank
from .trading.home import (
    Appliance,
    AssetSettings,
    Battery,
    Car,
    HeatStore,
    HomeModel,
    Load,
    Point,
    Roof,
)
from .trading.memory import Outlook

_ROOFS = tuple(kind for kind in SOURCES if kind != "battery")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an asset stands now, as its meter and its entities say.

    `level` is a battery's state of charge (0 to 1, None where nobody says it), `taken_wh` what a load got
    towards its present need, which must be met by `ready_ms`, `tank` how warm a boiler or heat pump is, None
    where that is not known; `blind`: it has not been known for so long that it is left to its own control.
    """

    level: float | None = None
    plugged: bool = True
    taken_wh: int = 0
    ready_ms: int = 0
    tank: Tank | None = None
    blind: bool = False


def is_roof(asset: HomeAsset) -> bool:
    """Return whether an asset produces by itself."""
    return asset.asset_type in _ROOFS and asset.rated_export_w > 0


def is_flexible(asset: HomeAsset) -> bool:
    """Return whether the agent plans what an asset takes: it is no part of the home's base load."""
    return asset.asset_type in (*LOADS, "battery")


def model_of(
    point: HomeAsset,
    behind: Iterable[HomeAsset],
    standings: Mapping[str, Standing],
    outlook: Outlook,
    *,
    runs: Mapping[str, int],
    slot_s: int,
) -> HomeModel:
    """Return the model of a home.

    Args:
        point: its connection point.
        behind: the assets behind it.
        standings: how they stand, by asset.
        outlook: what its people will use and its roofs give.
        runs: by when (ms) an appliance must have run that somebody asked to run, by asset.
        slot_s: length of a slot in seconds.

    """
    assets = list(behind)
    loads = (
        _load(asset, standings[asset.id], runs.get(asset.id), slot_s) for asset in assets if asset.is_load
    )
    batteries = (_battery(asset, standings[asset.id]) for asset in assets if asset.asset_type == "battery")
    return HomeModel(
        point=_point(point),
        base=outlook.base,
        production=outlook.production,
        roofs=tuple(map(_roof, filter(is_roof, assets))),
        batteries=tuple(battery for battery in batteries if battery is not None),
        loads=tuple(load for load in loads if load is not None),
    )


def _point(asset: HomeAsset) -> Point:
    return Point(
        id=asset.id,
        rated_import_w=asset.rated_import_w,
        rated_export_w=asset.rated_export_w,
        settings=_settings(asset),
    )


def _roof(asset: HomeAsset) -> Roof:
    return Roof(id=asset.id, rated_w=asset.rated_export_w, settings=_settings(asset))


def _settings(asset: HomeAsset) -> AssetSettings:
    settings = asset.settings
    return AssetSettings(
        automatic=settings.automatic,
        strategy=settings.strategy,
        min_sell_price=asset.min_sell_price,
        max_buy_price=asset.max_buy_price,
        only_below=settings.only_below,
    )


def _battery(asset: HomeAsset, standing: Standing) -> Battery | None:
    """Return a battery; None while nobody says how full it is."""
    if standing.level is None:
        return None
    capacity_wh = asset.settings.capacity_wh
    return Battery(
        id=asset.id,
        stored_wh=round(capacity_wh * standing.level),
        capacity_wh=capacity_wh,
        reserve_wh=capacity_wh * asset.settings.reserve_percent // 100,
        charge_w=asset.rated_import_w,
        discharge_w=asset.rated_export_w,
        settings=_settings(asset),
    )


def _load(asset: HomeAsset, standing: Standing, run_by_ms: int | None, slot_s: int) -> Load | None:
    """Return a load: a machine only while a run of it is wanted, anything else with what it still needs.

    None as well for a tank of which nobody knows how warm it is: what it takes is not the agent's to say.
    """
    if asset.asset_type == "appliance":
        return None if run_by_ms is None else _run(asset, run_by_ms, slot_s)
    if standing.blind:
        return None
    if standing.tank is not None:
        return _heat_store(asset, standing.tank)
    return Car(
        id=asset.id,
        needs_wh=max(0, asset.settings.energy_wh - standing.taken_wh),
        power_w=asset.rated_import_w,
        ready_ms=standing.ready_ms,
        plugged_in=standing.plugged,
        settings=_settings(asset),
    )


def _heat_store(asset: HomeAsset, tank: Tank) -> HeatStore:
    return HeatStore(
        id=asset.id,
        stored_wh=tank.stored_wh,
        low_wh=tank.least_wh,
        high_wh=tank.most_wh,
        power_w=asset.rated_import_w,
        draw_wh=tank.draw_wh,
        settings=_settings(asset),
    )


def _run(asset: HomeAsset, run_by_ms: int, slot_s: int) -> Appliance:
    """Return a run of a machine, its energy spread evenly over the slots that it takes."""
    slots = -(-asset.settings.run_minutes * 60 // slot_s)
    each, over = divmod(asset.settings.energy_wh, slots)
    profile = tuple(each + (place < over) for place in range(slots))
    return Appliance(
        id=asset.id,
        profile_wh=tuple(wh for wh in profile if wh),
        ready_ms=run_by_ms,
        settings=_settings(asset),
    )
