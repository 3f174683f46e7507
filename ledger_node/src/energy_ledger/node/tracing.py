"""What people ask about trades that were settled: why so much was paid, and where the energy came from."""

from collections.abc import Callable
from typing import Final

import msgspec

from energy_ledger.api import types
from energy_ledger.ledger.trading_rows import Trade, reading_key
from energy_ledger.storage.reader import Party, Reader
from energy_ledger.tariffs import Schedule

_trade: Final = msgspec.json.Decoder(Trade)
_reading: Final = msgspec.json.Decoder(types.Reading)
_claim: Final = msgspec.json.Decoder(types.Claim)
GREEN: Final = frozenset({"solar", "wind", "hydro", "biogas"})
"""Sources that count as green, also where the energy lay in a store in between."""


class Tracing:
    """Answers such questions from one node's disk."""

    def __init__(self, reader: Reader, tariffs: Callable[[], Schedule]) -> None:
        self._reader = reader
        self._tariffs = tariffs

    def trade(self, key: str) -> types.TradeReport | None:
        """Return a trade and why it came to what it came to, None when there is none."""
        row = self._reader.one("trades", key)
        if row is None:
            return None
        trade = _trade.decode(row)
        explanation = types.Explanation(self._seller(trade), self._buyer(trade), self._claims(trade))
        return types.TradeReport(**msgspec.structs.asdict(trade), explanation=explanation)

    def green(self, party: Party, first: int, end: int) -> types.Green:
        """Sum up whose energy, and of which source, was used by an account or asset in these slots."""
        by_source: dict[str, int] = {}
        by_asset: dict[str, int] = {}
        for asset, source, wh in self._reader.consumed(party, first, end):
            by_source[source or "unknown"] = by_source.get(source or "unknown", 0) + wh
            by_asset[asset] = by_asset.get(asset, 0) + wh
        return types.Green(
            consumed_wh=self._bought(party, first, end),
            green_wh=sum(wh for source, wh in by_source.items() if source in GREEN),
            by_source=by_source,
            by_asset=by_asset,
        )

    def _bought(self, party: Party, first: int, end: int) -> int:
        """Return what an account or asset took of its purchases; what it only passed on does not count."""
        trades = self._reader.subjects_trades(party.name, first, end)
        return sum(_used_wh(one) for one in trades if party.name in (one.buyer, one.buy_asset))

    def _seller(self, trade: Trade) -> types.TradeSide:
        reading = self._read(trade.sell_point, trade.slot)
        sold = (one for one in self._at(trade.sell_point, trade.slot) if one.sell_point == trade.sell_point)
        return types.TradeSide(
            point=trade.sell_point,
            traded_wh=sum(one.wh for one in sold),
            read_wh=reading.exported_wh if reading else None,
            share_wh=trade.delivered_wh,
            **_shortfall(trade, trade.delivered_wh, trade.taken_wh),
            outside=self._tariffs().of(trade.slot).price_cap,
            inside=trade.buyer_price,
            penalty=trade.seller_penalty,
        )

    def _buyer(self, trade: Trade) -> types.TradeSide:
        reading = self._read(trade.buy_point, trade.slot)
        bought = (one for one in self._at(trade.buy_point, trade.slot) if one.buy_point == trade.buy_point)
        return types.TradeSide(
            point=trade.buy_point,
            traded_wh=sum(one.wh for one in bought),
            read_wh=reading.imported_wh if reading else None,
            share_wh=trade.taken_wh,
            **_shortfall(trade, trade.taken_wh, trade.delivered_wh),
            outside=self._tariffs().of(trade.slot).price_floor,
            inside=trade.seller_price,
            penalty=trade.buyer_penalty,
        )

    def _read(self, point: str, slot: int) -> types.Reading | None:
        row = self._reader.one("readings", reading_key(point, slot))
        return None if row is None else _reading.decode(row)

    def _at(self, point: str, slot: int) -> list[Trade]:
        """Return the trades between a point and others in a slot."""
        return [trade for trade in self._reader.trades_at(point, slot) if not trade.internal]

    def _claims(self, trade: Trade) -> list[str]:
        """Return the ids of the claims about the meters of a trade."""
        found = [
            _claim.decode(one.row).id
            for point in dict.fromkeys((trade.sell_point, trade.buy_point))
            for one in self._reader.page("claims", {"asset": point, "slot": trade.slot}, None, 500)
        ]
        return sorted(found)


def _shortfall(trade: Trade, kept: int | None, other: int | None) -> dict[str, int]:
    """Return what passed through others for a side that kept less than the other, and what it is short."""
    less = max(0, (other or 0) - (kept or 0))
    passed = (trade.passed_wh or 0) if less else 0
    return {"passed_wh": passed, "short_wh": max(0, less - passed) if trade.settled_wh is not None else 0}


def _used_wh(trade: Trade) -> int:
    """Return the Wh of a settled trade that its buyer took, through others too."""
    came_through = (trade.taken_wh or 0) > (trade.delivered_wh or 0)
    return (trade.settled_wh or 0) + ((trade.passed_wh or 0) if came_through else 0)
