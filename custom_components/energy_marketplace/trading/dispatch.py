"""Within a slot: what battery and loads do when home and sky turn out other than planned.

Promises come first. Beyond them the battery takes what is worth more stored than it brings now, and gives
what costs more now than it is worth stored; what a stored Wh is worth, the plan says. What the battery cannot
keep, loads that can wait or take more help to keep.
"""

from typing import Final

from .agent import Schedule
from .batteries import way_efficiency
from .home import Battery

_SURE: Final = 0.03
"""A saving now counts so much more than the same saving later."""


def battery_w(
    battery: Battery,
    schedule: Schedule,
    *,
    slot_s: int,
    firm_wh: int,
    net_w: float,
    supplier_buy: int,
    supplier_sell: int,
) -> int:
    """Return the power (W) that a battery should take (positive) or give now.

    Args:
        battery: how it stands.
        schedule: what was planned for it; its `worth` counts.
        slot_s: length of a slot.
        firm_wh: what the home agreed for the running slot, bought less sold.
        net_w: what the connection point takes without the battery.
        supplier_buy: what the supplier charges now (nano per Wh, all-in).
        supplier_sell: what the supplier pays now.

    """
    way = way_efficiency(battery)
    promised_w = firm_wh * 3600 / slot_s
    least_w, most_w = _limits(battery, slot_s, way)
    if schedule.worth * way > supplier_buy:
        return round(most_w)
    wanted_w = promised_w - net_w
    if wanted_w > 0:
        # More sun, or less need, than agreed: store it if that is worth more than leaving it to the grid.
        is_worth = firm_wh > 0 or schedule.worth * way > supplier_sell
    else:
        # Of equals, what saves money now comes before what may save as much later.
        later = (schedule.worth / way + battery.wear) * (1 - _SURE)
        is_worth = firm_wh < 0 or later < supplier_buy
    return round(min(max(wanted_w, least_w), most_w)) if is_worth else 0


def load_w(*, planned_w: float, most_w: float, slot_s: int, firm_wh: int, net_w: float) -> int:
    """Return the power (W) that a load should take now, so that what was agreed flows.

    Args:
        planned_w: what it was scheduled to take.
        most_w: what it can take.
        slot_s: length of a slot.
        firm_wh: what the home agreed for the running slot, bought less sold.
        net_w: what the connection point takes, this load at its schedule and the battery included.

    """
    gap_w = firm_wh * 3600 / slot_s - net_w
    if (firm_wh > 0 and gap_w > 0) or (firm_wh < 0 and gap_w < 0):
        return round(min(max(0.0, planned_w + gap_w), max(most_w, planned_w)))
    return round(planned_w)


def _limits(battery: Battery, slot_s: int, way: float) -> tuple[float, float]:
    """Return the most that it can give (negative) and take for a whole slot."""
    room_w = max(0, battery.capacity_wh - battery.stored_wh) / way * 3600 / slot_s
    rest_w = max(0, battery.stored_wh - battery.reserve_wh) * way * 3600 / slot_s
    return -min(rest_w, battery.discharge_w), min(room_w, battery.charge_w)
