"""Day totals: what a connection point, or a feeder's own meter, counted from midnight to midnight UTC.

A network in which readings carry only what was traded learns from them how it does as a whole, and nothing
about when a home did what.
"""

from functools import partial
from typing import Final

from energy_ledger.fields import FEEDER_METER
from energy_ledger.ledger.assets import own_asset
from energy_ledger.ledger.rows import Asset
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.trading_rows import DayTotal
from energy_ledger.payloads import ReadingTotal
from energy_ledger.refusals import Refused
from energy_ledger.units import DAY_MS, DAY_S, within_rating

TAKEN_FOR_DAYS: Final = 7
"""How long after its end a day's total is taken."""


def plan_total(request: Request, payload: ReadingTotal) -> Action:
    """Check that the day is over, counted once, and possible; then everybody can add it up."""
    asset = own_asset(request, payload.asset)
    if asset.behind is not None:
        message = f"{asset.name} is not on the public grid itself; its connection point counts the day."
        raise Refused("not_a_connection_point", "asset", message)
    total = DayTotal(
        asset=asset.id,
        day=payload.day,
        imported_wh=payload.imported_wh,
        exported_wh=payload.exported_wh,
        produced_wh=payload.produced_wh,
        self_consumed_wh=payload.self_consumed_wh,
        account=asset.account,
        commit=request.state.commit,
        transaction=request.id,
    )
    _check_day(request, total)
    _check_figures(asset, total)
    return partial(_put, request, total)


def _check_day(request: Request, total: DayTotal) -> None:
    over = (total.day + 1) * DAY_MS
    if request.time < over:
        raise Refused("slot_not_over", "day", f"Day {total.day} is not over yet (days are UTC's).")
    if request.time >= over + TAKEN_FOR_DAYS * DAY_MS:
        message = f"Day {total.day} is more than {TAKEN_FOR_DAYS} days over; its totals are no longer taken."
        raise Refused("too_late", "day", message)
    if total.key in request.state.day_totals:
        raise Refused("reading_exists", "day", f"There is a total for day {total.day} already; it stands.")


def _check_figures(asset: Asset, total: DayTotal) -> None:
    for field, rated in (("imported_wh", asset.rated_import_w), ("exported_wh", asset.rated_export_w)):
        if not within_rating(getattr(total, field), rated, DAY_S):
            raise Refused("exceeds_rating", field, f"{asset.name} cannot move so much in a day ({rated} W).")
    if total.self_consumed_wh > total.produced_wh:
        raise Refused(
            "bad_value", "self_consumed_wh", "Nobody consumes more of the own energy than there is."
        )
    if asset.asset_type == FEEDER_METER and total.produced_wh:
        raise Refused("bad_value", "produced_wh", "A feeder's meter produces nothing.")


def _put(request: Request, total: DayTotal) -> None:
    state = request.state
    state.day_totals.put(total)
    state.emit(
        "reading.totalled",
        total.row(),
        accounts=[total.account],
        assets=[total.asset],
        transaction=request.id,
    )


def finish_past(state: State) -> None:
    """Let go of the totals of days for which none is taken any more."""
    oldest = state.time // DAY_MS - TAKEN_FOR_DAYS - 1
    for total in [one for one in state.day_totals.values() if one.day < oldest]:
        state.day_totals.finish(total)
