"""Tariffs: the price limits around the market and the fee on what it trades, for all times or by the week."""

from bisect import bisect_right
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct

from energy_ledger.refusals import Refused
from energy_ledger.units import MAX_TARIFF, MINUTES_PER_DAY, MINUTES_PER_WEEK, SECONDS_PER_MINUTE

EPOCH_MINUTE: Final = 3 * MINUTES_PER_DAY
"""The minute of the week with which the Unix epoch began: a Thursday, 00:00 UTC."""

Price = Annotated[int, Meta(ge=0, le=MAX_TARIFF)]


class TariffStep(Struct, frozen=True, forbid_unknown_fields=True):
    """A value of a tariff that holds from a minute of the week on; Monday 00:00 UTC is minute 0."""

    minute: Annotated[int, Meta(ge=0, lt=MINUTES_PER_WEEK)]
    value: Price


Week = Annotated[tuple[TariffStep, ...], Meta(min_length=1, max_length=MINUTES_PER_WEEK // 5)]


class SlotTariff(NamedTuple):
    """Price limits and fee of one slot, nano per Wh."""

    price_floor: int
    price_cap: int
    grid_fee: int


class Tariff(Struct, frozen=True, forbid_unknown_fields=True):
    """Price limits and fee of the network, nano per Wh: each one price, or a week's schedule of them."""

    price_floor: Price | Week
    price_cap: Price | Week
    grid_fee: Price | Week

    def at(self, second: int) -> SlotTariff:
        """Return what holds at a moment, in seconds since the Unix epoch."""
        minute = second // SECONDS_PER_MINUTE + EPOCH_MINUTE
        return SlotTariff(*(_value(one, minute) for one in (self.price_floor, self.price_cap, self.grid_fee)))


def _value(schedule: int | tuple[TariffStep, ...], minute: int) -> int:
    if isinstance(schedule, int):
        return schedule
    place = bisect_right(schedule, minute % MINUTES_PER_WEEK, key=attrgetter("minute"))
    return schedule[place - 1].value


class Schedule(NamedTuple):
    """A network's tariffs one after the other, each with the slot from which it holds; the first with 0."""

    slot_s: int
    entries: tuple[tuple[int, Tariff], ...]

    def tariff_at(self, slot: int) -> Tariff:
        """Return the tariff that holds in a slot."""
        return self.entries[bisect_right(self.entries, slot, key=itemgetter(0)) - 1][1]

    def of(self, slot: int) -> SlotTariff:
        """Return the values of a slot: those that hold when it starts."""
        return self.tariff_at(slot).at(slot * self.slot_s)


def check_tariff(tariff: Tariff, place: str) -> None:
    """Refuse a week that does not begin on Monday at 00:00, or whose floor is above the cap at some time."""
    for field in tariff.__struct_fields__:
        minutes = [step.minute for step in _steps(getattr(tariff, field))]
        if minutes[0] != 0:
            raise Refused("bad_value", f"{place}.{field}", "A week begins with minute 0, Monday 00:00 UTC.")
        if any(minute >= following for minute, following in pairwise(minutes)):
            raise Refused("bad_value", f"{place}.{field}", "The minutes must rise from step to step.")
    for step in (*_steps(tariff.price_floor), *_steps(tariff.price_cap)):
        if _value(tariff.price_floor, step.minute) > _value(tariff.price_cap, step.minute):
            raise Refused("bad_value", f"{place}.price_floor", "The floor must not be above the cap.")


def _steps(schedule: int | tuple[TariffStep, ...]) -> tuple[TariffStep, ...]:
    return (TariffStep(0, schedule),) if isinstance(schedule, int) else schedule
