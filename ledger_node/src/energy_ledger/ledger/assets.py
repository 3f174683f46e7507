"""Assets: what members own, where it stands on the grid, and which of it may trade."""

from functools import partial
from typing import Any

from msgspec.structs import replace

from energy_ledger.fields import FEEDER_METER
from energy_ledger.ledger.rights import FOUNDER
from energy_ledger.ledger.rows import Asset, given
from energy_ledger.ledger.rules import Action, Request
from energy_ledger.ledger.state import State
from energy_ledger.ledger.states import ASSET, AssetState, advance, may
from energy_ledger.member_payloads import AssetRetire
from energy_ledger.payloads import AssetRegister, AssetUpdate
from energy_ledger.refusals import Refused

_REBUILDING = ("rated_import_w", "rated_export_w", "behind", "feeder")
"""What orders were checked against and trades will be settled by."""


def own_asset(request: Request, name: str, field: str = "asset") -> Asset:
    """Return an asset of the sender. Raises Refused."""
    asset = request.state.assets.get(name)
    if asset is None:
        raise Refused("unknown_asset", field, "There is no asset with this id.")
    if asset.account != request.sender.account:
        raise Refused("not_your_asset", field, "This asset is another member's.")
    return asset


def active_asset(request: Request, name: str, field: str = "asset") -> Asset:
    """Return an asset of the sender that is not retired. Raises Refused."""
    asset = own_asset(request, name, field)
    if asset.state == "retired":
        raise Refused("asset_retired", field, f"{asset.name} is retired and takes no part any more.")
    return asset


def trading_asset(request: Request, name: str, field: str = "asset") -> Asset:
    """Return an asset of the sender that takes part in the market. Raises Refused."""
    asset = active_asset(request, name, field)
    if asset.asset_type == FEEDER_METER:
        raise Refused("not_allowed", field, "A feeder's meter compares; it trades nothing.")
    return asset


def plan_register(request: Request, payload: AssetRegister) -> Action:
    """Check where the asset stands; then it can trade."""
    asset = Asset(
        id=request.id,
        account=request.sender.account,
        asset_type=payload.asset_type,
        name=payload.name,
        rated_import_w=payload.rated_import_w,
        rated_export_w=payload.rated_export_w,
        behind=payload.behind,
        feeder=payload.feeder,
        source=payload.source,
        technology=given(payload.technology),
        commissioned=given(payload.commissioned),
        location=given(payload.location),
        storage_efficiency=given(payload.storage_efficiency),
        commit=request.state.commit,
    )
    _check_feeder_meter(request, asset)
    _check_place(request, asset)
    return partial(_register, request, asset)


def plan_update(request: Request, payload: AssetUpdate) -> Action:
    """Check what the asset would become; what trades cannot be rebuilt."""
    asset = active_asset(request, payload.asset)
    changes = payload.changes
    updated = replace(asset, **changes)
    if not updated.rated_import_w and not updated.rated_export_w:
        raise Refused("bad_value", "rated_import_w", "An asset that moves no power cannot trade.")
    if any(getattr(updated, field) != getattr(asset, field) for field in _REBUILDING):
        _check_rebuild(request, asset, updated)
    return partial(_update, request, asset, changes)


def _check_rebuild(request: Request, asset: Asset, updated: Asset) -> None:
    if updated.behind == asset.id or (updated.behind and _in_use_behind(request.state, asset)):
        message = "Only a connection point can have assets behind it; this one would not be one any more."
        raise Refused("not_a_connection_point", "behind", message)
    _check_place(request, updated)
    for touched in (asset, *_in_use_behind(request.state, asset)):
        _check_may(request.state, touched, "rebuild")


def _check_may(state: State, asset: Asset, event: str) -> None:
    """Refuse what an asset with open orders or unsettled trades cannot undergo."""
    if not may(ASSET, asset_state(state, asset), event):
        message = f"{asset.name} has open orders or unsettled trades; wait for them or cancel them first."
        raise Refused("has_open_orders", "asset", message)


def plan_retire(request: Request, payload: AssetRetire) -> Action:
    """Check that nothing of the asset is open; then it takes no part any more."""
    asset = active_asset(request, payload.asset)
    _check_may(request.state, asset, "retire")
    behind = _in_use_behind(request.state, asset)
    if behind:
        message = f"{behind[0].name} stands behind this connection point; retire or move it first."
        raise Refused("has_assets", "asset", message)
    return partial(retire, request.state, asset, request.id)


def retire(state: State, asset: Asset, transaction: str | None) -> None:
    """Take an asset out of the market; it stays readable."""
    asset = state.assets.put(replace(asset, state="retired", commit=state.commit))
    flexibility = [one.id for one in state.flexibility.values() if one.asset == asset.id]
    for key in sorted(flexibility):
        state.flexibility.forget(key)
    state.emit(
        "asset.retired", asset.row(), accounts=[asset.account], assets=[asset.id], transaction=transaction
    )


def assets_of(state: State, account: str) -> list[Asset]:
    """Return the assets of a member that are not retired, by their ids."""
    own = (one for one in state.assets.values() if one.account == account and one.state == "active")
    return sorted(own, key=lambda asset: asset.id)


def asset_state(state: State, asset: Asset) -> AssetState:
    """Tell whether an asset is retired or has open orders or unsettled trades."""
    if asset.state == "retired":
        return "retired"
    idle = advance(ASSET, None, "register")
    trades = (state.trades[name] for name in state.index.unsettled())
    busy = (
        any(order.asset == asset.id for order in state.orders.values())
        or any(asset.id in (side.asset, side.point) for side in state.waiting_sides())
        or any(
            asset.id in (trade.sell_asset, trade.buy_asset, trade.sell_point, trade.buy_point)
            for trade in trades
        )
    )
    return advance(ASSET, idle, "trade") if busy else idle


def _check_feeder_meter(request: Request, asset: Asset) -> None:
    """Refuse a feeder's meter that is not the founder's, or not at the head of a feeder."""
    if asset.asset_type != FEEDER_METER:
        return
    if FOUNDER not in request.sender.roles:
        raise Refused("not_allowed", "asset_type", "A feeder's meter is registered by a founder.")
    if asset.behind is not None:
        raise Refused("bad_value", "behind", "A feeder's meter stands on the public grid itself.")


def _check_place(request: Request, asset: Asset) -> None:
    """Refuse an unknown feeder, and an asset behind something that is not the member's connection point."""
    feeders = request.state.rules.feeders
    if asset.feeder and all(feeder.id != asset.feeder for feeder in feeders):
        raise Refused("unknown_feeder", "feeder", "This network has no such feeder.")
    if asset.behind is None:
        return
    point = trading_asset(request, asset.behind, "behind")
    if point.behind is not None:
        message = f"{point.name} is not on the public grid itself; name its connection point instead."
        raise Refused("not_a_connection_point", "behind", message)
    if point.feeder != asset.feeder:
        message = f"It must be the feeder of its connection point, {point.feeder!r}."
        raise Refused("bad_value", "feeder", message)


def _behind(state: State, point: Asset) -> list[Asset]:
    return [asset for asset in state.assets.values() if asset.behind == point.id]


def _in_use_behind(state: State, point: Asset) -> list[Asset]:
    return [asset for asset in _behind(state, point) if asset.state == "active"]


def _register(request: Request, asset: Asset) -> None:
    request.state.assets.put(asset)
    _say(request, "asset.registered", asset)


def _update(request: Request, asset: Asset, changes: dict[str, Any]) -> None:
    """Change the asset; the assets behind a connection point move to another feeder with it."""
    state = request.state
    _say(request, "asset.updated", state.assets.put(replace(asset, commit=state.commit, **changes)))
    if changes.get("feeder", asset.feeder) != asset.feeder:
        for follower in _behind(state, asset):
            moved = replace(follower, feeder=changes["feeder"], commit=state.commit)
            _say(request, "asset.updated", state.assets.put(moved))


def _say(request: Request, event: Any, asset: Asset) -> None:
    request.state.emit(
        event, asset.row(), accounts=[asset.account], assets=[asset.id], transaction=request.id
    )
