"""What a home offers: surplus that is certain enough, and what batteries are planned to give."""

from collections.abc import Iterator

import numpy as np

from .batteries import way_efficiency
from .daytable import Floats
from .home import AssetSettings, Battery, HomeModel, Point, Roof
from .terms import Terms
from .want import LEVELS, PRICE_GRAIN, Want, outside_sell, slot_wishes
from .wishes import SlotWish


def roof_offers(want: Want) -> Iterator[SlotWish]:
    """Offer what will be left over, at each level of certainty."""
    seller = _seller(want.home)
    if seller is None:
        return
    schedules, terms = want.schedules, want.terms
    used = schedules.loads_wh + np.maximum(0.0, schedules.batteries_wh)
    covered = terms.by_place(want.firm.sold_at()) - _sold_stored(want)
    for level in LEVELS:
        surplus = np.maximum(0.0, -schedules.need.at(1.0 - level) - used)
        energy = _sellable(want, surplus - covered)
        yield from _offers(
            want, seller, energy, _least_price(terms, seller.settings, level), "offers_surplus"
        )
        covered = np.maximum(covered, surplus)


def _seller(home: HomeModel) -> Roof | Point | None:
    """Return the asset that sells surplus: the largest roof, or the point where no roof is an asset."""
    if not home.roofs:
        return home.point if home.point.settings.sells else None
    roofs = [roof for roof in home.roofs if roof.settings.sells]
    return max(roofs, key=lambda roof: roof.rated_w, default=None)


def _sellable(want: Want, energy: Floats) -> Floats:
    """Return what may be offered: in open slots, where nothing was bought, within the ratings."""
    terms = want.terms
    rated = want.home.point.rated_export_w * terms.slot_s / 3600 - terms.by_place(want.firm.sold_at())
    energy = np.minimum(energy, np.maximum(0.0, rated))
    energy[: terms.closed] = 0.0
    energy[terms.by_place(want.firm.bought_at()) > 0] = 0.0
    return energy


def _least_price(terms: Terms, settings: AssetSettings, level: float) -> Floats:
    """Return the least price at which an offer with this risk never loses on average."""
    outside = outside_sell(terms)
    share = 0.0 if settings.strategy == "help_street" else level
    price = outside + share * np.maximum(0.0, terms.cap - outside)
    return np.asarray(np.maximum(price, settings.min_sell_price or 0))


def battery_offers(want: Want) -> Iterator[SlotWish]:
    """Offer what batteries are planned to give to the street, as far as it will surely be there."""
    for battery in want.home.batteries:
        if battery.settings.sells and battery.settings.strategy != "own_sunshine":
            path = want.schedules.paths[battery.id]
            share = np.minimum(-path.wh, -want.schedules.net)
            sold = want.terms.by_place(want.firm.sold.get(battery.id, {}))
            energy = np.minimum(np.maximum(0.0, share) - sold, _spare(want, battery))
            wear = path.worth / way_efficiency(battery) + battery.wear
            price = np.maximum(wear, _least_price(want.terms, battery.settings, LEVELS[0]))
            yield from _offers(want, battery, _sellable(want, energy), price, "offers_stored")


def _spare(want: Want, battery: Battery) -> Floats:
    """Return what a battery can still promise in each slot, were the sun to stay at its low end."""
    path, way = want.schedules.paths[battery.id], way_efficiency(battery)
    sure = np.maximum(0.0, -want.schedules.need.high - want.schedules.loads_wh)
    bought = want.terms.by_place(want.firm.bought.get(battery.id, {}))
    charge = np.minimum(np.maximum(0.0, path.wh), sure + bought) * way
    stored = battery.stored_wh + np.cumsum(charge - np.maximum(0.0, -path.wh) / way)
    # What a slot lacks in the end, no slot up to there may promise.
    lack = np.maximum.accumulate(np.maximum(0.0, battery.reserve_wh - stored))
    return np.maximum(0.0, np.maximum(0.0, -path.wh) - lack * way)


def _sold_stored(want: Want) -> Floats:
    """Return what was sold out of batteries, by slot."""
    sold = np.zeros(len(want.terms))
    for battery in want.home.batteries:
        sold = sold + want.terms.by_place(want.firm.sold.get(battery.id, {}))
    return sold


def _offers(
    want: Want, seller: Roof | Point | Battery, energy: Floats, price: Floats, key: str
) -> Iterator[SlotWish]:
    usable = np.where(price <= want.terms.cap, energy, 0.0)
    limits = np.ceil(price / PRICE_GRAIN) * PRICE_GRAIN
    yield from slot_wishes(want, seller.id, usable, limits, key, selling=True)
