"""The agent: from forecasts, wishes, prices and what is agreed already to orders and schedules.

`plan` is a pure function. It is called each round (and whenever a wish changes) with how things stand then,
and answers what to place, what to take back, and what each asset should do. Firm trades are kept; an order
that is still right is left alone. Call it again with its own answer carried out and nothing changes.

How it decides: see docs/trading.md.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from ..ledger.answers import Parameters, PlacedOrder, Trade
from ..ledger.tariff import NetworkTariff
from .home import HomeModel, Settings
from .rules import Decision
from .sentences import Sentence


@dataclass(frozen=True, slots=True)
class Cancellation:
    """An order to take back, and why."""

    order: str
    asset: str
    because: Sentence


@dataclass(frozen=True, slots=True)
class Schedule:
    """What an asset should take (positive Wh) or give (negative) in each slot from `first` on, and why.

    `worth` is what a Wh kept in a battery will be worth later (nano); 0 for everything else. `because` explains
    the window that runs or comes next, or why there is none.
    """

    asset: str
    first: int
    slots_wh: tuple[int, ...]
    because: Sentence
    worth: int = 0

    def wh(self, slot: int) -> int:
        """Return what is scheduled for a slot; 0 outside."""
        place = slot - self.first
        return self.slots_wh[place] if 0 <= place < len(self.slots_wh) else 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do now. `cost` is what the supplier and the market are expected to charge (nano) until the
    horizon, what the market pays taken off; `supplier_cost` what the same plan would cost without neighbours.
    """

    made_ms: int
    place: tuple[Decision, ...] = ()
    cancel: tuple[Cancellation, ...] = ()
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    cost: int = 0
    supplier_cost: int = 0


def plan(
    home: HomeModel,
    *,
    time_ms: int,
    parameters: Parameters,
    tariff: NetworkTariff,
    prices: Mapping[int, int],
    trades: Sequence[Trade],
    orders: Sequence[PlacedOrder],
    own: Collection[str],
    settings: Settings,
    zone: tzinfo = UTC,
) -> Plan:
    """Decide what a home should do.

    Args:
        home: what is in it, how it stands now, what is expected of it.
        time_ms: now.
        parameters: of the network.
        tariff: of the network.
        prices: known slot prices (nano per Wh, without fee) at the home's feeder, past days' and coming ones'.
        trades: the home's that are not settled yet; past ones of today count for the spending limit.
        orders: the home's open orders, whoever placed them.
        own: ids of those that the agent placed and may take back.
        settings: of the whole home.
        zone: where the home is; a day of the spending limit is a local one.

    """
    return Plan(time_ms)
