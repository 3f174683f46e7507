"""One sentence for each asset: what it does next, and why."""

from collections.abc import Mapping

import numpy as np

from .daytable import Floats
from .home import Appliance, Asset, Car, HeatStore
from .loads import Flow
from .sentences import Sentence
from .terms import Terms
from .want import Want

_RESTS_WH = 1.0


def why_load(want: Want, asset: Asset, flow: Flow) -> Sentence:
    """Return why a load runs when it does, or waits."""
    terms = want.terms
    window = next_window(flow.wh)
    limit = asset.settings.only_below
    if flow.missing_wh > _RESTS_WH and limit is not None:
        return (
            Sentence("waits_cheaper", {"price": limit})
            if window is None
            else _takes(want, asset, flow, window)
        )
    if flow.missing_wh > _RESTS_WH and isinstance(asset, Car | Appliance):
        ready_ms = asset.ready_ms or terms.slots.stop * terms.slot_s * 1000
        had, missing = round(float(flow.wh.sum())), round(flow.missing_wh)
        return Sentence("cannot_be_ready", {"energy_wh": had, "missing_wh": missing, "end_ms": ready_ms})
    if window is None:
        return Sentence("rests") if limit is None else Sentence("waits_cheaper", {"price": limit})
    return _takes(want, asset, flow, window)


def _takes(want: Want, asset: Asset, flow: Flow, window: range) -> Sentence:
    here = slice(window.start, window.stop)
    energy = float(flow.wh[here].sum())
    values = _values(want.terms, window, energy)
    bought = want.terms.by_place(want.firm.bought.get(asset.id, {}))[here].sum()
    if bought >= energy / 2:
        return Sentence("takes_agreed", values)
    if flow.own[here].sum() >= energy / 2:
        return Sentence("takes_sunshine", values)
    price = round(float((flow.wh * want.schedules.position.above)[here].sum() / energy))
    usual = float(want.schedules.position.above.min())
    if price > usual * 1.05:
        return Sentence("takes_warmth" if isinstance(asset, HeatStore) else "takes_last", values)
    return Sentence("takes_at", {**values, "price": price})


def why_battery(want: Want, asset: Asset, wh: Floats) -> Sentence:
    """Return why a battery takes or gives next, or rests."""
    window = next_window(wh)
    if window is None:
        return Sentence("rests")
    here = slice(window.start, window.stop)
    energy = float(wh[here].sum())
    values = _values(want.terms, window, abs(energy))
    schedules, terms = want.schedules, want.terms
    before = (schedules.net - wh)[here].sum()
    if energy > 0:
        if terms.by_place(want.firm.bought.get(asset.id, {}))[here].any():
            return Sentence("takes_agreed", values)
        if before < 0:
            return Sentence("takes_sunshine", values)
        return Sentence("takes_at", {**values, "price": _mean(schedules.position.above, here)})
    if terms.by_place(want.firm.sold_at())[here].any():
        return Sentence("gives_agreed", values)
    if schedules.net[here].sum() < 0:
        return Sentence("gives_market", {**values, "price": _mean(terms.export_price, here)})
    return Sentence("gives_home", {**values, "price": _mean(terms.buy, here)})


def why_trader(want: Want, asset: Asset, said: Mapping[str, Sentence]) -> Sentence:
    """Return why a roof or connection point trades: its next delivery, or the first of its wishes."""
    if not asset.settings.automatic:
        return Sentence("switched_off")
    for key, agreed in (("gives_agreed", want.firm.sold), ("takes_agreed", want.firm.bought)):
        window = next_window(want.terms.by_place(agreed.get(asset.id, {})))
        if window is not None:
            energy = sum(agreed[asset.id].get(slot, 0) for slot in _slots(want.terms, window))
            return Sentence(key, _values(want.terms, window, energy))
    return said.get(asset.id, Sentence("rests"))


def next_window(wh: Floats) -> range | None:
    """Return the first row of places in which energy flows one way."""
    busy = np.flatnonzero(np.abs(wh) > _RESTS_WH)
    if not len(busy):
        return None
    first = int(busy[0])
    ends = np.flatnonzero((np.abs(wh[first:]) <= _RESTS_WH) | (np.sign(wh[first:]) != np.sign(wh[first])))
    return range(first, first + int(ends[0]) if len(ends) else len(wh))


def _slots(terms: Terms, window: range) -> range:
    return range(terms.first + window.start, terms.first + window.stop)


def _values(terms: Terms, window: range, energy: float) -> dict[str, int | str]:
    slots = _slots(terms, window)
    slot_ms = terms.slot_s * 1000
    return {"energy_wh": round(energy), "start_ms": slots.start * slot_ms, "end_ms": slots.stop * slot_ms}


def _mean(prices: Floats, here: slice) -> int:
    return round(float(prices[here].mean()))
