"""What a Wh more costs a home in each slot, beside what it agreed with its neighbours."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from .daytable import Floats
from .terms import Terms

_PROMISE: Final = 1.02
"""What a Wh counts that was sold, in terms of the supplier's highest price."""


@dataclass(frozen=True, slots=True)
class Position:
    """The connection point, slot by slot.

    A slot in which the home takes `net` Wh (negative: gives) costs `below` per Wh up to `firm` and `above`
    per Wh from there. Without trades `firm` is 0: below it a Wh is one less sold, above one more bought. What
    is agreed (bought less sold) moves it: what was bought costs nothing more, what was sold is to be given.
    """

    firm: Floats
    below: Floats
    above: Floats

    def cost(self, net: Floats) -> Floats:
        """Return what each slot costs (nano), up to a constant."""
        over = net - self.firm
        return np.where(over > 0, self.above * over, self.below * over)

    def cost_in(self, net: Floats, more: Floats, there: slice) -> Floats:
        """Return what some slots cost when they take so many Wh more."""
        over = net[there] + more - self.firm[there]
        return np.where(over > 0, self.above[there] * over, self.below[there] * over)

    def free_wh(self, net: Floats) -> Floats:
        """Return how much more each slot can take at `below`."""
        return np.maximum(0.0, self.firm - net)


def position_of(terms: Terms, firm: Floats, *, sells: bool, buys: bool) -> Position:
    """Return the position of a home that agreed `firm` Wh (bought less sold) per slot.

    Settlement makes the party that falls short pay what the other loses. Beyond that a promise counts for
    more than the dearest energy to come: what is there keeps it first. It is not worth buying from the
    supplier, and losing a part of it on the way through a battery, what neighbours were to get.
    """
    export = terms.export_price if sells else terms.sell
    bring = terms.import_price if buys else terms.buy
    promise = _PROMISE * float(terms.buy.max())
    below = np.where(firm > 0, 0.0, np.minimum(export, bring))
    above = np.where(firm < 0, promise, bring)
    return Position(firm, below, above)
