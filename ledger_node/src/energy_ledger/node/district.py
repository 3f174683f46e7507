"""A district's figures, the allotments of its sharing key, and its feeders' meters, from a node's disk."""

import csv
import datetime
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from energy_ledger.api import types
from energy_ledger.api.problems import ProblemError
from energy_ledger.fields import FEEDER_METER
from energy_ledger.genesis import Genesis
from energy_ledger.ledger import district
from energy_ledger.ledger.governing_rows import Policy
from energy_ledger.ledger.rows import Asset
from energy_ledger.ledger.sharing import Allotment, Position, allot
from energy_ledger.ledger.trading_rows import DayTotal, Order, Reading, Trade
from energy_ledger.order_terms import FlexibleTerms
from energy_ledger.policies import Sharing
from energy_ledger.storage.reader import Reader
from energy_ledger.units import DAY_S

MAX_DAYS: Final = 400
MAX_SLOTS: Final = 20_000
PERSISTENT_DAYS: Final = 3
"""A feeder's difference is persistent when it shows the same way on so many full days in a row."""
TOLERATED_WH: Final = 1_000
TOLERATED_PPM: Final = 50_000
"""Meters differ a little: a difference counts from 1 kWh and a twentieth of the flow on."""
COLUMNS: Final = ("slot", "account", "asset", "surplus_wh", "need_wh", "given_wh", "taken_wh")

_EPOCH: Final = datetime.date(1970, 1, 1).toordinal()
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Span:
    """Days or slots from `first` up to, and without, `end`."""

    first: int
    end: int

    @classmethod
    def read(cls, first: int, end: int, most: int, what: str) -> Span:
        """Check a span that a client asks for. Raises ProblemError."""
        if not 0 < end - first <= most:
            message = f"`until` lies after `from`, at most {most} {what} later"
            raise ProblemError("bad_request", message, "until")
        return cls(first, end)


class District:
    """Adds up what one node keeps. Its methods are called in threads."""

    def __init__(self, reader: Reader, genesis: Genesis) -> None:
        self._reader = reader
        self._rules = genesis.rules
        self._parents = {feeder.id: feeder.parent for feeder in genesis.rules.feeders}

    # --- figures --------------------------------------------------------------------------------------------

    def figures(self, first: int, end: int) -> types.District:
        """Return the district's figures of a span of days. Raises ProblemError."""
        days = Span.read(first, end, MAX_DAYS, "days")
        slots = self._slots_of(days)
        totals = self._members_totals(days)
        trades = [one for one in self._trades(slots) if one.settled_wh is not None]
        energy = district.add_up(totals, trades, self._shared_wh(slots))
        complete = sum(self._is_complete(day, totals) for day in range(days.first, days.end))
        return types.District(
            from_day=days.first,
            until_day=days.end,
            scope="electricity",
            days_complete=complete,
            **asdict(energy),
            local_wh=energy.local_wh,
            self_sufficiency_ppm=district.ppm(energy.local_wh, energy.consumed_wh),
            self_consumption_ppm=district.ppm(energy.local_wh, energy.produced_wh),
            balance_wh=energy.balance_wh,
            positive=energy.balance_wh > 0 if _is_a_year(days, complete) else None,
            money_kept=sum(one.paid or 0 for one in trades),
            **self._shifting(slots, trades),
        )

    def _shifting(self, slots: Span, trades: Iterable[Trade]) -> dict[str, Any]:
        """Return what flexible loads moved, and in a `net` network what that did to the peak."""
        taken: dict[str, dict[int, int]] = {}
        for trade in trades:
            of_order = taken.setdefault(trade.buy_order, {})
            of_order[trade.slot] = of_order.get(trade.slot, 0) + (trade.settled_wh or 0)
        orders = [one for one in self._orders(taken) if isinstance(one.order, FlexibleTerms)]
        moved = district.moved(orders, taken)
        imports = district.net_imports(self._readings(slots)) if self._rules.readings == "net" else {}
        peak, baseline = district.peak(imports), district.peak(district.unshifted(imports, orders, taken))
        return {
            "flexible_wh": moved.flexible_wh,
            "moved_wh": moved.moved_wh,
            "peak_slot": peak.slot if peak else None,
            "peak_import_wh": peak.imported_wh if peak else None,
            "baseline_peak_import_wh": baseline.imported_wh if baseline else None,
        }

    # --- allotments -----------------------------------------------------------------------------------------

    def allotments(self, first: int, end: int) -> list[types.Allotment]:
        """Return what the sharing key made of a span of slots. Raises ProblemError."""
        slots = Span.read(first, end, MAX_SLOTS, "slots")
        return [
            types.Allotment(
                slot=slot,
                account=one.position.account,
                asset=one.position.point,
                surplus_wh=one.position.surplus_wh,
                need_wh=one.position.need_wh,
                given_wh=one.given_wh,
                taken_wh=one.taken_wh,
            )
            for slot, one in self._allotted(slots)
        ]

    def _shared_wh(self, slots: Span) -> int:
        return sum(one.taken_wh for _, one in self._allotted(slots))

    def _allotted(self, slots: Span) -> Iterator[tuple[int, Allotment]]:
        sharing = self._sharing()
        if sharing.key == "none":
            return
        for slot, positions in sorted(self._positions(slots).items()):
            yield from ((slot, one) for one in allot(positions, sharing, self._parents))

    def _positions(self, slots: Span) -> dict[int, list[Position]]:
        """Return what each connection point has left of each slot beside its trades."""
        sold, bought = self._settled(slots)
        feeders = {asset.id: asset.feeder for asset in self._assets()}
        by_slot: dict[int, list[Position]] = {}
        for one in self._readings(slots):
            place = one.asset, one.slot
            position = Position(
                point=one.asset,
                account=one.account,
                feeder=feeders[one.asset],
                surplus_wh=max(0, one.exported_wh - sold.get(place, 0)),
                need_wh=max(0, one.imported_wh - bought.get(place, 0)),
            )
            by_slot.setdefault(one.slot, []).append(position)
        return {slot: sorted(found, key=lambda one: one.point) for slot, found in by_slot.items()}

    def _settled(self, slots: Span) -> tuple[dict[tuple[str, int], int], dict[tuple[str, int], int]]:
        """Return the settled Wh that points sold and bought, by point and slot."""
        sold: dict[tuple[str, int], int] = {}
        bought: dict[tuple[str, int], int] = {}
        for trade in self._trades(slots):
            for side, point in ((sold, trade.sell_point), (bought, trade.buy_point)):
                place = point, trade.slot
                side[place] = side.get(place, 0) + (trade.settled_wh or 0)
        return sold, bought

    def _sharing(self) -> Sharing:
        rows = [msgspec.json.decode(row, type=Policy) for _, row in self._reader.live(Policy.table)]
        return rows[0].sharing if rows else self._rules.sharing

    # --- feeders --------------------------------------------------------------------------------------------

    def feeders(self, first: int, end: int) -> list[types.FeederDay]:
        """Compare each feeder's own meter with its members, day by day. Raises ProblemError."""
        days = Span.read(first, end, MAX_DAYS, "days")
        totals = {(one.asset, one.day): one for one in self._totals(days)}
        members = self._members_totals(days)
        return [
            one
            for meter in self._feeder_meters()
            for one in _with_persistence(
                self._feeder_day(meter, day, totals[meter.id, day], members)
                for day in range(days.first, days.end)
                if (meter.id, day) in totals
            )
        ]

    def _feeder_day(
        self, meter: Asset, day: int, total: DayTotal, members: Iterable[DayTotal]
    ) -> types.FeederDay:
        below = {one.id for one in self._points() if self._is_below(one.feeder, meter.feeder)}
        counted = [one for one in members if one.day == day and one.asset in below]
        metered = total.imported_wh - total.exported_wh
        summed = sum(one.imported_wh - one.exported_wh for one in counted)
        return types.FeederDay(
            asset=meter.id,
            feeder=meter.feeder,
            day=day,
            metered_wh=metered,
            members_wh=summed,
            difference_wh=metered - summed,
            complete=len(counted) == len(below),
            persistent=False,
        )

    def _is_below(self, feeder: str, top: str) -> bool:
        return feeder == top or (feeder != "" and self._is_below(self._parents[feeder], top))

    # --- from the disk --------------------------------------------------------------------------------------

    def _slots_of(self, days: Span) -> Span:
        """Return the slots that start within days."""
        length = self._rules.slot_s
        return Span(-(-days.first * DAY_S // length), -(-days.end * DAY_S // length))

    def _assets(self) -> Iterator[Asset]:
        return (msgspec.json.decode(row, type=Asset) for _, row in self._reader.live(Asset.table))

    def _points(self) -> list[Asset]:
        """Return the members' connection points that are in use."""
        return [
            one
            for one in self._assets()
            if one.behind is None and one.state == "active" and one.asset_type != FEEDER_METER
        ]

    def _feeder_meters(self) -> list[Asset]:
        return [one for one in self._assets() if one.asset_type == FEEDER_METER]

    def _is_complete(self, day: int, totals: Iterable[DayTotal]) -> bool:
        """Tell whether every connection point that is in use today has a total for a day."""
        counted = {one.asset for one in totals if one.day == day}
        return bool(counted) and all(point.id in counted for point in self._points())

    def _members_totals(self, days: Span) -> list[DayTotal]:
        meters = {meter.id for meter in self._feeder_meters()}
        return [one for one in self._totals(days) if one.asset not in meters]

    def _totals(self, days: Span) -> Iterator[DayTotal]:
        rows = self._reader.between(DayTotal.table, "day", days.first, days.end)
        return (msgspec.json.decode(row, type=DayTotal) for row in rows)

    def _readings(self, slots: Span) -> Iterator[Reading]:
        rows = self._reader.between(Reading.table, "slot", slots.first, slots.end)
        return (msgspec.json.decode(row, type=Reading) for row in rows)

    def _trades(self, slots: Span) -> Iterator[Trade]:
        return self._reader.trades_between(slots.first, slots.end)

    def _orders(self, ids: Iterable[str]) -> Iterator[Order]:
        rows = (self._reader.one(Order.table, one) for one in sorted(ids))
        return (msgspec.json.decode(row, type=Order, strict=False) for row in rows if row is not None)


def _with_persistence(days: Iterable[types.FeederDay]) -> Iterator[types.FeederDay]:
    """Mark the days on which a difference has shown the same way long enough."""
    run = way = 0
    for day in days:
        before, way = way, _way(day)
        run = run + 1 if way and way == before else int(bool(way))
        yield msgspec.structs.replace(day, persistent=run >= PERSISTENT_DAYS)


def _way(day: types.FeederDay) -> int:
    """Return the sign of a difference that is more than meters differ anyway; 0 for none."""
    least = max(TOLERATED_WH, abs(day.metered_wh) * TOLERATED_PPM // district.MILLION)
    if not day.complete or abs(day.difference_wh) < least:
        return 0
    return 1 if day.difference_wh > 0 else -1


def _is_a_year(days: Span, complete: int) -> bool:
    """Tell whether a span is twelve full months at least, with nothing missing."""
    first, end = (datetime.date.fromordinal(_EPOCH + day) for day in (days.first, days.end))
    months = (end.year - first.year) * 12 + end.month - first.month
    return first.day == end.day == 1 and months >= _MONTHS and complete == days.end - days.first


def as_csv(allotments: Iterable[types.Allotment]) -> bytes:
    """Write allotments as the table that a grid operator takes."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows([getattr(one, column) for column in COLUMNS] for one in allotments)
    return text.getvalue().encode()
