"""What wishes follow from, and how energies and limits become wishes per slot.

A promise that is not kept costs what the other side loses by it: cap less price for a seller, price less
floor for a buyer. So an energy that comes with probability 1 - F is worth selling at p while
(1 - F)(p - floor) - F(cap - p) >= 0, that is from p = floor + F(cap - floor) on; and likewise worth buying up
to F(cap - floor) below the supplier's price. Each level of `LEVELS` is one slice, with its own limit.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np

from .daytable import Floats
from .firm import Firm
from .home import HomeModel
from .scheduling import Schedules
from .sentences import Sentence
from .terms import Terms
from .wishes import SlotWish

LEVELS: Final = (0.1, 0.3)
"""The probabilities of falling short that an order may carry."""
CHUNK: Final = 16
"""Slots per order: when the forecast of some slots changes, only their order is replaced."""
GRAIN_WH: Final = 10
LEAST_WH: Final = 50
"""Not worth an order below."""
PRICE_GRAIN: Final = 2_500


@dataclass(frozen=True, slots=True)
class Want:
    """Everything that wishes follow from."""

    home: HomeModel
    terms: Terms
    firm: Firm
    schedules: Schedules


def outside_buy(terms: Terms) -> Floats:
    """Return what a Wh costs elsewhere: no bid counts for more than the cap and the fee."""
    return np.minimum(terms.buy, terms.cap + terms.fee)


def outside_sell(terms: Terms) -> Floats:
    """Return what a Wh brings elsewhere: no offer counts for less than the floor."""
    return np.maximum(terms.floor, terms.sell)


def slot_wishes(
    want: Want, asset: str, energy: Floats, limits: Floats, key: str, *, selling: bool
) -> Iterator[SlotWish]:
    """Return a wish for each few hours and limit, of what is worth an order."""
    terms = want.terms
    slots = [
        (slot // CHUNK, int(limits[place]), slot, int(energy[place]) // GRAIN_WH * GRAIN_WH)
        for place, slot in enumerate(terms.slots)
        if energy[place] >= GRAIN_WH and limits[place] > 0
    ]
    outside = outside_sell(terms) if selling else outside_buy(terms)
    for (_, price), group in groupby(sorted(slots), key=lambda entry: entry[:2]):
        named = {slot: wh for _, _, slot, wh in group}
        first, end = min(named), max(named) + 1
        values = {
            "energy_wh": sum(named.values()),
            "price": price,
            "start_ms": first * terms.slot_s * 1000,
            "end_ms": end * terms.slot_s * 1000,
            "outside": int(outside[first - terms.first]),
        }
        yield SlotWish(asset, selling, price, named, Sentence(key, values))
