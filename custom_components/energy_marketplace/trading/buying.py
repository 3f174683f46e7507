"""What a home bids for: the base load, what loads will have to buy, and what is worth storing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ..ledger.units import slot_wh
from .batteries import way_efficiency
from .daytable import Floats
from .home import Appliance, AssetSettings, Battery, Car, HeatStore, Load
from .scheduling import car_envelope, heat_envelope, run_starts, sure_room, surely_bought
from .sentences import Sentence
from .terms import Terms
from .want import CHUNK, GRAIN_WH, LEAST_WH, LEVELS, PRICE_GRAIN, Want, outside_buy, slot_wishes
from .wishes import RunWish, SlotWish, WindowWish, Wish

type Flags = NDArray[np.bool_]


def base_bids(want: Want, taking: Flags) -> Iterator[SlotWish]:
    """Bid for what the home will need anyway, at each level of certainty.

    Args:
        want: the home and its plan.
        taking: the places of the slots in which the home may buy.

    """
    point, schedules, terms = want.home.point, want.schedules, want.terms
    if not point.settings.buys:
        return
    given = np.minimum(0.0, schedules.batteries_wh)
    covered = terms.by_place(want.firm.bought.get(point.id, {}))
    for level in LEVELS:
        need = np.maximum(0.0, schedules.need.at(level) + given)
        energy = np.where(taking, need - covered, 0.0)
        share = 0.0 if point.settings.strategy == "help_street" else level
        limit = _limited(outside_buy(terms) - share * (terms.cap - terms.floor), point.settings)
        yield from slot_wishes(want, point.id, energy, limit, "bids_base", selling=False)
        covered = np.maximum(covered, need)


def load_bids(want: Want, load: Load, taking: Flags) -> Iterator[Wish]:
    """Bid for what a load will have to buy; when, the auction may choose."""
    if not load.settings.buys:
        return
    if isinstance(load, Appliance):
        yield from _run_bid(want, load, taking)
        return
    terms, flow = want.terms, want.schedules.flows[load.id]
    envelope = car_envelope(load, terms) if isinstance(load, Car) else heat_envelope(load, terms)
    sure = flow.own + terms.by_place(want.firm.bought.get(load.id, {}))
    # The slots that are closed bring what they are scheduled to bring.
    sure[: terms.closed] = flow.wh[: terms.closed]
    had = np.cumsum(sure)
    lack = np.maximum.accumulate(np.maximum(0.0, envelope.least - had))
    left = sure_room(load, terms) - had
    # What is taken early also takes the room of what was bought for later.
    room = np.maximum(0.0, np.minimum.accumulate(left[::-1])[::-1])
    power = envelope.power - terms.by_place(want.firm.bought.get(load.id, {}))
    yield from _windows(want, load, _Lack(lack, room, power), taking & (2 * power > envelope.power))


@dataclass(frozen=True, slots=True)
class _Lack:
    """What a load lacks by the end of each slot, has room for in all, and can take in it (Wh)."""

    wh: Floats
    room: Floats
    power: Floats


def _windows(want: Want, load: Car | HeatStore, lack: _Lack, taking: Flags) -> Iterator[WindowWish]:
    """Bid for what is lacking, in windows that follow each other, each for no more than there is room for.

    What comes late in its window is not lost: the supplier helps out until then, and it is stored.
    """
    terms = want.terms
    earliest, ordered = terms.closed, 0.0
    for end in range(CHUNK - terms.first % CHUNK, len(terms) + CHUNK, CHUNK):
        reached = float(lack.wh[min(end, len(terms)) - 1])
        deadline = int(np.argmax(lack.wh >= reached)) + 1
        window = _longest(taking, range(earliest, deadline))
        if reached - ordered < LEAST_WH or not window:
            continue
        most = int(lack.power[window.start : window.stop].min())
        energy = min(reached, float(lack.room[window.start])) - ordered
        yield from _bid_within(want, load, min(energy, most * len(window)), most, window)
        ordered, earliest = reached, deadline


def _bid_within(
    want: Want, load: Car | HeatStore, energy: float, most: int, window: range
) -> Iterator[WindowWish]:
    """Bid for an energy in a window, if a bid takes part there at all."""
    wh = int(energy)
    price = _window_price(want.terms, load.settings, window)
    if wh >= LEAST_WH and _is_worth(want.terms, window, price):
        first, end = want.terms.first + window.start, want.terms.first + window.stop
        because = _because(want.terms, "bids_load", wh, price, window)
        yield WindowWish(load.id, price, wh, first, end, min(most, wh), because)


def _run_bid(want: Want, run: Appliance, taking: Flags) -> Iterator[RunWish]:
    """Bid for a run, unless it is bought, gets its energy from the roof, or has to begin at once."""
    terms, flow = want.terms, want.schedules.flows[run.id]
    starts = run_starts(run, terms)
    if want.firm.bought.get(run.id) or not starts or flow.own.sum() > flow.wh.sum() / 2:
        return
    length = len(run.profile_wh)
    window = _longest(taking, range(max(starts.start, terms.closed), starts.stop - 1 + length))
    price = _window_price(terms, run.settings, window)
    if len(window) >= length and _is_worth(terms, window, price):
        first, end = terms.first + window.start, terms.first + window.stop
        because = _because(terms, "bids_run", sum(run.profile_wh), price, window)
        yield RunWish(run.id, price, run.profile_wh, first, end, because)


def battery_bids(want: Want, battery: Battery, taking: Flags) -> Iterator[WindowWish]:
    """Bid for what a battery is planned to take from the street, for no more than it will save.

    A sunnier day than expected fills it by itself: no more is bid for than it would buy on such a day too.
    """
    if not battery.settings.buys:
        return
    terms, path = want.terms, want.schedules.paths[battery.id]
    bought = terms.by_place(want.firm.bought.get(battery.id, {}))
    wanted = np.minimum(np.maximum(0.0, path.wh), np.maximum(0.0, want.schedules.net)) - bought
    wanted = np.where(taking, np.maximum(0.0, wanted), 0.0)
    left = surely_bought(battery, want.schedules, terms) - bought.sum()
    wanted = np.minimum(wanted, np.maximum(0.0, left + wanted - np.cumsum(wanted)))
    margin = 0.0 if battery.settings.strategy == "help_street" else LEVELS[0]
    saves = path.worth * way_efficiency(battery) - margin * (terms.cap - terms.floor)
    limits = _limited(np.minimum(saves, outside_buy(terms)), battery.settings)
    for window in _rows(wanted >= GRAIN_WH):
        here = slice(window.start, window.stop)
        price, energy = int(limits[here].min()), int(wanted[here].sum())
        if energy >= LEAST_WH and price > 0 and _is_worth(terms, window, price):
            first, end = terms.first + window.start, terms.first + window.stop
            most = min(energy, int(np.ceil(wanted[here].max())), slot_wh(battery.charge_w, terms.slot_s))
            because = _because(terms, "bids_charge", energy, price, window)
            yield WindowWish(battery.id, price, energy, first, end, most, because)


def _limited(price: Floats, settings: AssetSettings) -> Floats:
    """Return prices in whole steps that are no higher than the people want."""
    limits = [limit for limit in (settings.max_buy_price, settings.only_below) if limit is not None]
    return np.asarray(np.floor(np.minimum(price, min(limits, default=np.inf)) / PRICE_GRAIN) * PRICE_GRAIN)


def _window_price(terms: Terms, settings: AssetSettings, window: range) -> int:
    """Return the most to pay in every slot of a window."""
    here = _limited(outside_buy(terms), settings)[window.start : window.stop]
    return int(here.min()) if window else 0


def _because(terms: Terms, key: str, energy: int, price: int, window: range) -> Sentence:
    values = {
        "energy_wh": energy,
        "price": price,
        "end_ms": (terms.first + window.stop) * terms.slot_s * 1000,
        "outside": int(outside_buy(terms)[window.start : window.stop].min()),
    }
    return Sentence(key, values)


def _is_worth(terms: Terms, window: range, price: int) -> bool:
    """Tell whether a bid takes part in the auction at all."""
    return bool(window) and price >= (terms.floor + terms.fee)[window.start : window.stop].min()


def _longest(usable: Flags, places: range) -> range:
    """Return the longest row of usable places; of equals the last."""
    best = range(places.start, places.start)
    for row in _rows(usable[places.start : max(places.start, places.stop)]):
        if len(row) >= len(best):
            best = range(row.start + places.start, row.stop + places.start)
    return best


def _rows(usable: Flags) -> Iterator[range]:
    """Return the rows of neighbouring places that are usable."""
    for is_usable, places in groupby(range(len(usable)), key=lambda place: bool(usable[place])):
        if is_usable:
            row = list(places)
            yield range(row[0], row[-1] + 1)
