"""The actions of a member about its own membership, and those of a founder about others and the tariff."""

from typing import Any

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.util.json import JsonObjectType

from .keyring import async_rotate
from .ledger.member import Receipt
from .ledger.units import slot_start_ms
from .orders import local_time
from .schema import vol
from .service_input import (
    ATTR_CONFIG_ENTRY,
    ATTR_DEVICE_ID,
    address,
    entry_of,
    explained,
    given,
    invalid,
    price,
    required_moment_ms,
    target_of,
    text,
)
from .trading.timing import open_slots

ATTR_GRANTED = "granted"
ATTR_MEMBER = "member"
ATTR_REASON = "reason"
ATTR_ROLE = "role"
ATTR_START = "start"
ATTR_SUSPENDED = "suspended"
PRICES = ("price_floor", "price_cap", "grid_fee")
ROLES = ("founder", "treasurer", "auditor")
_LONGEST_TEXT = 140
_ENTRY: dict[Any, Any] = {vol.Optional(ATTR_CONFIG_ENTRY): str}

OWN_SCHEMA = vol.Schema(_ENTRY)
SUSPEND_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_MEMBER): object,
        vol.Required(ATTR_SUSPENDED): bool,
        vol.Required(ATTR_REASON): object,
        **_ENTRY,
    }
)
ROLE_SCHEMA = vol.Schema(
    {
        vol.Required(ATTR_MEMBER): object,
        vol.Required(ATTR_ROLE): object,
        vol.Required(ATTR_GRANTED): bool,
        **_ENTRY,
    }
)
RETIRE_SCHEMA = vol.Schema({vol.Required(ATTR_DEVICE_ID): object})
TARIFF_SCHEMA = vol.Schema(
    {vol.Required(ATTR_START): object, **{vol.Optional(name): object for name in PRICES}, **_ENTRY}
)


async def rotate_keys(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Give the account new keys, and return their phrase: this once, to be written down."""
    entry = entry_of(hass, call)
    with explained():
        rotation = await async_rotate(hass, entry, entry.runtime_data.market.member)
    return {"phrase": rotation.wallet.phrase, **_told(rotation.receipt)}


async def leave_network(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Leave the network as soon as nothing is open any more."""
    market = entry_of(hass, call).runtime_data.market
    with explained():
        return _told(await market.member.leave())


async def retire_asset(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Take an asset out of the market for good; once the ledger has it, it goes from this home too."""
    target = target_of(hass, call)
    with explained():
        return _told(await target.market.member.retire_asset(target.asset.id))


async def suspend_member(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Stop a member from trading, or let it trade again; a founder's verb."""
    market = entry_of(hass, call).runtime_data.market
    member, reason = address(call, ATTR_MEMBER, market), text(call, ATTR_REASON, _LONGEST_TEXT)
    with explained():
        return _told(await market.member.suspend(member, suspended=call.data[ATTR_SUSPENDED], reason=reason))


async def set_role(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Give a member a role or take it; a founder's verb."""
    market = entry_of(hass, call).runtime_data.market
    member, role = address(call, ATTR_MEMBER, market), str(call.data[ATTR_ROLE])
    if role not in ROLES:
        raise invalid("unknown_role", value=role, known=", ".join(ROLES))
    with explained():
        return _told(await market.member.set_role(member, role, granted=call.data[ATTR_GRANTED]))


async def set_tariff(hass: HomeAssistant, call: ServiceCall) -> ServiceResponse:
    """Let other prices hold from a time on; what is left out stays, its week included. A founder's verb."""
    market = entry_of(hass, call).runtime_data.market
    slot_ms = market.slot_s * 1000
    from_slot = -(-required_moment_ms(call, ATTR_START) // slot_ms)
    earliest = open_slots(market.now_ms(), market.network.parameters).stop
    if from_slot < earliest:
        raise invalid("tariff_too_early", earliest=local_time(earliest * slot_ms))
    changes = {name: price(call, name) for name in PRICES if given(call, name)}
    if not changes:
        raise invalid("no_price_given")
    starts = slot_start_ms(from_slot, market.slot_s)
    before = market.network.tariff.held_at(starts)
    with explained():
        receipt = await market.member.set_tariff(from_slot, before.as_dict() | changes)
    return {**_told(receipt), "start": local_time(starts)}


def _told(receipt: Receipt) -> JsonObjectType:
    return {"transaction": receipt.id, "state": receipt.state}
