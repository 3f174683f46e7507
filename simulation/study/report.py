"""What the study found, as figures and as tables that people read."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from custom_components.energy_marketplace.ledger.units import NANO
from simulation.study.run import Day, Days, Played, days_of

_SAME = 10**6
"""Bills that differ by less than a thousandth of the currency are the same."""
_EXAMPLES = 20


def figures(runs: Mapping[str, Sequence[Played]], days: Days) -> dict[str, Any]:
    """Return what every mind came to over some seasons, against the usual life with the supplier alone."""
    lived = {
        mind: {
            (season, day.home, day.day): day
            for season, one in enumerate(played)
            for day in days_of(one, days)
        }
        for mind, played in runs.items()
    }
    return {mind: _mind(lived[mind], lived, runs[mind]) for mind in runs}


def _mind(
    days: Mapping[Any, Day], lived: Mapping[str, Mapping[Any, Day]], played: Sequence[Played]
) -> dict[str, Any]:
    plans = sorted(ms for one in played for ms in one.plan_ms)
    homes = sorted({day.home for day in days.values()})
    return {
        "home_days": len(days),
        "bill": _money(sum(day.bill for day in days.values())),
        "bills": {home: _money(sum(day.bill for day in days.values() if day.home == home)) for home in homes},
        "gained": _money(sum(day.gained for day in days.values())),
        "sold_kwh": sum(day.sold_wh for day in days.values()) / 1000,
        "sold_short_pct": _share([(day.short_sold_wh, day.sold_wh) for day in days.values()]),
        "bought_short_pct": _share([(day.short_bought_wh, day.bought_wh) for day in days.values()]),
        "penalties": _money(sum(day.penalties for day in days.values())),
        "cold_slots": sum(sum(one.cold_slots.values()) for one in played),
        "car_missed_kwh": sum(sum(one.missed_wh.values()) for one in played) / 1000,
        "refused": sorted({text for one in played for text in one.refusals}),
        "transactions": sum(one.orders for one in played),
        "plan_ms": {"median": round(median(plans), 1), "most": round(plans[-1], 1)},
        "dearer_than": {
            other: dearer(days, lived[other])
            for other in ("usual", "alone")
            if lived.get(other, days) is not days
        },
        "errors": [
            {
                home: [round(e.base.mean_absolute_wh, 1), round(e.production.mean_absolute_wh, 1)]
                for home, e in one.errors.items()
            }
            for one in played
        ],
    }


def dearer(days: Mapping[Any, Day], others: Mapping[Any, Day]) -> dict[str, Any]:
    """Return on how many days a home paid more than another way, how much, and why."""
    worse = [
        (day.bill - others[key].bill, key, day)
        for key, day in sorted(days.items())
        if day.bill > others[key].bill + _SAME
    ]
    worse.sort(key=lambda entry: -entry[0])
    return {
        "days": len(worse),
        "most": _money(worse[0][0]) if worse else 0.0,
        "sum": _money(sum(excess for excess, _, _ in worse)),
        "market_lost_days": sum(day.gained < 0 for _, _, day in worse),
        "examples": [
            {
                "season": key[0], "home": day.home, "day": day.day, "more": _money(excess),
                "gained": _money(day.gained), "penalties": _money(day.penalties),
            }
            for excess, key, day in worse[:_EXAMPLES]
        ],
    }  # fmt: skip


def table(found: Mapping[str, Any]) -> str:
    """Return the main figures as a table in Markdown."""
    lines = [
        "| who decides | bills | traded kWh | not given | not taken | dearer than usual | plan |",
        "|---|---|---|---|---|---|---|",
    ]
    for mind, one in found.items():
        usual = one["dearer_than"].get("usual", {"days": 0, "sum": 0.0})
        lines.append(
            f"| {mind} | {one['bill']:.2f} | {one['sold_kwh']:.0f} | {one['sold_short_pct']:.1f} % | "
            f"{one['bought_short_pct']:.1f} % "
            f"| {usual['days']} of {one['home_days']} days, {usual['sum']:.2f} | "
            f"{one['plan_ms']['median']} ms |"
        )
    return "\n".join(lines)


def _share(pairs: Sequence[tuple[int, int]]) -> float:
    whole = sum(of for _, of in pairs)
    return round(100 * sum(part for part, _ in pairs) / whole, 2) if whole else 0.0


def _money(nano: float) -> float:
    return round(nano / NANO, 3)
