"""What a meter will probably show: the mean of the same slots on the days before."""

from collections.abc import Iterable, Mapping

_DAY_S = 86_400


def by_habit(
    history: Mapping[int, int], slots: Iterable[int], *, slot_s: int, days: int = 7
) -> dict[int, int]:
    """Return the expected energy (Wh) of slots, from what was measured in the same slots of the day.

    Args:
        history: measured Wh by slot.
        slots: the slots in question.
        slot_s: length of a slot in seconds.
        days: how many days to look back.

    Returns:
        The mean, rounded down, of the days that have a measurement; slots without any are left out.

    """
    per_day = _DAY_S // slot_s
    newest = max(history, default=0)
    expected: dict[int, int] = {}
    for slot in slots:
        seen = [history[past] for past in _same_slots(slot, per_day, days, newest) if past in history]
        if seen:
            expected[slot] = sum(seen) // len(seen)
    return expected


def surplus(production: Mapping[int, int], consumption: Mapping[int, int]) -> dict[int, int]:
    """Return production minus consumption (Wh, negative for a need) of the slots in which either is known."""
    slots = production.keys() | consumption.keys()
    return {slot: production.get(slot, 0) - consumption.get(slot, 0) for slot in sorted(slots)}


def _same_slots(slot: int, per_day: int, days: int, newest: int) -> list[int]:
    """Return the slots at the same time of day, on the latest days that can have been measured."""
    back = max(1, -(-(slot - newest) // per_day))
    return [slot - per_day * day for day in range(back, back + days)]
