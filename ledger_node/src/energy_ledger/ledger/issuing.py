"""Certificates of a slot that was settled: what each asset exported, and whose use it was. Energy in Wh.

When the grace of a slot ends, all its energy is certified at once: an asset's Wh get the numbers that follow
its last ones, those that trades brought to a consumer are cancelled for its use, and the seller holds the
rest. A store's sales are made of what it bought: what was cancelled for it comes out again, less its loss.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

from msgspec.structs import replace

from energy_ledger.ledger import settlement
from energy_ledger.ledger.ranges import WhRange
from energy_ledger.ledger.rows import Asset
from energy_ledger.ledger.shares import Flow, flows, share
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import CERTIFICATE, advance
from energy_ledger.ledger.traced_rows import THOUSAND, Certificate, Tally
from energy_ledger.ledger.trading_rows import Trade
from energy_ledger.units import SECONDS_PER_HOUR

STORAGE: Final = "storage"
UNKNOWN: Final = ""
"""How a store counts energy of which nobody said what it was made of."""
_MARGIN: Final = 11, 10
"""What a meter may show beyond the rated power; no more is certified."""

type _ByAsset[T] = Mapping[str, Sequence[T]]


def issue(state: State, slot: int, point: str | None = None) -> None:
    """Certify what was exported in a slot, at one point if it is named, and use what was bought of it."""
    trades = settlement.slot_trades(state, slot)
    brought = _flows_by_asset(trades)
    used: list[Certificate] = []
    for asset, wh in _exported(state, slot, trades):
        fresh = _number(state, asset, slot, wh) if point in (None, asset.point) else []
        if fresh:
            _tell_issue(state, fresh)
            used += _use(state, fresh, brought.get(asset.id, ()))
    _charge(state, used, 1)


def correct(state: State, slot: int) -> None:
    """Bring a slot's certificates into line with a corrected reading.

    What a trade came to less goes to where the asset's energy went instead, else it is withdrawn; so is, of
    what nobody used, what was not exported after all. What was added is not certified; but what sellers still
    hold goes where their trades grew.
    """
    trades = settlement.slot_trades(state, slot)
    brought = _flows_by_asset(trades)
    exported = {asset.id: wh for asset, wh in _exported(state, slot, trades)}
    for asset, parts in _certified(state, slot).items():
        _reroute(state, parts, brought.get(asset, ()))
    for asset, parts in _certified(state, slot).items():
        active = [part for part in parts if part.state == "active"]
        _withdraw(state, _top(state, active, _sum(parts) - exported.get(asset, 0)))
    for asset, parts in _certified(state, slot).items():
        active = [part for part in parts if part.state == "active"]
        _charge(state, _use(state, active, _missing(parts, brought.get(asset, ()))), 1)


def forget_final(state: State, slot: int) -> None:
    """Put away what a final slot used; what nobody used can be given on, used and claimed from now on."""
    for part in _in_order(state, slot):
        if part.state == "active":
            state.expiries.add(part)
        else:
            state.certificates.finish(part)


def _exported(state: State, slot: int, trades: Iterable[Trade]) -> list[tuple[Asset, int]]:
    """Return what each asset exported as far as it can be certified, in the order of trades."""
    exported: dict[str, int] = {}
    for trade in trades:
        exported[trade.sell_asset] = exported.get(trade.sell_asset, 0) + (trade.delivered_wh or 0)
    for asset, wh in _surplus(state, slot):
        exported[asset] = exported.get(asset, 0) + wh
    assets = ((state.assets[name], wh) for name, wh in exported.items())
    return [(asset, min(wh, _most(state, asset))) for asset, wh in assets if wh]


def _most(state: State, asset: Asset) -> int:
    """Return the most that is believed of an asset in a slot: its rating and a margin."""
    more, whole = _MARGIN
    return asset.rated_export_w * state.rules.slot_s * more // (SECONDS_PER_HOUR * whole)


def _surplus(state: State, slot: int) -> list[tuple[str, int]]:
    """Return what was exported beyond what was sold, where every slot is read and one asset produces it."""
    if state.rules.readings != "net":
        return []
    producers: dict[str, list[str]] = defaultdict(list)
    for asset in state.assets.values():
        if asset.source not in (None, STORAGE):
            producers[asset.point].append(asset.id)
    found = []
    for key in sorted(state.slots.readings.get(slot, ())):
        reading = state.readings[key]
        trades = settlement.trades_at(state, reading.asset, slot)
        beyond = reading.exported_wh - sum(one.wh for one in trades if one.sell_point == reading.asset)
        if beyond > 0 and len(producers[reading.asset]) == 1:
            found.append((producers[reading.asset][0], beyond))
    return found


def _flows_by_asset(trades: Sequence[Trade]) -> _ByAsset[Flow]:
    groups: dict[str, list[Flow]] = defaultdict(list)
    for flow in flows(trades):
        groups[flow.asset].append(flow)
    return groups


def _number(state: State, asset: Asset, slot: int, wh: int) -> list[Certificate]:
    """Give Wh of an asset their numbers, and take them out of it if it is a store."""
    tally = state.tallies.get(asset.id) or Tally(asset=asset.id)
    made_of: list[tuple[str | None, int]] = [(asset.source, wh)]
    if asset.source == STORAGE:
        held = tally.held_wh
        drawn = share(min(wh, sum(held.values())), list(held.values()))
        made_of = [(source or None, amount) for source, amount in zip(held, drawn, strict=True) if amount]
        for source, amount in made_of:
            tally = tally.stored(source or UNKNOWN, -amount * THOUSAND)
    fresh: list[Certificate] = []
    for source, amount in made_of:
        fresh.append(_fresh(state, asset, slot, source, WhRange(tally.next, tally.next + amount)))
        tally = replace(tally, next=tally.next + amount)
    if fresh:
        state.tallies.put(tally)
    return fresh


def _fresh(state: State, asset: Asset, slot: int, source: str | None, numbers: WhRange) -> Certificate:
    return Certificate(
        asset=asset.id,
        commissioned=asset.commissioned,
        end=numbers.end,
        expires=state.time + state.timing.life_ms,
        first=numbers.first,
        holder=asset.account,
        id=f"{asset.id}.{numbers.first}",
        issued=state.time,
        issuer=state.genesis.network,
        location=asset.location,
        rated_w=asset.rated_export_w,
        slot=slot,
        source=source,
        state=advance(CERTIFICATE, None, "issue"),
        storage=asset.source == STORAGE,
        technology=asset.technology,
        wh=numbers.wh,
    )


def _use(state: State, parts: Iterable[Certificate], brought: Iterable[Flow]) -> list[Certificate]:
    """Cancel certificates for the use of those whom trades brought them, and keep the rest as it is."""
    used, rest = _hand_out(parts, brought)
    for part in (*used, *rest):
        state.slots.note_certificate(state.certificates.put(part))
    if used:
        _tell(state, "certificate.cancelled", used)
    return used


def _hand_out(
    parts: Iterable[Certificate], brought: Iterable[Flow]
) -> tuple[list[Certificate], list[Certificate]]:
    """Return certificates, lowest numbers first, as used by those whom trades brought them, and the rest."""
    queue, used = deque(parts), []
    for flow in brought:
        wanted = flow.wh
        while wanted and queue:
            part = queue.popleft()
            if part.wh > wanted:
                part, rest = part.split(wanted)
                queue.appendleft(rest)
            wanted -= part.wh
            used.append(_used(part, flow.trade))
    return used, list(queue)


def _used(part: Certificate, trade: Trade) -> Certificate:
    event = "cancel" if part.state == "active" else "reroute"
    return replace(
        part,
        consumed_slot=trade.slot,
        consumer=trade.buy_asset,
        holder=trade.buyer,
        state=advance(CERTIFICATE, part.state, event),
        trade=trade.id,
    )


def _charge(state: State, used: Iterable[Certificate], sign: Literal[1, -1]) -> None:
    """Put what was cancelled for stores into them (or take it out again), less what they lose."""
    for part in used:
        asset = state.assets[part.consumer] if part.consumer else None
        if asset is not None and asset.source == STORAGE:
            tally = state.tallies.get(asset.id) or Tally(asset=asset.id)
            amount = part.wh * (asset.storage_efficiency or THOUSAND)
            state.tallies.put(tally.stored(part.source or UNKNOWN, sign * amount))


def _in_order(state: State, slot: int) -> list[Certificate]:
    parts = (state.certificates[name] for name in state.slots.certificates.get(slot, ()))
    return sorted(parts, key=lambda part: (part.asset, part.first))


def _certified(state: State, slot: int) -> _ByAsset[Certificate]:
    """Return a slot's certificates by asset, lowest numbers first."""
    groups: dict[str, list[Certificate]] = defaultdict(list)
    for part in _in_order(state, slot):
        groups[part.asset].append(part)
    return groups


def _reroute(state: State, parts: Sequence[Certificate], brought: Sequence[Flow]) -> None:
    """Take back what trades no longer brought, and use it where the asset's energy went instead."""
    wanted: dict[str, int] = defaultdict(int)
    for flow in brought:
        wanted[flow.trade.id] += flow.wh
    missing = _missing(parts, brought)
    freed: list[Certificate] = []
    for trade, ours in _by_trade(parts).items():
        freed += _top(state, ours, _sum(ours) - wanted[trade])
    _charge(state, freed, -1)
    used, rest = _hand_out(sorted(freed, key=lambda part: part.first), missing)
    _withdraw(state, rest)
    for part in used:
        state.slots.note_certificate(state.certificates.put(part))
    _charge(state, used, 1)
    if used:
        _tell(state, "certificate.cancelled", used)


def _by_trade(parts: Iterable[Certificate]) -> _ByAsset[Certificate]:
    groups: dict[str, list[Certificate]] = defaultdict(list)
    for part in parts:
        if part.trade is not None:
            groups[part.trade].append(part)
    return groups


def _top(state: State, parts: Sequence[Certificate], wh: int) -> list[Certificate]:
    """Cut so many Wh off these certificates, the highest numbers first."""
    found: list[Certificate] = []
    for part in reversed(parts):
        if wh <= 0:
            break
        upper = part
        if part.wh > wh:
            lower, upper = part.split(part.wh - wh)
            state.certificates.put(lower)
        wh -= upper.wh
        found.append(upper)
    return found


def _withdraw(state: State, parts: Sequence[Certificate]) -> None:
    for part in parts:
        state.slots.drop_certificate(part)
        state.certificates.finish(replace(part, state=advance(CERTIFICATE, part.state, "withdraw")))
    if parts:
        _tell(state, "certificate.withdrawn", parts)


def _missing(parts: Iterable[Certificate], brought: Iterable[Flow]) -> list[Flow]:
    """Return the flows less what is cancelled for them already."""
    there = {trade: _sum(ours) for trade, ours in _by_trade(parts).items()}
    missing: list[Flow] = []
    for flow in brought:
        covered = min(flow.wh, there.get(flow.trade.id, 0))
        there[flow.trade.id] = there.get(flow.trade.id, 0) - covered
        missing.append(flow._replace(wh=flow.wh - covered))
    return missing


def _sum(parts: Iterable[Certificate]) -> int:
    return sum(part.wh for part in parts)


def _tell_issue(state: State, fresh: Sequence[Certificate]) -> None:
    first, last = fresh[0], fresh[-1]
    data = {
        "asset": first.asset,
        "slot": first.slot,
        "first": first.first,
        "end": last.end,
        "wh": last.end - first.first,
        "holder": first.holder,
    }
    state.emit("certificate.issued", data, accounts=[first.holder], assets=[first.asset])


_TOLD: Final = ("id", "first", "end", "wh", "holder", "source", "consumer", "trade")


def _tell(
    state: State,
    event: Literal["certificate.cancelled", "certificate.withdrawn"],
    parts: Sequence[Certificate],
) -> None:
    """Say at once what became of many certificates of one asset and slot."""
    first = parts[0]
    data = {
        "asset": first.asset,
        "slot": first.slot,
        "wh": _sum(parts),
        "certificates": [{name: getattr(part, name) for name in _TOLD} for part in parts],
    }
    consumers = (part.consumer for part in parts if part.consumer is not None)
    holders = (part.holder for part in parts)
    owner = state.assets[first.asset].account
    state.emit(event, data, accounts=(owner, *holders), assets=(first.asset, *consumers))
