"""The actions that only answer: orders, trades, the audit log."""

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.util.json import JsonValueType

from .coordinator import EnergyMarketplaceConfigEntry
from .orders import event_facts, local_time, order_facts, trade_facts
from .schema import vol
from .service_input import (
    ATTR_CONFIG_ENTRY,
    ATTR_DEVICE_ID,
    Target,
    entry_of,
    explained,
    given,
    invalid,
    number,
    target_of,
)

ATTR_CURSOR = "cursor"
ATTR_LIMIT = "limit"
ATTR_STATE = "state"
ATTR_VERIFY = "verify"

ORDER_STATES = ("open", "filled", "cancelled", "lapsed")
TRADE_STATES = ("matched", "delivering", "metered", "overdue", "disputed", "settled")
_MOST = 500

LIST_SCHEMA = vol.Schema(
    {
        vol.Optional(ATTR_DEVICE_ID): object,
        vol.Optional(ATTR_CONFIG_ENTRY): str,
        vol.Optional(ATTR_STATE): object,
    }
)
AUDIT_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): object,
        vol.Optional(ATTR_LIMIT, default=100): object,
        vol.Optional(ATTR_CURSOR): object,
        vol.Optional(ATTR_VERIFY, default=False): bool,
    }
)


async def get_orders(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return the orders of a member or of one asset, with who placed them."""
    entry, asset = whose(hass, call)
    market = entry.runtime_data.market
    with explained():
        orders = await market.member.client.orders(
            account=market.member.address, asset=asset, state=_state(call, ORDER_STATES)
        )
    return {"orders": [order_facts(order, market) for order in orders]}


async def get_trades(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return the trades of a member or of one asset, with who placed their orders."""
    entry, asset = whose(hass, call)
    market = entry.runtime_data.market
    with explained():
        trades = await market.member.client.trades(
            account=market.member.address, asset=asset, state=_state(call, TRADE_STATES)
        )
    return {"trades": [trade_facts(trade, asset, market) for trade in trades]}


async def get_audit_log(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Return one page of what the ledger holds about an asset, oldest first; checked if that is wished."""
    target = target_of(hass, call)
    limit = int(number(call, ATTR_LIMIT))
    if limit > _MOST:
        raise invalid("too_many", field=ATTR_LIMIT, most=_MOST)
    with explained():
        page = await target.market.member.client.audit(
            target.asset.id,
            limit=limit,
            cursor=str(call.data[ATTR_CURSOR]) if given(call, ATTR_CURSOR) else None,
        )
        checked = await _checked(target) if call.data[ATTR_VERIFY] else {}
    return {"events": [event_facts(event) for event in page.items], "next": page.next, **checked}


async def _checked(target: Target) -> dict[str, JsonValueType]:
    """Return what checking an asset's whole log by oneself came to."""
    log, finding = await target.market.trust.audit(target.asset.id, target.market.network)
    return {
        "verification": {
            "verdict": finding.verdict.value,
            "events": len(log.items),
            "until": None if finding.time is None else local_time(finding.time),
            "commit": finding.commit or None,
            "reason": finding.reason,
        }
    }


def whose(hass: HomeAssistant, call: ServiceCall) -> tuple[EnergyMarketplaceConfigEntry, str | None]:
    """Return the member that an action is about, and the asset if it names one."""
    if given(call, ATTR_DEVICE_ID):
        target = target_of(hass, call)
        return target.entry, target.asset.id
    return entry_of(hass, call), None


def _state(call: ServiceCall, known: tuple[str, ...]) -> str | None:
    if not given(call, ATTR_STATE):
        return None
    state = call.data[ATTR_STATE]
    if state not in known:
        raise invalid("unknown_state", value=state, known=", ".join(known))
    return str(state)
